package consumer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"
)

// fetchRequest is a request of Kafka's Fetch API for one partition. It goes over
// a connection of kafka-go's, which finds the leader, connects and authenticates;
// only the bytes of request and response are written and read here. kafka-go's
// own decoding copies and allocates for each key and value, and tells neither
// where a compacted batch ends nor when the broker has appended one.
type fetchRequest struct {
	clientID  string
	topic     string
	partition int32
	offset    int64
	maxWait   time.Duration
	maxBytes  int32

	version int16 // negotiated by the connection
}

// The versions of the Fetch API spoken here: record batches came with 4 (Kafka
// 0.11), and 11 is the newest that kafka-go negotiates.
const minFetchVersion = 4

var (
	_ protocol.BrokerMessage = (*fetchRequest)(nil)
	_ protocol.RawExchanger  = (*fetchRequest)(nil)
)

// ApiKey makes it a message of kafka-go's.
func (r *fetchRequest) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker has kafka-go send it to the partition's leader.
func (r *fetchRequest) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	route := fetchAPI.Request{Topics: []fetchAPI.RequestTopic{{
		Topic: r.topic, Partitions: []fetchAPI.RequestPartition{{Partition: r.partition}},
	}}}
	return route.Broker(cluster)
}

// Required has kafka-go leave the exchange to RawExchange.
func (r *fetchRequest) Required(versions map[protocol.ApiKey]int16) bool {
	r.version = versions[protocol.Fetch]
	return true
}

// RawExchange sends the request and reads the response. It runs on a goroutine
// of the connection, which nobody may be waiting for any more.
func (r *fetchRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	if r.version < minFetchVersion {
		return nil, fmt.Errorf("the broker speaks version %d of the Fetch API: Kafka 0.11 or newer is needed", r.version)
	}
	if _, err := rw.Write(r.encode()); err != nil {
		return nil, err
	}
	res := &fetchResponse{memory: newFetchMemory()}
	if err := res.memory.read(rw); err != nil {
		return nil, err
	}
	if err := res.decode(r); err != nil {
		res.release()
		return nil, err
	}
	return res, nil
}

func (r *fetchRequest) encode() []byte {
	const correlation = 0 // one request at a time: there is nothing to tell apart
	e := binary.BigEndian
	b := make([]byte, 4, 160+len(r.clientID)+len(r.topic))
	b = e.AppendUint16(b, uint16(protocol.Fetch))
	b = e.AppendUint16(b, uint16(r.version))
	b = e.AppendUint32(b, correlation)
	b = appendString(b, r.clientID)

	b = e.AppendUint32(b, ^uint32(0)) // replica: none, a consumer
	b = e.AppendUint32(b, uint32(r.maxWait/time.Millisecond))
	b = e.AppendUint32(b, 1) // min bytes
	b = e.AppendUint32(b, uint32(r.maxBytes))
	b = append(b, byte(kafka.ReadCommitted))
	if r.version >= 7 {
		b = e.AppendUint32(b, 0)          // session: none
		b = e.AppendUint32(b, ^uint32(0)) // its epoch
	}
	b = e.AppendUint32(b, 1) // topics
	b = appendString(b, r.topic)
	b = e.AppendUint32(b, 1) // partitions
	b = e.AppendUint32(b, uint32(r.partition))
	if r.version >= 9 {
		b = e.AppendUint32(b, ^uint32(0)) // leader epoch: not known
	}
	b = e.AppendUint64(b, uint64(r.offset))
	if r.version >= 5 {
		b = e.AppendUint64(b, ^uint64(0)) // log start offset: for replicas only
	}
	b = e.AppendUint32(b, uint32(r.maxBytes))
	if r.version >= 7 {
		b = e.AppendUint32(b, 0) // forgotten topics
	}
	if r.version >= 11 {
		b = appendString(b, "") // rack
	}
	e.PutUint32(b, uint32(len(b)-4))
	return b
}

func appendString(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// fetchResponse is what a fetch brought. Its records lie in memory that is used
// again: whoever has it last releases it.
type fetchResponse struct {
	memory        *fetchMemory
	code          kafka.Error // 0: none
	highWatermark int64
	aborted       []abortedTransaction
	batches       []byte // record batches, the last perhaps cut off
}

// ApiKey makes it a message of kafka-go's.
func (r *fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

func (r *fetchResponse) release() { r.memory.release() }

var errOtherPartition = errors.New("the broker answered for other partitions than asked")

func (r *fetchResponse) decode(req *fetchRequest) error {
	c := cursor{b: r.memory.bytes}
	c.int32() // correlation
	c.int32() // throttle time
	if req.version >= 7 {
		r.code = kafka.Error(c.int16())
		c.int32() // session
	}
	if r.code != 0 {
		return c.err()
	}
	if topics := c.int32(); topics != 1 && c.err() == nil {
		return errOtherPartition
	}
	topic := c.take(int(c.int16()))
	partitions, partition := c.int32(), c.int32()
	if c.err() == nil && (string(topic) != req.topic || partitions != 1 || partition != req.partition) {
		return errOtherPartition
	}
	r.code = kafka.Error(c.int16())
	r.highWatermark = c.int64()
	c.int64() // last stable offset
	if req.version >= 5 {
		c.int64() // log start offset
	}
	for range c.int32() { // -1: none
		t := abortedTransaction{producer: c.int64(), first: c.int64()}
		if c.short {
			break
		}
		r.aborted = append(r.aborted, t)
	}
	if req.version >= 11 {
		c.int32() // preferred read replica
	}
	if n := c.int32(); n > 0 {
		r.batches = c.take(int(n))
	}
	return c.err()
}

// fetchMemory holds a response. It belongs to the connection while that reads,
// then to whoever waits for the response; if nobody does any more, the garbage
// collector takes it.
type fetchMemory struct{ bytes []byte }

var fetchMemories = sync.Pool{New: func() any { return new(fetchMemory) }}

func newFetchMemory() *fetchMemory { return fetchMemories.Get().(*fetchMemory) }

// release gives the memory to the next fetch. What a single huge batch has asked
// for is not kept.
func (m *fetchMemory) release() {
	const most = 2 << 20
	if cap(m.bytes) <= most {
		fetchMemories.Put(m)
	}
}

// read reads a response and its size before it. It believes the size only step
// by step, since what answers may be no broker at all.
func (m *fetchMemory) read(r io.Reader) error {
	var prefix [4]byte
	if _, err := io.ReadFull(r, prefix[:]); err != nil {
		return err
	}
	size := int(int32(binary.BigEndian.Uint32(prefix[:])))
	if size < 0 {
		return fmt.Errorf("the broker answers with a size of %d", size)
	}
	const step = 512 << 10
	m.bytes = m.bytes[:0]
	for len(m.bytes) < size {
		if len(m.bytes) == cap(m.bytes) {
			grown := make([]byte, len(m.bytes), min(size, max(step, 2*cap(m.bytes))))
			copy(grown, m.bytes)
			m.bytes = grown
		}
		n := len(m.bytes)
		m.bytes = m.bytes[:min(size, cap(m.bytes))]
		if _, err := io.ReadFull(r, m.bytes[n:]); err != nil {
			return err
		}
	}
	return nil
}
