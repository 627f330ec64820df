package deadletter

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// Entry is a record of a dead-letter topic as it is read back.
type Entry struct {
	Name    Name
	TopicID string    // of its topic, as Kafka's tools show it; empty: not known, since the broker is older than Kafka 2.8
	Written time.Time // when it came into the topic; zero: not known
	Letter  Letter    // Headers are the record's own, without those of the letter

	// Foreign says why the record is not a letter that this package wrote: its
	// headers are missing, doubled or broken. Of such a record Letter has only
	// Key, Value and all Headers. Empty: it is a letter.
	Foreign string

	State State
}

// State is what has been done about a letter.
type State string

// The states of a letter.
const (
	Pending   State = "pending" // nothing yet
	Replayed  State = "replayed"
	Discarded State = "discarded"
)

// Read makes an entry of a record of a dead-letter topic, with the timestamp that Kafka
// has for it. Its state is not known from the record: it is Pending.
func Read(name Name, written time.Time, key, value []byte, headers []consumer.Header) Entry {
	e := Entry{Name: name, Written: readable(written), State: Pending, Letter: Letter{Key: key, Value: value, Headers: headers}}
	l, err := parse(headers)
	if err != nil {
		e.Foreign = err.Error()
		return e
	}
	l.Key, l.Value = key, value
	e.Letter = l
	return e
}

// parse reads what a letter's headers say. They must be as [Writer] writes
// them, except that a header that this version does not know is passed over.
func parse(headers []consumer.Header) (l Letter, err error) {
	found := map[string]string{}
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, HeaderPrefix) {
			l.Headers = append(l.Headers, h)
			continue
		}
		if _, twice := found[h.Key]; twice {
			return l, fmt.Errorf("header %s is there more than once", h.Key)
		}
		found[h.Key] = string(h.Value)
	}
	if len(found) == 0 {
		return l, errors.New("it has no header " + HeaderPrefix + "*")
	}
	p := parser{found: found}
	l.Reason = Reason(p.text(HeaderReason))
	if p.err == nil && !slices.Contains(Reasons(), l.Reason) {
		p.fail(HeaderReason, "one of the reasons there are")
	}
	l.Detail = found[HeaderDetail]
	if text, ok := found[HeaderViolations]; ok && json.Unmarshal([]byte(text), &l.Violations) != nil {
		p.fail(HeaderViolations, "a JSON array of violations")
	}
	if _, ok := found[HeaderRet]; ok {
		ret := int(p.number(HeaderRet, -1<<31, 1<<31-1))
		l.Ret = &ret
	}
	if _, ok := found[HeaderHTTPStatus]; ok {
		l.HTTPStatus = int(p.number(HeaderHTTPStatus, 0, 999))
	}
	l.Attempts = int(p.number(HeaderAttempts, 0, 1<<31-1))
	l.Delivery = Delivery(p.text(HeaderDelivery))
	if p.err == nil && l.Delivery != None && l.Delivery != Uncertain {
		p.fail(HeaderDelivery, "none or uncertain")
	}
	l.AppID, l.Route = found[HeaderAppID], found[HeaderRoute]
	l.Source = p.source()
	l.Time = p.time(HeaderTime)
	l.Replays = int(p.number(HeaderReplays, 0, 1<<31-1))
	if text, ok := found[HeaderPrevious]; ok {
		if l.Previous, err = ParseName(text); err != nil {
			p.fail(HeaderPrevious, "the name of a letter")
		}
	}
	for _, part := range l.Omitted.parts() {
		if text, ok := found[HeaderPrefix+part.name]; ok {
			*part.omitted = true
			if text != "omitted" {
				p.fail(HeaderPrefix+part.name, "omitted")
			}
		}
	}
	return l, p.err
}

// parser reads header values and keeps the first error.
type parser struct {
	found map[string]string
	err   error
}

func (p *parser) fail(header, want string) {
	if p.err == nil {
		p.err = fmt.Errorf("header %s is %.100q: want %s", header, p.found[header], want)
	}
}

func (p *parser) text(header string) string {
	text := p.found[header]
	if text == "" && p.err == nil {
		p.err = fmt.Errorf("header %s is missing", header)
	}
	return text
}

func (p *parser) number(header string, least, most int64) int64 {
	n, err := strconv.ParseInt(p.text(header), 10, 64)
	if err != nil || n < least || n > most {
		p.fail(header, fmt.Sprintf("a number from %d to %d", least, most))
	}
	return n
}

// time reads a time, which is zero where there is no header.
func (p *parser) time(header string) time.Time {
	text, ok := p.found[header]
	if !ok {
		return time.Time{}
	}
	at, err := parseTime(text)
	if err != nil {
		p.fail(header, "a time as in RFC 3339")
	}
	return at
}

func (p *parser) source() Source {
	return Source{
		Topic:     p.text(HeaderSourceTopic),
		Partition: int(p.number(HeaderSourcePartition, 0, 1<<31-1)),
		Offset:    p.number(HeaderSourceOffset, 0, 1<<63-1),
		Time:      p.time(HeaderSourceTimestamp),
	}
}
