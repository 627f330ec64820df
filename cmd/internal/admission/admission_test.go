package admission

import (
	"slices"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

func TestARecordIsRefusedForTheFirstReasonThereIs(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	for id, topics := range map[string][]string{"one": {"shared", "own"}, "two": {"shared"}} {
		cfg.Apps = append(cfg.Apps, config.App{AppID: id, Topics: topics, Route: config.RouteBattleReport, Schema: "builtin:any"})
	}
	cfg.Apps = append(cfg.Apps, config.App{AppID: "old", Topics: []string{"legacy"}, Route: config.RouteScore, Schema: "builtin:any"})
	directory, err := New(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	const good = `{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"score":7}}`
	const scoreless = `{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"iswin":true}}`
	large := []byte(strings.Repeat("k", directory.Apps[0].MaxBytes+1))
	headers := func(n, size int) []consumer.Header {
		return slices.Repeat([]consumer.Header{{Key: "h", Value: make([]byte, size-1)}}, n)
	}
	for rule, test := range map[string]struct {
		topic   string
		r       consumer.Record
		reason  deadletter.Reason // "": it is fit
		detail  string
		nobodys bool
	}{
		"a good one": {"own", consumer.Record{Value: []byte(good)}, "", "", false},
		"nobody's, and all else is wrong, too": {
			"shared",
			consumer.Record{Key: large, Headers: headers(1001, 1), Value: []byte("{")},
			deadletter.UnknownApp, "topic shared serves 2 apps and the record has no header appid", true,
		},
		"nobody's, perhaps since the header that says whose is among those left out": {
			"shared",
			consumer.Record{Value: []byte(good), Excess: &consumer.Excess{Headers: 20_000, HeaderBytes: 40_000}},
			deadletter.TooLarge, "the record has 20000 headers, 1000 are allowed", true,
		},
		"as many headers as are allowed": {"own", consumer.Record{Value: []byte(good), Headers: headers(1000, 1)}, "", "", false},
		"too many headers, and a key and a value that are too large": {
			"own",
			consumer.Record{Key: large, Value: large, Headers: headers(1001, 1)},
			deadletter.TooLarge, "the record has 1001 headers, 1000 are allowed", false,
		},
		"headers of as many bytes as are allowed": {"own", consumer.Record{Value: []byte(good), Headers: headers(16, 1<<16)}, "", "", false},
		"headers of more": {
			"own",
			consumer.Record{Value: []byte(good), Headers: append(headers(16, 1<<16), headers(1, 1)...)},
			deadletter.TooLarge, "the headers have 1048577 bytes, 1048576 are allowed", false,
		},
		"those of a letter beside them": {
			"own",
			consumer.Record{Value: []byte(good), Headers: append(headers(1000, 1), consumer.Header{Key: deadletter.HeaderDetail, Value: large})},
			"", "", false,
		},
		"a key that is too large, and a bad value": {
			"own", consumer.Record{Key: large, Value: []byte("{")}, deadletter.TooLarge, "the key has 65537 bytes, 65536 are allowed", false,
		},
		"a key of which a part was left out": {
			"own", consumer.Record{Value: []byte(good), Excess: &consumer.Excess{Key: 2 << 20}}, deadletter.TooLarge, "the key has 2097152 bytes, 65536 are allowed", false,
		},
		"a value that was left out": {
			"own", consumer.Record{Excess: &consumer.Excess{Value: 20 << 20}}, deadletter.TooLarge, "20971520 bytes, 65536 are allowed", false,
		},
		"a value that is too large":                 {"own", consumer.Record{Value: large}, deadletter.TooLarge, "65537 bytes, 65536 are allowed", false},
		"no JSON":                                   {"own", consumer.Record{Value: []byte("{")}, deadletter.InvalidJSON, "", false},
		"invalid by the schema":                     {"own", consumer.Record{Value: []byte(`{}`)}, deadletter.SchemaViolation, "", false},
		"no score, where the app has no use for it": {"own", consumer.Record{Value: []byte(scoreless)}, "", "", false},
		"no score on the legacy route": {
			"legacy",
			consumer.Record{Value: []byte(scoreless)},
			deadletter.SchemaViolation,
			"/battleinfo/score: route wxscore reports battleinfo.score, and there is no integer", false,
		},
	} {
		got := directory.Feed(test.topic).Admit(&test.r)
		var reason deadletter.Reason
		detail := ""
		if got.Refusal != nil {
			reason, detail = got.Refusal.Reason, got.Refusal.Detail
		}
		if reason != test.reason || test.detail != "" && detail != test.detail || (got.App == nil) != test.nobodys {
			t.Errorf("%s: refused for %q: %q, app %v; want %q: %q", rule, reason, detail, got.App, test.reason, test.detail)
		}
		if violations := got.Refusal != nil && len(got.Refusal.Violations) > 0; violations != (test.reason == deadletter.SchemaViolation) {
			t.Errorf("%s: violations: %v", rule, violations)
		}
		if test.reason == "" && (string(got.OpenID) != "o1" || got.Home != test.topic) {
			t.Errorf("%s: of player %q, home %q", rule, got.OpenID, got.Home)
		}
	}
}
