package deadletter

import (
	"encoding/json"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/battlereport/battlereport/consumer"
)

// The headers of a letter. All values are text.
const (
	HeaderPrefix = "deadletter."

	HeaderReason          = HeaderPrefix + "reason"
	HeaderDetail          = HeaderPrefix + "detail"
	HeaderViolations      = HeaderPrefix + "violations"
	HeaderRet             = HeaderPrefix + "ret"
	HeaderHTTPStatus      = HeaderPrefix + "http_status"
	HeaderAttempts        = HeaderPrefix + "attempts"
	HeaderDelivery        = HeaderPrefix + "delivery"
	HeaderAppID           = HeaderPrefix + "appid"
	HeaderRoute           = HeaderPrefix + "route"
	HeaderSourceTopic     = HeaderPrefix + "source.topic"
	HeaderSourcePartition = HeaderPrefix + "source.partition"
	HeaderSourceOffset    = HeaderPrefix + "source.offset"
	HeaderSourceTimestamp = HeaderPrefix + "source.timestamp"
	HeaderTime            = HeaderPrefix + "time"
	HeaderReplays         = HeaderPrefix + "replays"
	HeaderPrevious        = HeaderPrefix + "previous"

	// HeaderValue (and HeaderKey, HeaderHeaders) say "omitted" in a letter that
	// the topic would not take whole, or that was too large to be kept in memory.
	HeaderValue   = HeaderPrefix + "value"
	HeaderKey     = HeaderPrefix + "key"
	HeaderHeaders = HeaderPrefix + "headers"
)

// allHeaders is the record's own headers, less those of a letter that it was
// before, and this letter's.
func (l *Letter) allHeaders() []consumer.Header {
	headers := make([]consumer.Header, 0, len(l.Headers)+16)
	for _, h := range l.Headers {
		if !strings.HasPrefix(h.Key, HeaderPrefix) {
			headers = append(headers, h)
		}
	}
	return append(headers, l.ownHeaders()...)
}

func (l *Letter) ownHeaders() (headers []consumer.Header) {
	add := func(key, value string) {
		headers = append(headers, consumer.Header{Key: key, Value: []byte(value)})
	}
	add(HeaderReason, string(l.Reason))
	add(HeaderDetail, oneLine(l.Detail))
	if len(l.Violations) > 0 {
		add(HeaderViolations, l.violations())
	}
	if l.Ret != nil {
		add(HeaderRet, strconv.Itoa(*l.Ret))
	}
	if l.HTTPStatus != 0 {
		add(HeaderHTTPStatus, strconv.Itoa(l.HTTPStatus))
	}
	add(HeaderAttempts, strconv.Itoa(l.Attempts))
	delivery := l.Delivery
	if delivery == "" {
		delivery = None
	}
	add(HeaderDelivery, string(delivery))
	if l.AppID != "" {
		add(HeaderAppID, l.AppID)
		add(HeaderRoute, l.Route)
	}
	if at := readable(l.Time); !at.IsZero() {
		add(HeaderTime, timeText(at))
	}
	return append(headers, l.originHeaders()...)
}

// maxViolations bounds the violations, in bytes: each names a place in the
// value, whose keys may be as long as the value, and a letter that is too large
// without its record is too large for ever.
const maxViolations = 64 << 10

func (l *Letter) violations() string {
	text := []byte{'['}
	for _, v := range l.Violations {
		one, _ := json.Marshal(v) // strings only: cannot fail
		if len(text)+len(one)+len(",]") > maxViolations {
			break
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(text, one...)
	}
	return string(append(text, ']'))
}

// maxDetail bounds the detail, in bytes.
const maxDetail = 1000

// oneLine makes s one line of valid UTF-8 of bounded length, fit to be shown on
// a terminal: no control characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "\uFFFD")), " ")
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return '\uFFFD'
		}
		return r
	}, s)
	if len(s) <= maxDetail {
		return s
	}
	cut := maxDetail
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
