package deadletter

import (
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// part is a part of its record that a letter may go without.
type part struct {
	name    string
	omitted *bool
}

func (o *Omitted) parts() []part {
	return []part{{"value", &o.Value}, {"key", &o.Key}, {"headers", &o.Headers}}
}

// bySize are the parts of its record that the letter has, as numbers in
// [Omitted.parts], the largest first.
func (l *Letter) bySize() []int {
	sizes := [...]int{len(l.Value), len(l.Key), headersSize(l.Headers)}
	has := slices.DeleteFunc([]int{0, 1, 2}, func(part int) bool { return sizes[part] == 0 })
	slices.SortStableFunc(has, func(a, b int) int { return sizes[b] - sizes[a] })
	return has
}

// record is the letter as it goes to Kafka. Of what it has of its record, a number of
// parts is cut, the largest first: the topic would not take it whole.
func (l *Letter) record(cut int) kmsg.Record {
	r := kmsg.Record{Key: l.Key, Value: l.Value}
	headers := l.allHeaders()
	omit := func(header string) {
		headers = append(headers, consumer.Header{Key: header, Value: []byte("omitted")})
	}
	omitted := l.Omitted
	for _, part := range l.bySize()[:cut] {
		*omitted.parts()[part].omitted = true
	}
	if omitted.Headers {
		headers = l.ownHeaders()
	}
	if omitted.Key {
		r.Key = nil
		omit(HeaderKey)
	}
	if omitted.Headers {
		omit(HeaderHeaders)
	}
	if omitted.Value {
		r.Value = nil
		omit(HeaderValue)
	}
	r.Headers = make([]kmsg.Header, len(headers))
	for i, h := range headers {
		r.Headers[i] = kmsg.Header(h)
	}
	return r
}

// size is about what the letter takes up in a batch, in bytes.
func (l *Letter) size() int {
	const ownHeaders = 600 // but for those of any length
	n := ownHeaders + len(l.Key) + len(l.Value) + headersSize(l.Headers) + len(l.Detail)
	for _, v := range l.Violations {
		n += len(v.Instance) + len(v.Keyword) + len(v.Message) + len(`{"instance":"","keyword":"","message":""},`)
	}
	return n
}

func headersSize(headers []consumer.Header) (n int) {
	for _, h := range headers {
		const lengths = 4 // two, of a byte each as a rule
		n += lengths + len(h.Key) + len(h.Value)
	}
	return n
}
