package deadletter

import (
	"slices"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/consumer"
)

// Origin is what a record in a replay topic says of the letter that it was.
type Origin struct {
	Source  Source // where it first came from
	Replays int    // how often it has been replayed, this time included
	Letter  Name   // the letter that was replayed; zero: not said
}

// OriginOf reads the origin from a record's headers. A record that merely looks
// like a replayed letter, with those headers missing or broken or any
// deadletter header doubled, is none: ok is false.
func OriginOf(headers []consumer.Header) (o Origin, ok bool) {
	p := parser{found: map[string]string{}}
	for _, h := range headers {
		if !strings.HasPrefix(h.Key, HeaderPrefix) {
			continue
		}
		if _, twice := p.found[h.Key]; twice {
			return Origin{}, false
		}
		p.found[h.Key] = string(h.Value)
	}
	o = Origin{Source: p.source(), Replays: int(p.number(HeaderReplays, 0, 1<<31-1))}
	if name, said := p.found[HeaderPrevious]; said {
		var err error
		if o.Letter, err = ParseName(name); err != nil {
			return Origin{}, false
		}
	}
	if p.err != nil {
		return Origin{}, false
	}
	return o, true
}

// originHeaders are those that a replayed record has too.
func (l *Letter) originHeaders() (headers []consumer.Header) {
	add := func(key, value string) {
		headers = append(headers, consumer.Header{Key: key, Value: []byte(value)})
	}
	add(HeaderSourceTopic, l.Source.Topic)
	add(HeaderSourcePartition, strconv.Itoa(l.Source.Partition))
	add(HeaderSourceOffset, strconv.FormatInt(l.Source.Offset, 10))
	if at := readable(l.Source.Time); !at.IsZero() {
		add(HeaderSourceTimestamp, timeText(at))
	}
	add(HeaderReplays, strconv.Itoa(l.Replays))
	if l.Previous != (Name{}) {
		add(HeaderPrevious, l.Previous.String())
	}
	return headers
}

// ReplayHeaders are the headers of the letter, whose name is given, when it is
// replayed. [OriginOf] reads them.
func (l *Letter) ReplayHeaders(name Name) []consumer.Header {
	origin := Letter{Source: l.Source, Replays: l.Replays + 1, Previous: name}
	return append(slices.Clip(slices.Clone(l.Headers)), origin.originHeaders()...)
}
