package consumer

import (
	"iter"
	"time"
	"unsafe"

	"github.com/segmentio/kafka-go"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// Header is a record's header. A key may occur more than once.
type Header = kafka.Header

// Record is one record taken from Kafka. Key and Value are valid until it is
// settled; headers and their values for ever. None must be changed.
type Record struct {
	Partition *Partition // where it was taken from
	Offset    int64

	// What settling looks at comes first, and lies together.
	place  uint32      // in the partition's tracker
	buffer wire.Buffer // with Key and Value
	size   int

	// Passed is when the record was passed, to be taken later; zero if it was not, or
	// by a former owner of the partition.
	Passed time.Time

	// Time is as the producer or broker set it, in milliseconds, whatever it is (see
	// [Dated]); zero: there is none.
	Time    time.Time
	Value   []byte // nil: a tombstone, which is not the same as empty
	Key     []byte // nil: none
	Headers []Header

	Excess *Excess // what was too large to be kept; nil: nothing
}

// What of a record is kept, see [Excess]: a key of 1 MiB, a value of 16 MiB, and the
// first 10,000 headers, of 4 MiB together. A batch of 1 MiB, which is what brokers and
// clients take unless they are told otherwise, may unpack to a thousand times that.
const (
	MaxKeyBytes    = wire.MaxKeyBytes
	MaxValueBytes  = wire.MaxValueBytes
	MaxHeaders     = wire.MaxHeaders
	MaxHeaderBytes = wire.MaxHeaderBytes // keys and values
)

// Excess is what a record has that is too large to be kept, and was passed; 0: it
// was not.
type Excess struct {
	Key   int // its bytes, beyond [MaxKeyBytes]
	Value int // its bytes, beyond [MaxValueBytes]

	// Headers is how many headers there are beyond [MaxHeaders], or, with keys and
	// values of HeaderBytes, beyond [MaxHeaderBytes]. The first of them are kept.
	Headers, HeaderBytes int
}

// recordSize is what a record takes up beside key, value and headers.
const recordSize = int(unsafe.Sizeof(Record{}))

// Size is what key, value and headers take up in memory, in bytes.
func (r *Record) Size() int { return r.size }

// bytes is what is counted of it as taken: as Size, without what its buffer has
// beyond key and value.
func (r *Record) bytes() int { return r.size - cap(r.buffer) + len(r.buffer) }

// Settle says that the record is done with for good: its offset may be
// committed as soon as all before it are settled too, and the memory of Key and
// Value is used for other records. Settling a record of a generation that is
// over has no effect; settling one twice panics. Safe for concurrent use.
func (r *Record) Settle() {
	r.Partition.mu.Lock()
	r.Partition.settled(r.settle())
}

// SettleAll settles many records. Where neighbours are of the same partition that
// takes less time than to settle them one by one. While it goes through them it
// holds a lock: nothing else must be settled meanwhile by who yields them.
func SettleAll(records iter.Seq[*Record]) {
	var p *Partition
	n := 0
	for r := range records {
		if r.Partition != p {
			p.settled(n)
			p, n = r.Partition, 0
			p.mu.Lock()
		}
		n += r.settle()
	}
	p.settled(n)
}

// settle settles the record, its partition being locked, and returns 1, or 0 if
// the generation is over.
func (r *Record) settle() int {
	if r.Partition.tracker == nil {
		return 0
	}
	r.Partition.tracker.settle(r.place, r.Offset)
	r.buffer.Release()
	return 1
}
