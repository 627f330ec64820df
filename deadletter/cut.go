package deadletter

import (
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// cut says what is left out of a letter that the topic would not take whole.
type cut int

const (
	whole cut = iota
	withoutValue
	withoutAll // value, key, and the record's own headers
)

// record is the letter as it goes to Kafka.
func (l *Letter) record(cut cut) kmsg.Record {
	r := kmsg.Record{Key: l.Key, Value: l.Value}
	headers := l.allHeaders()
	omit := func(header string) {
		headers = append(headers, consumer.Header{Key: header, Value: []byte("omitted")})
	}
	if cut >= withoutAll {
		r.Key, headers = nil, l.ownHeaders()
		omit(HeaderKey)
		omit(HeaderHeaders)
	}
	if cut >= withoutValue {
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
	n := ownHeaders + len(l.Key) + len(l.Value) + len(l.Detail)
	for _, h := range l.Headers {
		n += len(h.Key) + len(h.Value)
	}
	for _, v := range l.Violations {
		n += len(v.Instance) + len(v.Keyword) + len(v.Message) + len(`{"instance":"","keyword":"","message":""},`)
	}
	return n
}
