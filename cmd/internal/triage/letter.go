package triage

import (
	"fmt"
	"strconv"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// A Letter is a dead letter with what else is known about it.
type Letter struct {
	Entry   deadletter.Entry
	History []deadletter.Resolution // oldest first
	BaseURL string                  // of the platform; empty: not known
}

// When returns when a letter was given up; where that is not known, and of a record that is none, when it came into the
// topic. It returns zero where neither is a time that somebody can have meant.
func When(e *deadletter.Entry) time.Time {
	for _, at := range []time.Time{e.Letter.Time, e.Written} {
		if consumer.Dated(at) {
			return at
		}
	}
	return time.Time{}
}

// SourceOf returns where a letter first came from, as TOPIC/PARTITION/OFFSET, fit to be shown.
func SourceOf(letter *deadletter.Letter) string {
	return fmt.Sprintf("%s/%d/%d", words.Visible(letter.Source.Topic), letter.Source.Partition, letter.Source.Offset)
}

// RetOf returns what the platform answered last, as text; empty: it is not known.
func RetOf(l *deadletter.Letter) string {
	if l.Ret == nil {
		return ""
	}
	return strconv.Itoa(*l.Ret)
}
