package wire

import (
	"cmp"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// abortedTransaction names a transaction that a response has records of and that
// was aborted.
type abortedTransaction = kmsg.FetchResponseTopicPartitionAbortedTransaction

// abortedTransactions filters one fetch response. The broker lists which
// producer aborted a transaction and at which offset that began; it lasts until
// the producer's abort marker (KIP-98, "Reading committed messages").
type abortedTransactions struct {
	begins []abortedTransaction // not yet reached, by offset
	open   map[int64]bool       // producers inside an aborted transaction
}

func newAbortedTransactions(list []abortedTransaction) abortedTransactions {
	slices.SortFunc(list, func(a, b abortedTransaction) int { return cmp.Compare(a.FirstOffset, b.FirstOffset) })
	return abortedTransactions{begins: list, open: map[int64]bool{}}
}

// contains tells whether a transactional batch of the producer is of an aborted
// transaction.
func (a *abortedTransactions) contains(base, producer int64) bool {
	a.advance(base)
	return a.open[producer]
}

// marker ends the producer's transaction if the control batch is an abort
// marker.
func (a *abortedTransactions) marker(b batch, producer int64) {
	a.advance(b.base)
	if a.open[producer] && isAbort(b) {
		delete(a.open, producer)
	}
}

func (a *abortedTransactions) advance(offset int64) {
	for len(a.begins) > 0 && a.begins[0].FirstOffset <= offset {
		a.open[a.begins[0].ProducerID] = true
		a.begins = a.begins[1:]
	}
}

// isAbort reads the control record's key: version (int16), type (int16, 0 for
// abort, 1 for commit).
func isAbort(b batch) bool {
	c := Cursor{b: b.ahead}
	c.Varint() // length
	c.Int8()   // attributes
	c.Varint() // time
	c.Varint() // offset
	key := Cursor{b: c.varbytes()}
	key.Int16() // version
	kind := key.Int16()
	return c.Err() == nil && key.Err() == nil && kind == 0
}
