package schema

import (
	"encoding/json"
	"unicode/utf8"
)

// said is a report as text.
type said struct{ OpenID, Score string }

func saidBy(r Report) said { return said{string(r.OpenID), string(r.Score)} }

// slowReport is the slow way to say what outline.report says: off a decoded value. It is not ok if there is no openid.
func slowReport(v any) (report said, ok bool) {
	openID, ok := member(v, "baseinfo", "openid").(string)
	if n := utf8.RuneCountInString(openID); !ok || n < 1 || n > maxOpenID {
		return said{}, false
	}
	report.OpenID = openID
	if score, ok := member(v, "battleinfo", "score").(json.Number); ok {
		report.Score = canonicalInteger(score.String())
	}
	return report, true
}

// member returns the value that path leads to in v, or nil if there is none.
func member(v any, path ...string) any {
	for _, key := range path {
		object, _ := v.(map[string]any)
		v = object[key]
	}
	return v
}
