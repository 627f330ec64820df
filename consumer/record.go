package consumer

import (
	"time"
	"unsafe"

	"github.com/segmentio/kafka-go"
)

// Header is a record's header. A key may occur more than once.
type Header = kafka.Header

// Record is one record taken from Kafka. Key and Value are valid until it is
// settled; headers and their values for ever. None must be changed.
type Record struct {
	Partition *Partition // where it was taken from
	Offset    int64
	Time      time.Time // as the producer or broker set it, in milliseconds
	Key       []byte    // nil: none
	Value     []byte    // nil: a tombstone, which is not the same as empty
	Headers   []Header

	seq    uint64 // its place in the partition's tracker
	buffer []byte // with Key and Value
}

// Size is what the record holds in memory, in bytes: key, value and headers.
func (r *Record) Size() int {
	n := len(r.Key) + len(r.Value)
	for _, h := range r.Headers {
		n += headerSize + len(h.Key) + len(h.Value)
	}
	return n
}

// headerSize is what a header takes up beside its text.
const headerSize = int(unsafe.Sizeof(Header{}))

// Settle says that the record is done with for good: its offset may be
// committed as soon as all before it are settled too, and the memory of Key and
// Value is used for other records. Settling a record of a generation that is
// over has no effect; settling one twice panics. Safe for concurrent use.
func (r *Record) Settle() {
	if r.Partition.settle(r.seq) {
		releaseBuffer(r.buffer)
	}
}
