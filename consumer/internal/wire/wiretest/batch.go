// Package wiretest writes record batches (KIP-98, "Message Format"), and answers with them, as brokers send them and as
// none would, for tests to read. It knows nothing of the package that reads them, so that tests within that can use it.
package wiretest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
)

// Batch is a record batch to be encoded.
type Batch struct {
	Base, Last    int64
	Producer      int64
	Transactional bool
	Control       bool
	First         int64 // the time that those of the records are told from, in milliseconds; 0: Start
	Appended      int64 // the broker's time; 0: the records have their own
	Codec         compress.Compression
	Pack          func([]byte) []byte // nil: as the codec does
	Records       []Record
}

// Record is a record of a batch.
type Record struct {
	Offset     int64
	Time       time.Time
	Key, Value []byte
	Headers    []protocol.Header
}

// Start is the time of the first record, in milliseconds: when the clock of virtual time begins.
const Start = int64(946684800000)

// What a marker says.
const (
	Abort  = 0
	Commit = 1
)

// Of holds records at the offsets, the first of which need not be its base.
func Of(base, last, producer int64, transactional bool, offsets ...int64) Batch {
	b := Batch{Base: base, Last: last, Producer: producer, Transactional: transactional}
	for _, o := range offsets {
		b.Records = append(b.Records, Record{Offset: o, Time: time.UnixMilli(Start), Value: []byte("v")})
	}
	return b
}

// Marker ends a transaction of the producer.
func Marker(offset, producer int64, kind byte) Batch {
	return Batch{Base: offset, Last: offset, Producer: producer, Transactional: true, Control: true, Records: []Record{
		{Offset: offset, Time: time.UnixMilli(Start), Key: []byte{0, 0, 0, kind}, Value: []byte{0, 0, 0, 0, 0, 0}},
	}}
}

// Encode is the batch as bytes.
func (b Batch) Encode() []byte {
	first := cmp.Or(b.First, Start)
	var records []byte
	for _, r := range b.Records {
		body := []byte{0} // attributes
		body = binary.AppendVarint(body, r.Time.UnixMilli()-first)
		body = binary.AppendVarint(body, r.Offset-b.Base)
		body = appendBytes(appendBytes(body, r.Key), r.Value)
		body = binary.AppendVarint(body, int64(len(r.Headers)))
		for _, h := range r.Headers {
			body = appendBytes(appendBytes(body, []byte(h.Key)), h.Value)
		}
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	attributes := protocol.Attributes(b.Codec)
	if codec := b.Codec.Codec(); b.Pack != nil {
		records = b.Pack(records)
	} else if codec != nil {
		var packed bytes.Buffer
		zip := codec.NewWriter(&packed)
		_, _ = zip.Write(records)
		_ = zip.Close()
		records = packed.Bytes()
	}
	if b.Transactional {
		attributes |= protocol.Transactional
	}
	if b.Control {
		attributes |= protocol.Control
	}
	if b.Appended != 0 {
		attributes |= 1 << 3 // the time is the broker's
	}
	e := binary.BigEndian
	summed := e.AppendUint16(nil, uint16(attributes))
	summed = e.AppendUint32(summed, uint32(b.Last-b.Base))
	summed = e.AppendUint64(summed, uint64(first))
	summed = e.AppendUint64(summed, uint64(b.Appended))
	summed = e.AppendUint64(summed, uint64(b.Producer))
	summed = e.AppendUint16(summed, 0)
	summed = e.AppendUint32(summed, 0)
	summed = e.AppendUint32(summed, uint32(len(b.Records)))
	summed = append(summed, records...)

	all := e.AppendUint64(nil, uint64(b.Base))
	all = e.AppendUint32(all, uint32(9+len(summed)))
	all = e.AppendUint32(all, 0)
	all = append(all, 2)
	all = e.AppendUint32(all, crc32.Checksum(summed, crc32.MakeTable(crc32.Castagnoli)))
	return append(all, summed...)
}

// appendBytes appends a length and as many bytes, or null.
func appendBytes(to, b []byte) []byte {
	if b == nil {
		return binary.AppendVarint(to, -1)
	}
	return append(binary.AppendVarint(to, int64(len(b))), b...)
}
