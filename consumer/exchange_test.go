package consumer

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

func TestAVersionIsSpokenThatTheBrokerSpeaksAndThatIsWantedIfThereIsOne(t *testing.T) {
	t.Parallel()
	const most = 4
	for rule, test := range map[string]struct {
		broker versions
		want   int16
	}{
		"the newest that is wanted":                      {versions{2, 9}, 4},
		"the newest of an older broker":                  {versions{0, 3}, 3},
		"the oldest of a broker that speaks newer alone": {versions{5, 11}, 5},
	} {
		var s spoken
		s.note(1, map[int16]versions{int16(kmsg.OffsetCommit): test.broker})
		e := &exchange{request: kmsg.NewPtrOffsetCommitRequest(), most: most, chosen: 1, spoken: &s}
		if got, err := e.negotiate(nil); got != test.want || err != nil {
			t.Errorf("%s: version %d, error %v, want %d", rule, got, err, test.want)
		}
	}
}
