package deadletter

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter/topic"
)

// batch is letters that are written together.
type batch struct {
	*topic.Batch
	letters []*Letter
	written bool
}

// newBatch returns a batch of letters as they go to Kafka with a number of parts cut,
// see [Letter.record].
func newBatch(letters []*toWrite, cut int) *batch {
	b := &batch{}
	records := make([]kmsg.Record, len(letters))
	for i, l := range letters {
		b.letters = append(b.letters, l.Letter)
		records[i] = l.record(cut)
	}
	b.Batch = topic.NewBatch(records...)
	return b
}

// has tells whether a letter is in the batch, perhaps explained in other words.
func (b *batch) has(l *toWrite) bool {
	return b.index(l) >= 0
}

// take takes a letter out, if it is in.
func (b *batch) take(l *toWrite) bool {
	i := b.index(l)
	if i >= 0 {
		b.letters = slices.Delete(b.letters, i, i+1)
	}
	return i >= 0
}

func (b *batch) index(l *toWrite) int {
	return slices.IndexFunc(b.letters, func(other *Letter) bool { return other.Identity() == l.Identity() })
}
