package deadletter

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/schema"
)

// A jsonText is a JSON text as people write it, cut at one of its values.
type jsonText struct {
	before, value, after string
	path                 []any
}

// drawText draws a text. A doubtful one has halves of surrogate pairs and keys that stand twice.
func drawText(t *rapid.T, depth int, doubtful bool) jsonText {
	space := rapid.SampledFrom([]string{"", "", "", " ", "\n\t"})
	strange := []string{"a", "b", "c", `\u0061`, `\/`, `\u00e9`, "é", `\ud83d\ude00`, `\n`}
	if doubtful {
		strange = append(strange, `\ud83d`, `\ude00`)
	}
	word := rapid.Custom(func(t *rapid.T) string {
		return `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(strange), 0, 2).Draw(t, "letters"), "") + `"`
	})
	leaf := rapid.OneOf(word, rapid.SampledFrom([]string{
		"0", "-0", "1.0", "1.10", "1e400", "12345678901234567890", "4288625.0", "true", "false", "null", "[]", "{ }", "[ ]",
	}))
	n := rapid.IntRange(0, 4).Draw(t, "parts")
	if depth == 0 || n == 0 {
		return jsonText{value: leaf.Draw(t, "leaf")}
	}
	isObject := rapid.Bool().Draw(t, "object")
	cut := rapid.IntRange(-1, n-1).Draw(t, "cut")
	var text jsonText
	add := func(s string) {
		if text.path == nil {
			text.before += s
		} else {
			text.after += s
		}
	}
	seen := map[string]bool{}
	brackets := "[]"
	if isObject {
		brackets = "{}"
	}
	add(brackets[:1])
	for i := range n {
		part := drawText(t, depth-1, doubtful)
		var key string
		lead := space.Draw(t, "space")
		if isObject {
			literal := word.Filter(func(literal string) bool {
				_ = json.Unmarshal([]byte(literal), &key)
				return doubtful || !seen[key]
			}).Draw(t, "key")
			_ = json.Unmarshal([]byte(literal), &key)
			seen[key] = true
			lead += literal + space.Draw(t, "space") + ":" + space.Draw(t, "space")
		}
		if i > 0 {
			lead = space.Draw(t, "space") + "," + lead
		}
		add(lead)
		if i == cut {
			text.before += part.before
			text.value, text.after = part.value, part.after
			text.path = []any{i}
			if isObject {
				text.path[0] = key
			}
			text.path = append(text.path, part.path...)
		} else {
			add(part.before + part.value + part.after)
		}
	}
	add(space.Draw(t, "space") + brackets[1:])
	if cut < 0 {
		text.value, text.before = text.before, ""
	}
	return text
}

func repairOf(t *rapid.T, expr string) *Repair {
	r, err := CompileRepair(expr)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARepairOfOnePlaceLeavesTheBytesOfAllOthers(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t, 3, false)
		path, err := plainJSON(text.path)
		if err != nil {
			t.Fatal(err)
		}
		if text.path == nil {
			path = []byte("[]")
		}
		expr := fmt.Sprintf(rapid.SampledFrom([]string{
			`setpath(%s; "new")`, `getpath(%s) = "new"`, `getpath(%s) |= "new"`, `. as $x | setpath(%s; "new")`, `delpaths([]) | setpath(%s; "new")`,
		}).Draw(t, "expression"), path)
		value := text.before + text.value + text.after
		got, err := repairOf(t, expr).Apply(t.Context(), []byte(value))
		if want := text.before + `"new"` + text.after; err != nil || string(got) != want {
			t.Fatalf("%s makes of\n     %s\n     %s, error %v\nwant %s", expr, value, got, err, want)
		}
		value = rapid.SampledFrom([]string{"", " ", "\n"}).Draw(t, "lead") + value + rapid.SampledFrom([]string{"", "\r\n"}).Draw(t, "end")
		if got, err := repairOf(t, `.`).Apply(t.Context(), []byte(value)); err != nil || string(got) != value {
			t.Fatalf("of %s is left\n%s, error %v", value, got, err)
		}
	})
}

func TestARepairYieldsStrictJSONWithNoCharacterLostOrItFails(t *testing.T) {
	t.Parallel()
	expressions := []string{
		`.`, `[.]`, `.a?`, `.a = 1`, `.a |= .`, `.b |= 1`, `del(.a)`, `del(.[0])`, `.[]? |= .`, `.. |= .`, `[.[]?]`, `[..]`, `reverse`, `[.[]?, .]`,
		`walk(.)`, `map_values(.)`, `with_entries(.value |= .)`, `with_entries(.key += "x")`, `tojson`, `.a.b |= . | .c = .a`, `.a |= (.b |= . | .c = .b)`,
		`walk(if type == "string" then gsub("\ufffd"; "") else . end)`, `{a, b, c}`, `.a = .b | .b = .c | .c |= .`, `tojson | fromjson`,
	}
	rapid.Check(t, func(t *rapid.T) {
		text := drawText(t, 3, true)
		value := []byte(text.before + text.value + text.after)
		expr := rapid.SampledFrom(expressions).Draw(t, "expression")
		before := strings.Clone(string(value))
		got, err := repairOf(t, expr).Apply(t.Context(), value)
		if string(value) != before {
			t.Fatalf("%s has changed its input", expr)
		}
		if err != nil {
			return
		}
		if fault := schema.Strict(got, 64); fault != nil {
			t.Fatalf("%s makes of %s\n%s: %v", expr, value, got, fault)
		}
		if after, err := decode(got); err != nil || strings.ContainsRune(fmt.Sprint(after), utf8.RuneError) {
			t.Fatalf("%s makes of %s\n%s, %v", expr, value, got, err)
		}
		if expr == `.` && string(got) != before {
			t.Fatalf("of %s: %s", value, got)
		}
	})
}

// Of two keys that are equal no value is dropped unless the expression would do the same with either.
func TestNoneOfTwoEqualKeysIsTakenInSilence(t *testing.T) {
	t.Parallel()
	expressions := []string{
		`.p = 1`, `[.]`, `{s}`, `.n = .s`, `.n = .s | del(.n)`, `walk(.)`, `with_entries(.)`, `if .s then .s else . end`, `[.[]]`, `. + {n: 1}`, `to_entries`, `.b = . | .b`,
	}
	for _, expr := range expressions {
		for _, value := range []string{`{"s":1,"s":2}`, `{"s":"1","\u0073":[2]}`, `{"s":{},"p":1,"s":{"s":1}}`, `{"s":{"s":1,"s":2}}`} {
			r, err := CompileRepair(expr)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := r.Apply(t.Context(), []byte(value)); err == nil {
				t.Errorf("%s makes of %s\n%s, and nothing is said", expr, value, got)
			}
		}
	}
}
