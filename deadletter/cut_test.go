package deadletter

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

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
			got := Read(someName, someTime, r.Key, r.Value, headers(r))
			if got.Foreign != "" || !bytes.Equal(got.Letter.Key, left.Key) || !bytes.Equal(got.Letter.Value, left.Value) ||
				!slices.EqualFunc(got.Letter.Headers, left.Headers, sameHeader) || got.Letter.Omitted != want {
				t.Errorf("%s: with %d cut: %+v, foreign %q", rule, i+1, got.Letter, got.Foreign)
			}
		}
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
