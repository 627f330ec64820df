package deadletter

import (
	"github.com/segmentio/kafka-go"

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
func (l *Letter) record(cut cut) kafka.Record {
	r := kafka.Record{Key: kafka.NewBytes(l.Key), Value: kafka.NewBytes(l.Value), Headers: l.allHeaders()}
	omit := func(header string) {
		r.Headers = append(r.Headers, consumer.Header{Key: header, Value: []byte("omitted")})
	}
	if cut >= withoutAll {
		r.Key, r.Headers = nil, l.ownHeaders()
		omit(HeaderKey)
		omit(HeaderHeaders)
	}
	if cut >= withoutValue {
		r.Value = nil
		omit(HeaderValue)
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
