package deadletter_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestMismatchesAreSettingsWithWhichLettersAreLost(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	client := newClient(t, b)
	letters, resolutions := deadletter.LetterSettings(), deadletter.ResolutionSettings()
	for rule, test := range map[string]struct {
		is   settings
		want []kafka.ConfigEntry
		say  string
	}{
		"letters as we set them":        {settings{"cleanup.policy": "delete", "retention.ms": "2592000000"}, letters, "[]"},
		"letters kept for longer":       {settings{"cleanup.policy": "delete", "retention.ms": "2592000001"}, letters, "[]"},
		"letters kept for ever":         {settings{"cleanup.policy": "delete", "retention.ms": "-1"}, letters, "[]"},
		"letters kept for less":         {settings{"cleanup.policy": "delete", "retention.ms": "1000"}, letters, "[topic T has retention.ms=1000, want 2592000000]"},
		"letters that are compacted":    {settings{"cleanup.policy": "compact", "retention.ms": "-1"}, letters, "[topic T has cleanup.policy=compact, want delete]"},
		"resolutions as we set them":    {settings{"cleanup.policy": "compact"}, resolutions, "[]"},
		"resolutions that are deleted":  {settings{"cleanup.policy": "delete"}, resolutions, "[topic T has cleanup.policy=delete, want compact]"},
		"resolutions that expire, too":  {settings{"cleanup.policy": "compact,delete"}, resolutions, "[topic T has cleanup.policy=compact,delete, want compact]"},
		"letters in a topic of default": {nil, letters, "[topic T has retention.ms=604800000, want 2592000000]"},
	} {
		topic := kafkatest.Name(t)
		if err := b.CreateTopic(t.Context(), topic, 1, test.is); err != nil {
			t.Fatal(err)
		}
		got, err := deadletter.Mismatches(t.Context(), client, topic, test.want)
		for i := range got {
			got[i].Topic = "T"
		}
		if fmt.Sprint(got) != test.say || err != nil {
			t.Errorf("%s: %v, error %v, want %s", rule, got, err, test.say)
		}
	}
	_, err := deadletter.Mismatches(t.Context(), client, "missing", letters)
	if !errors.Is(err, deadletter.ErrNoTopic) || err.Error() != "read the settings of topic missing: there is no such topic" {
		t.Errorf("error %v", err)
	}
}
