package deadletter

import (
	"strconv"
	"time"

	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	// Retention is how long letters are kept: people need days to notice,
	// understand and repair.
	Retention = 30 * 24 * time.Hour
	// MaxMessageBytes is the largest batch that a topic of letters takes. It leaves room for a letter's headers above Kafka's default
	// limit of 1 MiB a message, so that a source topic's largest record fits.
	MaxMessageBytes = 2 << 20
)

// LetterSettings are the settings of a dead-letter topic. It is not compacted: that
// would keep one letter a player.
func LetterSettings() []topic.Setting {
	return []topic.Setting{
		{Name: "cleanup.policy", Value: "delete"},
		{Name: "retention.ms", Value: strconv.FormatInt(Retention.Milliseconds(), 10)},
		{Name: "max.message.bytes", Value: strconv.Itoa(MaxMessageBytes)},
	}
}

// ResolutionTopic is the topic with the resolutions of the letters in topic.
func ResolutionTopic(topic string) string { return topic + ".resolutions" }

// ResolutionSettings are the settings of a topic of resolutions: compacted, and
// nothing in it expires, since a letter without a resolution is pending. Kafka compacts
// only segments that are full or old, which by default are of 1 GiB or a week.
func ResolutionSettings() []topic.Setting {
	return []topic.Setting{
		{Name: "cleanup.policy", Value: "compact"},
		{Name: "segment.ms", Value: strconv.FormatInt((24 * time.Hour).Milliseconds(), 10)},
		{Name: "segment.bytes", Value: strconv.Itoa(32 << 20)},
	}
}
