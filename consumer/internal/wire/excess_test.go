package wire

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go/compress"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

var codecs = []compress.Compression{compress.None, compress.Gzip, compress.Snappy, compress.Lz4, compress.Zstd}

// oneOf is a batch of three records, the second of which is as given.
func oneOf(codec compress.Compression, second wiretest.Record) []byte {
	w := wiretest.Of(5, 7, -1, false, 5, 6, 7)
	second.Offset, second.Time = 6, w.Records[0].Time
	w.Records[1], w.Codec = second, codec
	return w.Encode()
}

func TestWhatIsTooLargeOfARecordIsLeftOutAndAllElseIsRead(t *testing.T) {
	t.Parallel()
	key, value, headers := []byte("k"), []byte("v"), []Header{{Key: "h", Value: []byte("1")}}
	for rule, test := range map[string]struct {
		record   wiretest.Record
		want     Excess
		headers  int // kept
		noKey    bool
		noValue  bool
		uncommon bool // not tried with all codecs: it takes long
	}{
		"as many headers as are kept":      {record: wiretest.Record{Headers: make([]Header, MaxHeaders)}, headers: MaxHeaders},
		"one header more":                  {record: wiretest.Record{Headers: make([]Header, MaxHeaders+1)}, want: Excess{Headers: MaxHeaders + 1}, headers: MaxHeaders},
		"a million headers":                {record: wiretest.Record{Headers: make([]Header, 1_000_000)}, want: Excess{Headers: 1_000_000}, headers: MaxHeaders},
		"headers as large as are kept":     {record: wiretest.Record{Headers: []Header{{Key: "k", Value: make([]byte, MaxHeaderBytes-1)}}}, headers: 1},
		"headers with a byte more":         {record: wiretest.Record{Headers: []Header{{Key: "k", Value: make([]byte, MaxHeaderBytes)}}}, want: Excess{Headers: 1, HeaderBytes: MaxHeaderBytes + 1}},
		"a header with a large key":        {record: wiretest.Record{Headers: []Header{{Key: "a"}, {Key: strings.Repeat("k", MaxHeaderBytes)}, {Key: "b"}}}, want: Excess{Headers: 3, HeaderBytes: MaxHeaderBytes + 2}, headers: 1},
		"a value as large as is kept":      {record: wiretest.Record{Value: make([]byte, MaxValueBytes), Headers: headers}, headers: 1},
		"a value that is larger":           {record: wiretest.Record{Value: make([]byte, MaxValueBytes+1), Headers: headers}, want: Excess{Value: MaxValueBytes + 1}, headers: 1, noValue: true},
		"a key as large as is kept":        {record: wiretest.Record{Key: make([]byte, MaxKeyBytes), Headers: headers}, headers: 1},
		"a key that is larger":             {record: wiretest.Record{Key: make([]byte, MaxKeyBytes+1), Headers: headers}, want: Excess{Key: MaxKeyBytes + 1}, headers: 1, noKey: true},
		"a value of 60 MiB":                {record: wiretest.Record{Value: make([]byte, 60<<20)}, want: Excess{Value: 60 << 20}, noValue: true, uncommon: true},
		"eight and a half million headers": {record: wiretest.Record{Headers: make([]Header, 8_500_000)}, want: Excess{Headers: 8_500_000}, headers: MaxHeaders, uncommon: true},
		"everything": {
			record: wiretest.Record{Key: make([]byte, MaxKeyBytes+1), Value: make([]byte, MaxValueBytes+1), Headers: make([]Header, MaxHeaders+1)},
			want:   Excess{Key: MaxKeyBytes + 1, Value: MaxValueBytes + 1, Headers: MaxHeaders + 1}, headers: MaxHeaders, noKey: true, noValue: true,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if test.record.Key == nil {
				test.record.Key = key
			}
			if test.record.Value == nil {
				test.record.Value = value
			}
			for _, codec := range codecs {
				if test.uncommon && codec != compress.None && codec != compress.Zstd {
					continue
				}
				records, err := readAll(chunkOf(5, nil, oneOf(codec, test.record)), 10)
				if err != nil || len(records) != 3 {
					t.Fatalf("%s: %d records, error %v", codec, len(records), err)
				}
				got, after := records[1], records[2]
				if x := got.Excess; (x == nil) != (test.want == Excess{}) || x != nil && *x != test.want {
					t.Errorf("%s: too large is %+v, want %+v", codec, x, test.want)
				}
				if got.Offset != 6 || len(got.Headers) != test.headers || test.headers == 1 && got.Headers[0].Key != test.record.Headers[0].Key {
					t.Errorf("%s: record %d has %d headers", codec, got.Offset, len(got.Headers))
				}
				if test.noKey != (got.Key == nil) || !test.noKey && !bytes.Equal(got.Key, test.record.Key) {
					t.Errorf("%s: it has a key of %d bytes", codec, len(got.Key))
				}
				if test.noValue != (got.Value == nil) || !test.noValue && !bytes.Equal(got.Value, test.record.Value) {
					t.Errorf("%s: it has a value of %d bytes", codec, len(got.Value))
				}
				if after.Offset != 7 || string(after.Value) != "v" || after.Excess != nil {
					t.Errorf("%s: the one behind it is %d, %q", codec, after.Offset, after.Value)
				}
			}
		})
	}
}

// Whatever the codec, the lengths (a step of unpacking ends anywhere) and the pieces:
// what is read is what was written, in pieces no larger than the share but for single
// records, and what is held is as large as is said.
func TestWhatIsReadIsWhatWasWrittenWhateverItsSize(t *testing.T) {
	noise := make([]byte, 3*unpackStep)
	for i, random := 0, rand.New(rand.NewPCG(1, 2)); i < len(noise); i++ {
		noise[i] = byte(random.Uint32N(8))
	}
	size := rapid.OneOf(rapid.IntRange(0, 600), rapid.IntRange(unpackStep-100, unpackStep+100), rapid.IntRange(0, len(noise)))
	text := rapid.Custom(func(t *rapid.T) []byte {
		if rapid.IntRange(0, 9).Draw(t, "nil") == 0 {
			return nil
		}
		n := size.Draw(t, "size")
		from := rapid.IntRange(0, len(noise)-n).Draw(t, "from")
		return noise[from : from+n : from+n]
	})
	record := rapid.Custom(func(t *rapid.T) wiretest.Record {
		r := wiretest.Record{Key: text.Draw(t, "key"), Value: text.Draw(t, "value"), Time: time.UnixMilli(1)}
		for range rapid.SampledFrom([]int{0, 0, 1, 3, 1_000}).Draw(t, "headers") {
			r.Headers = append(r.Headers, Header{Key: "h", Value: noise[:len(r.Headers)%5]})
		}
		if rapid.IntRange(0, 9).Draw(t, "large header") == 0 {
			r.Headers = append(r.Headers, Header{Key: string(text.Draw(t, "header key")), Value: text.Draw(t, "header value")})
		}
		return r
	})
	rapid.Check(t, func(rt *rapid.T) {
		w := wiretest.Batch{Base: 5, Producer: -1, Codec: rapid.SampledFrom(codecs).Draw(rt, "codec"), Records: rapid.SliceOfN(record, 1, 12).Draw(rt, "records")}
		for i := range w.Records {
			w.Records[i].Offset = 5 + int64(i)
		}
		w.Last = 4 + int64(len(w.Records))
		n, most, from := rapid.IntRange(1, 12).Draw(rt, "n"), rapid.IntRange(1, 300<<10).Draw(rt, "most"), rapid.Int64Range(5, w.Last).Draw(rt, "from")
		packed := w.Encode()
		synctest.Test(t, func(t *testing.T) {
			c := chunkOf(from, nil, packed)
			c.ctx, c.lease, c.hand, c.share = t.Context(), NewBudget(rapid.IntRange(1, 1<<20).Draw(rt, "budget"), recordSize).Lease(nil), newHands(1000).of("t"), most
			var got []Record
			for !c.Ended() {
				piece, err := c.piece(n)
				size := 0
				for i := range piece {
					size += piece[i].Size
				}
				inHand := c.hand.size
				if err != nil || len(piece) > n || size > most && (len(piece) > 1 || inHand < size) || inHand > 0 && (len(piece) > 1 || inHand != size) {
					rt.Fatalf("a piece of %d records, %d bytes, %d in hand; the limits are %d and %d; error %v", len(piece), size, inHand, n, most, err)
				}
				got = append(got, piece...)
			}
			c.Close()
			if used := c.lease.b.used + c.hand.hands.used; used != 0 {
				rt.Errorf("%d bytes are not given back", used)
			}
			want := w.Records[from-5:]
			if len(got) != len(want) {
				rt.Fatalf("%d records, want %d", len(got), len(want))
			}
			for i, r := range got {
				if w := want[i]; r.Offset != w.Offset || !same(r.Key, w.Key) || !same(r.Value, w.Value) || len(r.Headers) != len(w.Headers) || r.Excess != nil {
					rt.Fatalf("record %d: %v, want %v", i, describe(r.Offset, r.Key, r.Value, r.Headers), describe(w.Offset, w.Key, w.Value, w.Headers))
				}
				size := cap(r.Buffer) + headerSize*cap(r.Headers)
				if r.Buffer == nil {
					size += cap(r.Key) + cap(r.Value)
				}
				for j, h := range r.Headers {
					if w := want[i].Headers[j]; h.Key != w.Key || !same(h.Value, w.Value) {
						rt.Fatalf("record %d: header %d differs", i, j)
					}
					size += len(h.Key) + len(h.Value)
				}
				if r.Size != size {
					rt.Errorf("record %d: size %d, holds %d", i, r.Size, size)
				}
			}
		})
	})
}

func describe(offset int64, key, value []byte, headers []Header) string {
	return fmt.Sprintf("%d: %d, %d bytes, %d headers", offset, len(key), len(value), len(headers))
}

// A length is believed as far as there are bytes for it in what it is a part of.
func TestALengthThatLiesIsNotFollowed(t *testing.T) {
	t.Parallel()
	varint := func(numbers ...int64) (b []byte) {
		for _, n := range numbers {
			b = binary.AppendVarint(b, n)
		}
		return b
	}
	const long = 100_000
	fields := func(parts ...[]byte) []byte { // of a record of that length, behind attributes, time and offset
		return slices.Concat(varint(long), []byte{0}, varint(0, 0), slices.Concat(parts...), make([]byte, 3*long))
	}
	for rule, body := range map[string][]byte{
		"a record beyond all":             varint(math.MaxInt64),
		"a record of less than nothing":   append(varint(-2), make([]byte, long)...),
		"a record that is not there":      varint(2 * long),
		"a record that is not there, all": append(varint(2*long), make([]byte, long)...),
		"a key longer than its record":    fields(varint(long)),
		"a key of less than nothing":      fields(varint(-2)),
		"a value longer than its record":  fields(varint(-1, long)),
		"a value larger than is kept":     fields(varint(-1, MaxValueBytes+1)),
		"more headers than bytes":         fields(varint(-1, -1, long)),
		"fewer headers than none":         fields(varint(-1, -1, -1)),
		"a header's key beyond the end":   fields(varint(-1, -1, 1, long)),
		"a header's value beyond the end": fields(varint(-1, -1, 1, 0, long)),
	} {
		for _, codec := range codecs {
			w := wiretest.Of(5, 6, -1, false, 5, 6)
			w.Codec = codec
			w.Pack = func([]byte) []byte {
				if codec == compress.None {
					return body
				}
				var packed bytes.Buffer
				zip := codec.Codec().NewWriter(&packed)
				_, _ = zip.Write(body)
				_ = zip.Close()
				return packed.Bytes()
			}
			records, err := readAll(chunkOf(5, nil, w.Encode()), 10)
			if len(records) != 0 || err == nil || !strings.Contains(err.Error(), "unexpected EOF") {
				t.Errorf("%s, %s: %d records, error %v", rule, codec, len(records), err)
			}
		}
	}
}
