package wire

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

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// recordSize is what a record counts with beside key, value and headers.
const recordSize = 184

func chunkOf(offset int64, aborted []abortedTransaction, batches ...[]byte) *Chunk {
	part := kmsg.NewFetchResponseTopicPartition()
	part.AbortedTransactions, part.RecordBatches = aborted, slices.Concat(batches...)
	c := NewChunk(name{}, offset, -1, &part, nil)
	b := NewBudget(math.MaxInt, recordSize)
	c.With(context.Background(), b.Lease(nil), b.Hand("t"), math.MaxInt)
	return c
}

// name is that of a partition.
type name struct{}

func (name) String() string { return "t/0" }

// piece reads up to n records.
func (c *Chunk) piece(n int) (records []Record, err error) {
	err = c.Read(n, func(r *Record) { records = append(records, *r) })
	return records, err
}

// readAll reads a chunk in pieces of n.
func readAll(c *Chunk, n int) (records []Record, err error) {
	for {
		more, err := c.piece(n)
		if records = append(records, more...); err != nil || c.Ended() {
			return records, err
		}
	}
}

func TestChunk(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		offset  int64
		batches []wiretest.Batch
		aborted []abortedTransaction
		want    []int64
		next    int64
	}{
		"nothing new leaves the position": {offset: 5, next: 5},
		"records follow each other":       {offset: 5, batches: []wiretest.Batch{wiretest.Of(5, 6, -1, false, 5, 6)}, want: []int64{5, 6}, next: 7},
		"the head of a batch is known already": {
			offset: 7, batches: []wiretest.Batch{wiretest.Of(5, 8, -1, false, 5, 6, 7, 8)}, want: []int64{7, 8}, next: 9,
		},
		"a batch before the offset is passed": {
			offset: 7, batches: []wiretest.Batch{wiretest.Of(5, 6, -1, false, 5, 6), wiretest.Of(7, 7, -1, false, 7)}, want: []int64{7}, next: 8,
		},
		"compaction leaves gaps": {
			offset: 5, batches: []wiretest.Batch{wiretest.Of(5, 9, -1, false, 8), wiretest.Of(20, 30, -1, false, 23)}, want: []int64{8, 23}, next: 31,
		},
		"batches that compaction has emptied are passed": {
			offset: 5, batches: []wiretest.Batch{wiretest.Of(3, 7, -1, false), wiretest.Of(8, 900, -1, false)}, next: 901,
		},
		"the end of a batch that compaction has removed is passed": {
			offset: 7, batches: []wiretest.Batch{wiretest.Of(5, 19, -1, false, 5, 6)}, next: 20,
		},
		"a transaction committed": {
			offset: 5, batches: []wiretest.Batch{wiretest.Of(5, 6, 1, true, 5, 6), wiretest.Marker(7, 1, wiretest.Commit)}, want: []int64{5, 6}, next: 8,
		},
		"a transaction aborted": {
			offset: 5, batches: []wiretest.Batch{wiretest.Of(5, 6, 1, true, 5, 6), wiretest.Marker(7, 1, wiretest.Abort)},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 5}}, next: 8,
		},
		"one aborted that began before this chunk": {
			offset: 5, batches: []wiretest.Batch{wiretest.Of(5, 6, 1, true, 5, 6), wiretest.Marker(7, 1, wiretest.Abort), wiretest.Of(8, 8, 1, true, 8)},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 2}}, want: []int64{8}, next: 9,
		},
		"two of one producer, the second aborted": {
			offset: 5, batches: []wiretest.Batch{
				wiretest.Of(5, 5, 1, true, 5), wiretest.Marker(6, 1, wiretest.Commit), wiretest.Of(7, 7, 1, true, 7), wiretest.Marker(8, 1, wiretest.Abort),
			},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 7}}, want: []int64{5}, next: 9,
		},
		"two interleaved, one aborted": {
			offset: 5, batches: []wiretest.Batch{
				wiretest.Of(5, 5, 1, true, 5), wiretest.Of(6, 6, 2, true, 6), wiretest.Marker(7, 2, wiretest.Commit), wiretest.Of(8, 8, 1, true, 8), wiretest.Marker(9, 1, wiretest.Abort), wiretest.Of(10, 10, 1, true, 10),
			},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 5}}, want: []int64{6, 10}, next: 11,
		},
		"two aborted, named in whatever order": {
			offset: 5, batches: []wiretest.Batch{
				wiretest.Of(5, 5, 1, true, 5), wiretest.Marker(6, 1, wiretest.Abort), wiretest.Of(7, 7, 1, true, 7), wiretest.Marker(8, 1, wiretest.Commit), wiretest.Of(9, 9, 1, true, 9), wiretest.Marker(10, 1, wiretest.Abort),
			},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 9}, {ProducerID: 1, FirstOffset: 5}}, want: []int64{7}, next: 11,
		},
		"what the same producer writes outside of transactions": {
			offset: 5, batches: []wiretest.Batch{wiretest.Of(5, 5, 1, false, 5), wiretest.Of(6, 6, 1, true, 6)},
			aborted: []abortedTransaction{{ProducerID: 1, FirstOffset: 5}}, want: []int64{5}, next: 7,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			var batches [][]byte
			for _, b := range test.batches {
				batches = append(batches, b.Encode())
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
				if !slices.Equal(got, test.want) || c.next != test.next {
					t.Errorf("in pieces of %d: read %v, next %d; want %v, next %d", piece, got, c.next, test.want, test.next)
				}
			}
		})
	}
}

func TestAPositionBetweenPiecesIsAfterWhatWasRead(t *testing.T) {
	t.Parallel()
	c := chunkOf(5, nil, wiretest.Of(5, 9, -1, false, 5, 6, 7).Encode())
	for _, want := range []int64{6, 7, 10} { // after the last, the end of the batch
		if _, err := c.piece(1); err != nil || c.next != want {
			t.Errorf("next %d, error %v; want %d", c.next, err, want)
		}
	}
}

func TestRecordsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(wiretest.Start + 1234)
	want := []wiretest.Record{
		{Offset: 5, Time: at, Key: []byte("k"), Value: []byte("v")},
		{Offset: 6, Time: at, Key: nil, Value: nil},
		{Offset: 7, Time: at, Key: []byte{}, Value: []byte{}},
		{Offset: 8, Time: at, Value: bytes.Repeat([]byte("long "), 40_000), Headers: []Header{{Key: "a", Value: []byte("1")}, {Key: "", Value: nil}, {Key: "a", Value: []byte{}}}},
	}
	for _, codec := range []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd} {
		c := chunkOf(5, nil, wiretest.Batch{Base: 5, Last: 8, Producer: -1, Codec: codec, Records: want}.Encode())
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
	w := wiretest.Of(5, 5, -1, false, 5)
	w.Appended = wiretest.Start + 99
	records, err := readAll(chunkOf(5, nil, w.Encode()), 10)
	if err != nil || len(records) != 1 || records[0].Time.UnixMilli() != wiretest.Start+99 {
		t.Errorf("read %v, error %v", records, err)
	}
}

func TestAWrittenTimeBelowZeroIsNone(t *testing.T) {
	t.Parallel()
	for _, first := range []int64{-1, -2, math.MinInt64, 1, wiretest.Start} { // which the batch says, and the others by what they differ
		times := []int64{-1, 0, wiretest.Start, -2, wiretest.Start * 1000, math.MaxInt64, math.MinInt64}
		b := wiretest.Of(5, 11, -1, false, 5, 6, 7, 8, 9, 10, 11)
		b.First = first
		for i, ms := range times {
			b.Records[i].Time = time.UnixMilli(ms)
		}
		records, err := readAll(chunkOf(5, nil, b.Encode()), 10)
		if err != nil || len(records) != len(times) {
			t.Fatalf("%d records, error %v", len(records), err)
		}
		for i, r := range records {
			if ms := times[i]; ms < 0 && !r.Time.IsZero() || ms >= 0 && r.Time.UnixMilli() != ms {
				t.Errorf("in a batch of %d: %d is read as %v", first, ms, r.Time)
			}
		}
	}
	w := wiretest.Of(5, 5, -1, false, 5)
	w.Appended = -1
	records, err := readAll(chunkOf(5, nil, w.Encode()), 10)
	if err != nil || len(records) != 1 || !records[0].Time.IsZero() {
		t.Errorf("read %v, error %v where the broker has set none", records, err)
	}
}

func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func TestWhatIsBrokenIsNotRead(t *testing.T) {
	t.Parallel()
	good := wiretest.Of(5, 6, -1, false, 5, 6).Encode()
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
		"offsets that do not rise":                  {wiretest.Of(5, 6, -1, false, 5, 5).Encode(), "do not rise", 1},
		"an offset behind the end of its batch":     {wiretest.Of(5, 6, -1, false, 5, 8).Encode(), "ends at 6", 1},
		"an offset before the begin of its batch":   {wiretest.Of(5, 6, -1, false, 5, 4).Encode(), "has a record 4", 1},
		"batches that overlap":                      {append(wiretest.Of(5, 9, -1, false, 5, 9).Encode(), wiretest.Of(7, 8, -1, false, 7).Encode()...), "do not rise", 2},
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

func TestWhatCannotBeReadIsPassedWhereThatIsSaid(t *testing.T) {
	t.Parallel()
	before, after := wiretest.Of(3, 4, -1, false, 3, 4).Encode(), wiretest.Of(9, 9, -1, false, 9).Encode()
	good := wiretest.Of(5, 8, -1, false, 5, 6, 7, 8).Encode()
	rotten := slices.Clone(good)
	rotten[len(rotten)-1] ^= 1
	half := wiretest.Of(5, 8, -1, false, 5, 6, 9).Encode() // an offset that is not of the batch
	for rule, test := range map[string]struct {
		batch   []byte
		skipped []Span
		records int
		next    int64
		fails   bool
	}{
		"not by itself":                            {rotten, nil, 2, 5, true},
		"nor where another is meant":               {rotten, []Span{{1, 4}, {9, 12}}, 2, 5, true},
		"as a whole":                               {rotten, []Span{{5, 8}}, 2, 9, false},
		"from where it cannot be read":             {half, []Span{{7, 8}}, 4, 9, false},
		"but not before":                           {half, []Span{{8, 8}}, 4, 7, true},
		"and only if it cannot: here another can":  {good, []Span{{5, 8}}, 7, 10, false},
		"with what lies before it and was deleted": {rotten, []Span{{4, 8}}, 2, 9, false},
	} {
		c := chunkOf(3, nil, before, test.batch, after)
		c.Skip(test.skipped)
		records, err := readAll(c, 10)
		if len(records) != test.records || (err != nil) != test.fails || c.Next() != test.next {
			t.Errorf("%s: %d records, then %d, error %v", rule, len(records), c.Next(), err)
		}
	}
}

func TestABatchIsOutlinedAsItsHeadSays(t *testing.T) {
	t.Parallel()
	batch, other := wiretest.Of(5, 9, -1, false, 5, 6, 9).Encode(), wiretest.Of(12, 12, -1, false, 12).Encode()
	for rule, test := range map[string]struct {
		batches []byte
		next    int64
		whole   bool
	}{
		"alone":                        {batch, -1, true},
		"before another":               {slices.Concat(batch, other), 12, true},
		"before one that is cut off":   {slices.Concat(batch, other[:batchHeader-1]), -1, true},
		"not if it is cut off":         {batch[:len(batch)-1], 0, false},
		"not without its head":         {batch[:batchHeader-1], 0, false},
		"not if it is shorter than is": {append(append([]byte{}, batch[:8]...), make([]byte, 100)...), 0, false},
		"not where nothing is":         {nil, 0, false},
	} {
		o, whole := chunkOf(5, nil, test.batches).Outline()
		if whole != test.whole || whole && (o.Offsets != Span{5, 9} || o.Records != 3 || o.Next != test.next || !bytes.Equal(o.Bytes, batch)) {
			t.Errorf("%s: %+v, %v", rule, o, whole)
		}
	}
}

// FuzzChunk holds the reading of record batches against kafka-go's: whatever it
// reads, it reads alike; and no bytes make it panic. The checksum is made right,
// since fuzzing never would.
func FuzzChunk(f *testing.F) {
	for _, w := range []wiretest.Batch{
		wiretest.Of(5, 6, -1, false, 5, 6),
		{Base: 5, Last: 5, Codec: compress.Lz4, Records: []wiretest.Record{{Offset: 5, Key: []byte("k"), Value: []byte("v"), Headers: []Header{{Key: "h", Value: []byte("w")}}}}},
		wiretest.Marker(5, 1, wiretest.Abort),
	} {
		f.Add(w.Encode())
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
