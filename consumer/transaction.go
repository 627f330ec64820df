package consumer

import (
	"encoding/binary"
	"io"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"
)

// abortedTransactions filters one fetch response. The broker lists which
// producer aborted a transaction and at which offset that began; it lasts until
// the producer's abort marker (KIP-98, "Reading committed messages").
type abortedTransactions struct {
	begins []fetchAPI.ResponseTransaction // not yet reached, by offset
	open   map[int64]bool                 // producers inside an aborted transaction
}

func newAbortedTransactions(list []fetchAPI.ResponseTransaction) *abortedTransactions {
	begins := slices.Clone(list)
	slices.SortFunc(begins, func(a, b fetchAPI.ResponseTransaction) int { return int(a.FirstOffset - b.FirstOffset) })
	return &abortedTransactions{begins: begins, open: map[int64]bool{}}
}

func (a *abortedTransactions) contains(b *protocol.RecordBatch) bool {
	if !b.Attributes.Transactional() {
		return false
	}
	a.advance(b.BaseOffset)
	return a.open[b.ProducerID]
}

// marker ends the producer's transaction if it is an abort marker.
func (a *abortedTransactions) marker(b *protocol.ControlBatch) {
	a.advance(b.BaseOffset)
	if a.open[b.ProducerID] && isAbort(b) {
		delete(a.open, b.ProducerID)
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
func isAbort(b *protocol.ControlBatch) bool {
	rec, err := b.ReadRecord()
	if err != nil || rec.Key == nil {
		return false
	}
	defer closeRecord(rec)
	var key [4]byte
	if _, err := io.ReadFull(rec.Key, key[:]); err != nil {
		return false
	}
	return binary.BigEndian.Uint16(key[2:]) == 0
}
