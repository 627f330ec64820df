package consumer

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/compress"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// written is a record batch for tests to encode.
type written struct {
	base, last    int64
	producer      int64
	transactional bool
	control       bool
	appended      int64 // the broker's time; 0: the records have their own
	codec         compress.Compression
	pack          func([]byte) []byte // nil: as the codec does
	records       []Record            // of which Time, Key, Value and Headers are written
}

func (w written) encode() []byte {
	var records []byte
	for _, r := range w.records {
		body := []byte{0} // attributes
		body = binary.AppendVarint(body, r.Time.UnixMilli()-start)
		body = binary.AppendVarint(body, r.Offset-w.base)
		bytesOrNull := func(b []byte) {
			if b == nil {
				body = binary.AppendVarint(body, -1)
				return
			}
			body = append(binary.AppendVarint(body, int64(len(b))), b...)
		}
		bytesOrNull(r.Key)
		bytesOrNull(r.Value)
		body = binary.AppendVarint(body, int64(len(r.Headers)))
		for _, h := range r.Headers {
			bytesOrNull([]byte(h.Key))
			bytesOrNull(h.Value)
		}
		records = append(binary.AppendVarint(records, int64(len(body))), body...)
	}
	attributes := protocol.Attributes(w.codec)
	if codec := w.codec.Codec(); w.pack != nil {
		records = w.pack(records)
	} else if codec != nil {
		var packed bytes.Buffer
		zip := codec.NewWriter(&packed)
		_, _ = zip.Write(records)
		_ = zip.Close()
		records = packed.Bytes()
	}
	if w.transactional {
		attributes |= protocol.Transactional
	}
	if w.control {
		attributes |= protocol.Control
	}
	if w.appended != 0 {
		attributes |= appendTime
	}
	e := binary.BigEndian
	summed := e.AppendUint16(nil, uint16(attributes))
	summed = e.AppendUint32(summed, uint32(w.last-w.base))
	summed = e.AppendUint64(summed, uint64(start))
	summed = e.AppendUint64(summed, uint64(w.appended))
	summed = e.AppendUint64(summed, uint64(w.producer))
	summed = e.AppendUint16(summed, 0)
	summed = e.AppendUint32(summed, 0)
	summed = e.AppendUint32(summed, uint32(len(w.records)))
	summed = append(summed, records...)

	b := e.AppendUint64(nil, uint64(w.base))
	b = e.AppendUint32(b, uint32(9+len(summed)))
	b = e.AppendUint32(b, 0)
	b = append(b, 2)
	b = e.AppendUint32(b, crc32.Checksum(summed, castagnoli))
	return append(b, summed...)
}

// start is the time of the first record, in milliseconds.
const start = int64(1767225600000)

// batchOf holds records at the offsets, the first of which need not be its base.
func batchOf(base, last, producer int64, transactional bool, offsets ...int64) written {
	w := written{base: base, last: last, producer: producer, transactional: transactional}
	for _, o := range offsets {
		w.records = append(w.records, Record{Offset: o, Time: time.UnixMilli(start), Value: []byte("v")})
	}
	return w
}

func marker(offset, producer int64, kind byte) written {
	return written{base: offset, last: offset, producer: producer, transactional: true, control: true, records: []Record{
		{Offset: offset, Time: time.UnixMilli(start), Key: []byte{0, 0, 0, kind}, Value: []byte{0, 0, 0, 0, 0, 0}},
	}}
}

const (
	abort  = 0
	commit = 1
)

func chunkOf(offset int64, aborted []abortedTransaction, batches ...[]byte) *chunk {
	part := kmsg.NewFetchResponseTopicPartition()
	part.HighWatermark, part.AbortedTransactions, part.RecordBatches = 1000, aborted, slices.Concat(batches...)
	c, err := newChunk(&Partition{Topic: "t"}, position{offset: offset, epoch: unknownEpoch}, &kmsg.FetchResponse{
		Version: newestFetchName, Topics: []kmsg.FetchResponseTopic{{Topic: "t", Partitions: []kmsg.FetchResponseTopicPartition{part}}},
	})
	if err != nil {
		panic(err)
	}
	c.ctx, c.most, c.lease, c.hand = context.Background(), math.MaxInt, newBudget(math.MaxInt).lease(), newHands(math.MaxInt).of("t")
	return c
}

// readAll reads a chunk in pieces of n.
func readAll(c *chunk, n int) (records []Record, err error) {
	for {
		records, err = c.read(records, n)
		if err != nil || c.ended() {
			return records, err
		}
	}
}

func TestChunk(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		offset  int64
		batches []written
		aborted []abortedTransaction
		want    []int64
		next    int64
	}{
		"nothing new leaves the position": {offset: 5, next: 5},
		"records follow each other":       {offset: 5, batches: []written{batchOf(5, 6, -1, false, 5, 6)}, want: []int64{5, 6}, next: 7},
		"the head of a batch is known already": {
			offset: 7, batches: []written{batchOf(5, 8, -1, false, 5, 6, 7, 8)}, want: []int64{7, 8}, next: 9,
		},
		"a batch before the offset is passed": {
			offset: 7, batches: []written{batchOf(5, 6, -1, false, 5, 6), batchOf(7, 7, -1, false, 7)}, want: []int64{7}, next: 8,
		},
		"compaction leaves gaps": {
			offset: 5, batches: []written{batchOf(5, 9, -1, false, 8), batchOf(20, 30, -1, false, 23)}, want: []int64{8, 23}, next: 31,
		},
		"batches that compaction has emptied are passed": {
			offset: 5, batches: []written{batchOf(3, 7, -1, false), batchOf(8, 900, -1, false)}, next: 901,
		},
		"the end of a batch that compaction has removed is passed": {
			offset: 7, batches: []written{batchOf(5, 19, -1, false, 5, 6)}, next: 20,
		},
		"a transaction committed": {
			offset: 5, batches: []written{batchOf(5, 6, 1, true, 5, 6), marker(7, 1, commit)}, want: []int64{5, 6}, next: 8,
		},
		"a transaction aborted": {
			offset: 5, batches: []written{batchOf(5, 6, 1, true, 5, 6), marker(7, 1, abort)},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 5}}, next: 8,
		},
		"one aborted that began before this chunk": {
			offset: 5, batches: []written{batchOf(5, 6, 1, true, 5, 6), marker(7, 1, abort), batchOf(8, 8, 1, true, 8)},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 2}}, want: []int64{8}, next: 9,
		},
		"two of one producer, the second aborted": {
			offset: 5, batches: []written{
				batchOf(5, 5, 1, true, 5), marker(6, 1, commit), batchOf(7, 7, 1, true, 7), marker(8, 1, abort),
			},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 7}}, want: []int64{5}, next: 9,
		},
		"two interleaved, one aborted": {
			offset: 5, batches: []written{
				batchOf(5, 5, 1, true, 5), batchOf(6, 6, 2, true, 6), marker(7, 2, commit), batchOf(8, 8, 1, true, 8), marker(9, 1, abort), batchOf(10, 10, 1, true, 10),
			},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 5}}, want: []int64{6, 10}, next: 11,
		},
		"two aborted, named in whatever order": {
			offset: 5, batches: []written{
				batchOf(5, 5, 1, true, 5), marker(6, 1, abort), batchOf(7, 7, 1, true, 7), marker(8, 1, commit), batchOf(9, 9, 1, true, 9), marker(10, 1, abort),
			},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 9}, {ProducerID: 1, FirstOffset: 5}}, want: []int64{7}, next: 11,
		},
		"what the same producer writes outside of transactions": {
			offset: 5, batches: []written{batchOf(5, 5, 1, false, 5), batchOf(6, 6, 1, true, 6)},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 5}}, want: []int64{5}, next: 7,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			var batches [][]byte
			for _, b := range test.batches {
				batches = append(batches, b.encode())
			}
			for _, piece := range []int{1, 2, 100} {
				c := chunkOf(test.offset, slices.Clone(test.aborted), batches...)
				records, err := readAll(c, piece)
				if err != nil {
					t.Fatal(err)
				}
				var got []int64
				for _, r := range records {
					got = append(got, r.Offset)
				}
				if !slices.Equal(got, test.want) || c.next != test.next || c.end != 1000 {
					t.Errorf("in pieces of %d: read %v, next %d, end %d; want %v, next %d, end 1000", piece, got, c.next, c.end, test.want, test.next)
				}
			}
		})
	}
}

func TestAPositionBetweenPiecesIsAfterWhatWasRead(t *testing.T) {
	t.Parallel()
	c := chunkOf(5, nil, batchOf(5, 9, -1, false, 5, 6, 7).encode())
	for _, want := range []int64{6, 7, 10} { // after the last, the end of the batch
		if _, err := c.read(nil, 1); err != nil || c.next != want {
			t.Errorf("next %d, error %v; want %d", c.next, err, want)
		}
	}
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(start + 1234)
	want := []Record{
		{Offset: 5, Time: at, Key: []byte("k"), Value: []byte("v")},
		{Offset: 6, Time: at, Key: nil, Value: nil},
		{Offset: 7, Time: at, Key: []byte{}, Value: []byte{}},
		{Offset: 8, Time: at, Value: bytes.Repeat([]byte("long "), 40_000), Headers: []Header{{Key: "a", Value: []byte("1")}, {Key: "", Value: nil}, {Key: "a", Value: []byte{}}}},
	}
	for _, codec := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		c := chunkOf(5, nil, written{base: 5, last: 8, producer: -1, codec: codec, records: want}.encode())
		got, err := readAll(c, 3)
		if err != nil || len(got) != len(want) {
			t.Fatalf("%s: %d records, error %v", codec, len(got), err)
		}
		for i, g := range got {
			w := want[i]
			if g.Offset != w.Offset || !g.Time.Equal(w.Time) || !same(g.Key, w.Key) || !same(g.Value, w.Value) || len(g.Headers) != len(w.Headers) {
				t.Errorf("%s: record %d is %+v, want %+v", codec, i, g, w)
			}
			for j, h := range g.Headers {
				if h.Key != w.Headers[j].Key || !same(h.Value, w.Headers[j].Value) {
					t.Errorf("%s: record %d has the header %+v, want %+v", codec, i, h, w.Headers[j])
				}
			}
		}
	}
}

func TestTheTimeIsTheBrokersWhereItSetsIt(t *testing.T) {
	t.Parallel()
	w := batchOf(5, 5, -1, false, 5)
	w.appended = start + 99
	records, err := readAll(chunkOf(5, nil, w.encode()), 10)
	if err != nil || len(records) != 1 || records[0].Time.UnixMilli() != start+99 {
		t.Errorf("read %v, error %v", records, err)
	}
}

func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func TestWhatIsBrokenIsNotRead(t *testing.T) {
	t.Parallel()
	good := batchOf(5, 6, -1, false, 5, 6).encode()
	change := func(at int, to byte) []byte {
		b := slices.Clone(good)
		b[at] = to
		return b
	}
	for rule, test := range map[string]struct {
		batches []byte
		want    string // of the error; empty: none
		records int
	}{
		"a bit that has changed":                    {change(len(good)-1, 'x'), "checksum", 0},
		"an old message format":                     {change(16, 1), "message format 1", 0},
		"an only batch that is cut off":             {good[:len(good)-1], "cut off", 0},
		"less than a size":                          {good[:7], "cut off", 0},
		"a last batch that is cut off is no error":  {append(slices.Clone(good), good[:20]...), "", 2},
		"a batch after others":                      {append(slices.Clone(good), change(30, 9)...), "checksum", 2},
		"offsets that do not rise":                  {batchOf(5, 6, -1, false, 5, 5).encode(), "do not rise", 1},
		"an offset behind the end of its batch":     {batchOf(5, 6, -1, false, 5, 8).encode(), "ends at 6", 1},
		"an offset before the begin of its batch":   {batchOf(5, 6, -1, false, 5, 4).encode(), "has a record 4", 1},
		"batches that overlap":                      {append(batchOf(5, 9, -1, false, 5, 9).encode(), batchOf(7, 8, -1, false, 7).encode()...), "do not rise", 2},
		"a negative length":                         {change(8, 0xff), "cut off", 0},
		"a length that leaves no room for a header": {append(append([]byte{}, good[:8]...), 0, 0, 0, 5, 0, 0, 0, 0, 2), "batch at 5: unexpected EOF", 0},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := chunkOf(5, nil, test.batches)
			records, err := readAll(c, 10)
			if len(records) != test.records || (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%d records, error %v; want %d and %q", len(records), err, test.records, test.want)
			}
			if test.records > 0 && c.next <= records[len(records)-1].Offset || c.next > 10 {
				t.Errorf("next is %d after %d records", c.next, test.records)
			}
		})
	}
}

// FuzzChunk holds the reading of record batches against kafka-go's: whatever it
// reads, it reads alike; and no bytes make it panic. The checksum is made right,
// since fuzzing never would.
func FuzzChunk(f *testing.F) {
	for _, w := range []written{
		batchOf(5, 6, -1, false, 5, 6),
		{base: 5, last: 5, codec: compress.Lz4, records: []Record{{Offset: 5, Key: []byte("k"), Value: []byte("v"), Headers: []Header{{Key: "h", Value: []byte("w")}}}}},
		marker(5, 1, abort),
	} {
		f.Add(w.encode())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= batchHeader {
			binary.BigEndian.PutUint32(data[8:], uint32(len(data)-12))
			binary.BigEndian.PutUint32(data[17:], crc32.Checksum(data[batchPreamble:], castagnoli))
		}
		c := chunkOf(0, nil, data)
		ours, err := readAll(c, 7)
		if err != nil || c.from > 0 || len(data) < batchHeader || data[22]&0x20 != 0 /* control */ {
			return
		}
		if count := int32(binary.BigEndian.Uint32(data[57:])); count > int32(len(data)) {
			return // kafka-go allocates for as many
		}
		theirs, err := kafkaGo(data)
		if err != nil {
			return
		}
		i := 0
		for _, want := range theirs {
			if want.Offset < 0 {
				continue
			}
			if i == len(ours) {
				t.Fatalf("kafka-go reads %d records, and we %d", len(theirs), len(ours))
			}
			got := ours[i]
			i++
			if got.Offset != want.Offset || !same(got.Key, want.Key) || !same(got.Value, want.Value) || len(got.Headers) != len(want.Headers) {
				t.Fatalf("record %d is %+v, and for kafka-go %+v", i, got, want)
			}
		}
	})
}

func kafkaGo(data []byte) (records []Record, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("kafka-go panics: %v", r) // as it does at a negative count
		}
	}()
	var set protocol.RecordSet
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(data))), data...)
	if _, err := set.ReadFrom(bytes.NewReader(framed)); err != nil {
		return nil, err
	}
	if set.Records == nil {
		return nil, errors.New("no records")
	}
	for {
		r, err := set.Records.ReadRecord()
		if errors.Is(err, io.EOF) {
			return records, nil
		}
		if err != nil {
			return nil, err
		}
		one := Record{Offset: r.Offset, Headers: r.Headers}
		if one.Key, err = kafka.ReadAll(r.Key); err == nil {
			one.Value, err = kafka.ReadAll(r.Value)
		}
		if err != nil {
			return nil, err
		}
		records = append(records, one)
	}
}
