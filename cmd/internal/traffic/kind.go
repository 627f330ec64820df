package traffic

import (
	"bytes"
	"maps"
	"slices"
	"strings"

	"github.com/battlereport/battlereport/deadletter"
)

// Kind is a way in which an event is bad.
type Kind string

// Kinds lists all of them, by name.
func Kinds() []Kind { return slices.Sorted(maps.Keys(bad)) }

// badness is what a kind does to an event.
type badness struct {
	reason    deadletter.Reason
	scoreOnly bool // bad for ScoreOnly apps alone
	spoil     func(g *Generator, ev *Event, r *report)
}

// bad is every kind there is.
var bad = map[Kind]badness{
	"null":           value(deadletter.InvalidJSON, func(*Generator, []byte) []byte { return nil }),
	"empty":          value(deadletter.InvalidJSON, func(*Generator, []byte) []byte { return []byte{} }),
	"not_json":       value(deadletter.InvalidJSON, func(*Generator, []byte) []byte { return []byte("score=1200;win=1") }),
	"truncated":      value(deadletter.InvalidJSON, func(g *Generator, v []byte) []byte { return v[:1+g.random.IntN(len(v)-1)] }),
	"trailing":       value(deadletter.InvalidJSON, func(_ *Generator, v []byte) []byte { return append(v, "\n{}"...) }),
	"byte_order":     value(deadletter.InvalidJSON, func(_ *Generator, v []byte) []byte { return slices.Concat([]byte("\ufeff"), v) }),
	"single_quotes":  value(deadletter.InvalidJSON, func(_ *Generator, v []byte) []byte { return bytes.ReplaceAll(v, []byte(`"`), []byte(`'`)) }),
	"duplicate_key":  base(deadletter.InvalidJSON, `"platid":0`),
	"escaped_key":    base(deadletter.InvalidJSON, `"\u0070latid":0`), // platid once more, to whoever reads escapes
	"invalid_utf8":   base(deadletter.InvalidJSON, "\"clan\":\"\xe6\x88\""),
	"half_surrogate": base(deadletter.InvalidJSON, `"clan":"\ud83d"`),
	"huge_exponent":  base(deadletter.InvalidJSON, `"power":1e99999`),
	"too_deep":       base(deadletter.InvalidJSON, `"tree":`+strings.Repeat("[", 64)+strings.Repeat("]", 64)),

	"json_null":      value(deadletter.SchemaViolation, func(*Generator, []byte) []byte { return []byte("null") }),
	"array":          value(deadletter.SchemaViolation, func(_ *Generator, v []byte) []byte { return slices.Concat([]byte("["), v, []byte("]")) }),
	"no_openid":      replace("openid", ""),
	"empty_openid":   replace("openid", `""`),
	"long_openid":    replace("openid", `"`+strings.Repeat("o", 129)+`"`),
	"number_openid":  replace("openid", "20061105"),
	"no_platid":      replace("platid", ""),
	"string_platid":  replace("platid", `"1"`),
	"unknown_platid": replace("platid", "2"),
	"string_score":   {reason: deadletter.SchemaViolation, spoil: spoilBattle(`"score":"1200"`)},
	"bad_acttime":    {reason: deadletter.SchemaViolation, spoil: spoilBattle(`"score":1200,"acttime":"2026-13-01 25:00:00"`)},
	"number_iswin":   {reason: deadletter.SchemaViolation, spoil: spoilBattle(`"score":1200,"iswin":1`)},
	"nameless_datum": {reason: deadletter.SchemaViolation, spoil: func(g *Generator, ev *Event, r *report) {
		r.user = with(r.user, `"kills":{"value":7}`)
		ev.Value = r.text(g.cfg.Size)
	}},
	"only_baseinfo": {reason: deadletter.SchemaViolation, spoil: func(_ *Generator, ev *Event, r *report) {
		ev.Value = append(r.appendBase([]byte("{")), '}')
	}},
	"no_score": {reason: deadletter.SchemaViolation, scoreOnly: true, spoil: spoilBattle(`"modeid":1`)},

	"too_large": {reason: deadletter.TooLarge, spoil: func(_ *Generator, ev *Event, r *report) {
		ev.Value = r.text(64<<10 + 100)
	}},
	"many_headers": {reason: deadletter.TooLarge, spoil: func(g *Generator, ev *Event, r *report) {
		ev.Value = r.text(g.cfg.Size)
		ev.Headers = append(ev.Headers, make([]Header, 1_001)...)
	}},

	"unknown_app": {reason: deadletter.UnknownApp, spoil: func(g *Generator, ev *Event, r *report) {
		ev.Value = r.text(g.cfg.Size)
		ev.Headers[0].Value = []byte("wx0000000000000000")
	}},
	"two_apps": {reason: deadletter.UnknownApp, spoil: func(g *Generator, ev *Event, r *report) {
		ev.Value = r.text(g.cfg.Size)
		ev.Headers = append(ev.Headers, ev.Headers[0])
	}},
}

// value is a kind that does something to the bytes of a good report.
func value(reason deadletter.Reason, f func(g *Generator, good []byte) []byte) badness {
	return badness{reason: reason, spoil: func(g *Generator, ev *Event, r *report) { ev.Value = f(g, r.text(g.cfg.Size)) }}
}

// base is a kind that adds a member to baseinfo.
func base(reason deadletter.Reason, member string) badness {
	return badness{reason: reason, spoil: func(g *Generator, ev *Event, r *report) {
		r.base = with(r.base, member)
		ev.Value = r.text(g.cfg.Size)
	}}
}

// replace is a kind whose baseinfo has another value for a key, or none.
func replace(key, with string) badness {
	return badness{reason: deadletter.SchemaViolation, spoil: func(g *Generator, ev *Event, r *report) {
		members := bytes.Split(r.base, []byte(","))
		prefix := []byte(`"` + key + `":`)
		i := slices.IndexFunc(members, func(m []byte) bool { return bytes.HasPrefix(m, prefix) })
		if with == "" {
			members = slices.Delete(members, i, i+1)
		} else {
			members[i] = append(prefix, with...)
		}
		r.base = bytes.Join(members, []byte(","))
		ev.Value = r.text(g.cfg.Size)
	}}
}

// spoilBattle puts other members into battleinfo.
func spoilBattle(members string) func(*Generator, *Event, *report) {
	return func(g *Generator, ev *Event, r *report) {
		r.battle = []byte(members)
		ev.Value = r.text(g.cfg.Size)
	}
}
