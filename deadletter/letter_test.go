package deadletter

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

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

func TestReasonsListsEach(t *testing.T) {
	t.Parallel()
	want := "[invalid_json schema_violation too_large unknown_app rejected exhausted expired]"
	if got := fmt.Sprint(Reasons()); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
