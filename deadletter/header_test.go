package deadletter

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer"
)

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
		"one of a record without a time": {
			Letter{Reason: UnknownApp, Source: Source{Topic: "t"}, Time: time.UnixMilli(1)},
			`deadletter.reason: unknown_app
deadletter.detail: 
deadletter.attempts: 0
deadletter.delivery: none
deadletter.time: 1970-01-01T00:00:00.001Z
deadletter.source.topic: t
deadletter.source.partition: 0
deadletter.source.offset: 0
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
