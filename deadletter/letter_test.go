package deadletter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer"
)

func header(key, value string) consumer.Header {
	return consumer.Header{Key: key, Value: []byte(value)}
}

// text writes headers as lines.
func text(headers []consumer.Header) string {
	var b strings.Builder
	for _, h := range headers {
		fmt.Fprintf(&b, "%s: %s\n", h.Key, h.Value)
	}
	return b.String()
}

func headers(r kmsg.Record) (headers []consumer.Header) {
	for _, h := range r.Headers {
		headers = append(headers, consumer.Header(h))
	}
	return headers
}

func sameHeader(a, b consumer.Header) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }

func full() Letter {
	ret := -20000
	return Letter{
		Key: []byte("openid"), Value: []byte(`{"x": 1.0}`),
		Headers:    []consumer.Header{header("appid", "wx1"), header("twice", "1"), header("twice", "2")},
		Reason:     SchemaViolation,
		Detail:     "baseinfo.platid is missing\nand so is more",
		Violations: []Violation{{Instance: "/baseinfo", Keyword: "/properties/baseinfo/required", Message: `missing "platid"`}, {Keyword: "/anyOf"}},
		Ret:        &ret,
		HTTPStatus: 200,
		Attempts:   3,
		Delivery:   Uncertain,
		AppID:      "wx1",
		Route:      "battle_report",
		Source: Source{
			Topic: "battle-reports", Partition: 7, Offset: 1 << 40,
			Time: time.Date(2026, 1, 2, 11, 4, 5, 678_999_999, time.FixedZone("", 8*3600)),
		},
		Time:    time.Date(2026, 1, 2, 3, 4, 6, 0, time.UTC),
		Replays: 2,
	}
}

func TestHeadersOfALetter(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		letter Letter
		want   string
	}{
		"one about which everything is known": {full(), `appid: wx1
twice: 1
twice: 2
deadletter.reason: schema_violation
deadletter.detail: baseinfo.platid is missing and so is more
deadletter.violations: [{"instance":"/baseinfo","keyword":"/properties/baseinfo/required","message":"missing \"platid\""},{"instance":"","keyword":"/anyOf","message":""}]
deadletter.ret: -20000
deadletter.http_status: 200
deadletter.attempts: 3
deadletter.delivery: uncertain
deadletter.appid: wx1
deadletter.route: battle_report
deadletter.time: 2026-01-02T03:04:06.000Z
deadletter.source.topic: battle-reports
deadletter.source.partition: 7
deadletter.source.offset: 1099511627776
deadletter.source.timestamp: 2026-01-02T03:04:05.678Z
deadletter.replays: 2
`},
		"one about which nothing is known but where it is from": {
			Letter{Reason: UnknownApp, Source: Source{Topic: "t", Time: time.UnixMilli(0)}, Time: time.UnixMilli(1)},
			`deadletter.reason: unknown_app
deadletter.detail: 
deadletter.attempts: 0
deadletter.delivery: none
deadletter.time: 1970-01-01T00:00:00.001Z
deadletter.source.topic: t
deadletter.source.partition: 0
deadletter.source.offset: 0
deadletter.source.timestamp: 1970-01-01T00:00:00.000Z
deadletter.replays: 0
`,
		},
		"one that was a letter before loses the old headers, and only those": {
			Letter{
				Headers: []consumer.Header{
					header("deadletter.reason", "exhausted"), header("a", "1"), header("deadletter.unheard-of", "x"),
					header("deadletter", "kept"), header("a", "0"), header("Deadletter.reason", "kept"), header("deadletter.ret", "1"),
				},
				Reason: Expired, Source: Source{Topic: "t", Time: time.UnixMilli(0)}, Time: time.UnixMilli(0), Replays: 1,
			},
			`a: 1
deadletter: kept
a: 0
Deadletter.reason: kept
deadletter.reason: expired
deadletter.detail: 
deadletter.attempts: 0
deadletter.delivery: none
deadletter.time: 1970-01-01T00:00:00.000Z
deadletter.source.topic: t
deadletter.source.partition: 0
deadletter.source.offset: 0
deadletter.source.timestamp: 1970-01-01T00:00:00.000Z
deadletter.replays: 1
`,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got := text(test.letter.allHeaders()); got != test.want {
				t.Errorf("headers:\n%s\nwant:\n%s", got, test.want)
			}
		})
	}
}

func TestALetterCutGoesWithoutItsLargestParts(t *testing.T) {
	t.Parallel()
	some := func(n int) []byte { return bytes.Repeat([]byte("x"), n) }
	own := []consumer.Header{header("a", "b")}
	for rule, test := range map[string]struct {
		letter Letter
		want   []Omitted // by how many are cut, from one on
	}{
		"the value, the headers, the key": {
			Letter{Value: some(9), Headers: own, Key: some(3)},
			[]Omitted{{Value: true}, {Value: true, Headers: true}, {Value: true, Headers: true, Key: true}},
		},
		"the key, the value, and no headers": {Letter{Key: some(9), Value: some(8)}, []Omitted{{Key: true}, {Key: true, Value: true}}},
		"the headers, and nothing else":      {Letter{Headers: own}, []Omitted{{Headers: true}}},
		"what is omitted already stays so":   {Letter{Key: some(3), Omitted: Omitted{Value: true}}, []Omitted{{Value: true, Key: true}}},
		"nothing that could be cut":          {Letter{}, nil},
	} {
		l := full()
		l.Key, l.Value, l.Headers, l.Omitted = test.letter.Key, test.letter.Value, test.letter.Headers, test.letter.Omitted
		if n := len(l.bySize()); n != len(test.want) {
			t.Errorf("%s: %d parts can be cut, want %d", rule, n, len(test.want))
		}
		for i, want := range test.want {
			r := l.record(i + 1)
			left := l
			left.Omitted = want
			if want.Key {
				left.Key = nil
			}
			if want.Value {
				left.Value = nil
			}
			if want.Headers {
				left.Headers = nil
			}
			got := read(someName, someTime, r.Key, r.Value, headers(r))
			if got.Foreign != "" || !bytes.Equal(got.Letter.Key, left.Key) || !bytes.Equal(got.Letter.Value, left.Value) ||
				!slices.EqualFunc(got.Letter.Headers, left.Headers, sameHeader) || got.Letter.Omitted != want {
				t.Errorf("%s: with %d cut: %+v, foreign %q", rule, i+1, got.Letter, got.Foreign)
			}
		}
	}
}

func TestViolationsAreJSONOfBoundedSize(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("<", 5000) // which JSON escapes to six times as much
	for violations, want := range map[int]int{1: 1, 2: 2, 3: 2, 1000: 2} {
		l := Letter{Violations: slices.Repeat([]Violation{{Instance: long}}, violations)}
		var read []Violation
		if err := json.Unmarshal([]byte(l.violations()), &read); err != nil {
			t.Fatal(err)
		}
		if len(read) != want || read[0].Instance != long || len(l.violations()) > maxViolations {
			t.Errorf("of %d violations %d are written, in %d bytes; want %d", violations, len(read), len(l.violations()), want)
		}
	}
	l := Letter{Violations: []Violation{{Instance: strings.Repeat("x", maxViolations)}}}
	if got := l.violations(); got != "[]" {
		t.Errorf("one that is too long: %s", got)
	}
}

func TestSizeIsNotBelowWhatALetterTakesUp(t *testing.T) {
	t.Parallel()
	for rule, l := range map[string]Letter{"full": full(), "empty": {}} {
		n := len(l.Key) + len(l.Value)
		for _, h := range l.allHeaders() {
			n += len(h.Key) + len(h.Value) + 3
		}
		if l.size() < n || l.size() > n+500 {
			t.Errorf("%s: size %d, it takes up %d", rule, l.size(), n)
		}
	}
}

func TestOriginReadsWhatALetterSays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := Letter{
			Headers: []consumer.Header{header("deadletter.source.topic", "old"), header("a", "1"), header("a", "2")},
			Source: Source{
				Topic:     rapid.StringMatching(`[a-zA-Z0-9._-]{1,240}`).Draw(t, "topic"),
				Partition: rapid.IntRange(0, 1<<31-1).Draw(t, "partition"),
				Offset:    rapid.Int64Min(0).Draw(t, "offset"),
				Time:      time.UnixMilli(rapid.Int64Range(-1, 1<<42).Draw(t, "time")).UTC(),
			},
			Replays: rapid.IntRange(0, 1000).Draw(t, "replays"),
		}
		if rapid.Bool().Draw(t, "is replayed") {
			l.Previous = Name{l.Source.Topic + ".dlq", 1, rapid.Int64Min(0).Draw(t, "previous")}
		}
		want := Origin{Source: l.Source, Replays: l.Replays, Letter: l.Previous}
		if got, ok := OriginOf(l.allHeaders()); !ok || got != want {
			t.Fatalf("read %v, %v of %v", got, ok, want)
		}
	})
}

func TestOriginRefusesWhatIsNoLetter(t *testing.T) {
	t.Parallel()
	good := func() []consumer.Header { l := full(); return l.allHeaders() }
	if _, ok := OriginOf(good()); !ok {
		t.Fatal("a good one is refused")
	}
	replace := func(key, value string) func([]consumer.Header) []consumer.Header {
		return func(headers []consumer.Header) []consumer.Header {
			headers[slices.IndexFunc(headers, func(h consumer.Header) bool { return h.Key == key })] = header(key, value)
			return headers
		}
	}
	for rule, change := range map[string]func([]consumer.Header) []consumer.Header{
		"no headers at all":             func([]consumer.Header) []consumer.Header { return nil },
		"no topic":                      replace(HeaderSourceTopic, ""),
		"a partition below 0":           replace(HeaderSourcePartition, "-1"),
		"a partition beyond 32 bits":    replace(HeaderSourcePartition, "2147483648"),
		"a partition that is no number": replace(HeaderSourcePartition, "seven"),
		"an offset below 0":             replace(HeaderSourceOffset, "-1"),
		"an offset beyond 64 bits":      replace(HeaderSourceOffset, "9223372036854775808"),
		"a time that is none":           replace(HeaderSourceTimestamp, "yesterday"),
		"a time before Kafka's":         replace(HeaderSourceTimestamp, "1969-12-31T23:59:59.998Z"),
		"a time that UTC cannot write":  replace(HeaderSourceTimestamp, "9999-12-31T23:59:59.999-01:00"),
		"replays below 0":               replace(HeaderReplays, "-1"),
		"replays that are no number":    replace(HeaderReplays, ""),
		"a header doubled": func(h []consumer.Header) []consumer.Header {
			return append(h, header(HeaderSourceOffset, "1099511627776"))
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if origin, ok := OriginOf(change(good())); ok || origin != (Origin{}) {
				t.Errorf("read %v, %v", origin, ok)
			}
		})
	}
	for _, missing := range []string{HeaderSourceTopic, HeaderSourcePartition, HeaderSourceOffset, HeaderSourceTimestamp, HeaderReplays} {
		headers := slices.DeleteFunc(good(), func(h consumer.Header) bool { return h.Key == missing })
		if _, ok := OriginOf(headers); ok {
			t.Errorf("without %s it is a letter", missing)
		}
	}
}

// OriginOf reads headers that anybody may write.
func FuzzOriginOf(f *testing.F) {
	f.Add("t", "1", "2", "2026-01-02T03:04:05.678Z", "0")
	f.Add("", "-1", "+2", "2026-01-02T03:04:05+25:00", "99999999999999999999")
	f.Fuzz(func(t *testing.T, topic, partition, offset, at, replays string) {
		origin, ok := OriginOf([]consumer.Header{
			header(HeaderSourceTopic, topic), header(HeaderSourcePartition, partition), header(HeaderSourceOffset, offset),
			header(HeaderSourceTimestamp, at), header(HeaderReplays, replays),
		})
		source := origin.Source
		if ok && (source.Topic == "" || source.Partition < 0 || source.Offset < 0 || origin.Replays < 0) {
			t.Errorf("read %v", origin)
		}
		// What is read is written the same way by the next letter.
		l := Letter{Source: source, Replays: origin.Replays}
		again, okAgain := OriginOf(l.ownHeaders())
		if ok && (!okAgain || again.Replays != origin.Replays || again.Source.Offset != source.Offset || again.Source.Partition != source.Partition) {
			t.Errorf("read %v, and again %v, %v", origin, again, okAgain)
		}
	})
}

func TestOneLine(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ text, want string }{
		"a line stays":                     {"one line", "one line"},
		"breaks of all kinds become space": {"a\nb\r\nc\u2028d\u0085e\tf", "a b c d e f"},
		"space at the ends goes":           {"\n a \n", "a"},
		"what is no UTF-8 is replaced":     {"a\xffb", "a\uFFFDb"},
		"and so is what moves the cursor":  {"\x1b[2Ja\x00\x7f", "\uFFFD[2Ja\uFFFD\uFFFD"},
		"other scripts stay":               {"用户数据", "用户数据"},
		"what is too long is cut":          {strings.Repeat("a", 1001), strings.Repeat("a", 1000) + "…"},
		"not within a character":           {strings.Repeat("a", 998) + "用户", strings.Repeat("a", 998) + "…"},
		"1000 bytes are not too long":      {strings.Repeat("a", 1000), strings.Repeat("a", 1000)},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if got := oneLine(test.text); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
	rapid.Check(t, func(t *rapid.T) {
		got := oneLine(string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		if !utf8.ValidString(got) || strings.ContainsFunc(got, unicode.IsControl) || len(got) > maxDetail+len("…") {
			t.Fatalf("got %q", got)
		}
	})
}

func TestReasonsListsEach(t *testing.T) {
	t.Parallel()
	want := "[invalid_json schema_violation too_large unknown_app rejected exhausted expired]"
	if got := fmt.Sprint(Reasons()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestALetterOfAnyTimeIsReadBack(t *testing.T) {
	t.Parallel()
	for _, ms := range []int64{math.MinInt64, -62135596800001, -2, -1, 0, 1767225600000, 253402300799999, 253402300800000, 1767225600000000, math.MaxInt64} {
		l := Letter{Reason: Rejected, Source: Source{Topic: "t", Time: time.UnixMilli(ms)}, Time: time.UnixMilli(0)}
		got, err := parse(l.allHeaders())
		if err != nil {
			t.Errorf("%d ms: %v", ms, err)
		}
		if at := got.Source.Time.UnixMilli(); ms >= -1 && ms <= 253402300799999 && at != ms {
			t.Errorf("%d ms is read back as %d", ms, at)
		}
	}
}

func TestALetterSaysWhatItGoesWithout(t *testing.T) {
	t.Parallel()
	for _, omitted := range []Omitted{{}, {Value: true}, {Key: true}, {Headers: true}, {Value: true, Key: true, Headers: true}} {
		l := Letter{
			Key: []byte("k"), Value: []byte("v"), Headers: []consumer.Header{{Key: "own", Value: []byte("1")}}, Omitted: omitted,
			Reason: TooLarge, Source: Source{Topic: "t", Time: time.UnixMilli(0)}, Time: time.UnixMilli(0),
		}
		r := l.record(0)
		headers := make([]consumer.Header, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = consumer.Header(h)
		}
		got, err := parse(headers)
		if err != nil || got.Omitted != omitted || (r.Key == nil) != omitted.Key || (r.Value == nil) != omitted.Value || (got.Headers == nil) != omitted.Headers {
			t.Errorf("%+v: key %q, value %q, headers %v, omitted %+v, error %v", omitted, r.Key, r.Value, got.Headers, got.Omitted, err)
		}
	}
}
