package config

import (
	"cmp"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// A scalar is a single value: how it is read into its place, printed from there, and described.
type scalar struct {
	want   string   // what may stand here: "an integer from 1 to 2"
	tags   []string // the YAML types that a literal may have; a text with variables in it may always stand
	secret bool
	flaw   func(text string) string        // what is wrong with text that may not be shown, or looks right; nil: nothing is
	set    func(text string) (want string) // takes text, or says what is wanted instead
	text   func() string                   // the present value as YAML
	schema map[string]any                  // JSON Schema of a literal
}

// bounded is a scalar with an order, and so with bounds.
func bounded[T cmp.Ordered](to *T, lo, hi T, noun string, parse func(string) (T, error), print func(T) string) *scalar {
	want := noun + " from " + print(lo) + " to " + print(hi)
	return &scalar{
		want: want,
		set: func(text string) string {
			value, err := parse(text)
			if err != nil || !(lo <= value && value <= hi) { // so written, NaN is out too
				return want
			}
			*to = value
			return ""
		},
		text: func() string { return print(*to) },
	}
}

// decimal is an integer as this package reads it. YAML's other forms are left out because YAML 1.1 and 1.2 disagree
// about them: 010 is eight to one and ten to the other.
var decimal = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)

var errForm = errors.New("not of the wanted form")

func integer(to *int, lo, hi int) *scalar {
	s := bounded(to, lo, hi, "an integer", func(text string) (int, error) {
		if !decimal.MatchString(text) {
			return 0, errForm
		}
		return strconv.Atoi(text)
	}, strconv.Itoa)
	s.tags = []string{"!!int"}
	s.schema = map[string]any{"type": "integer", "minimum": lo, "maximum": hi}
	return s
}

func number(to *float64, lo, hi float64) *scalar {
	s := bounded(to, lo, hi, "a number", func(text string) (float64, error) {
		return strconv.ParseFloat(text, 64)
	}, func(value float64) string { return strconv.FormatFloat(value, 'g', -1, 64) })
	s.tags = []string{"!!int", "!!float"}
	s.schema = map[string]any{"type": "number", "minimum": lo, "maximum": hi}
	return s
}

func duration(to *time.Duration, lo, hi time.Duration) *scalar {
	s := bounded(to, lo, hi, "a duration such as 200ms, 5s or 1h30m,", time.ParseDuration, printDuration)
	s.tags = []string{"!!str", "!!int"} // a plain 0 is an integer to YAML
	s.schema = anyOf(
		map[string]any{"type": "string", "pattern": `^\+?(0|(([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|μs|ms|s|m|h))+)$`},
		map[string]any{"const": 0})
	return s
}

// printDuration is Duration.String without the zero seconds and minutes at its end.
func printDuration(d time.Duration) string {
	if d == 0 {
		return "0"
	}
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

var (
	sizeForm  = regexp.MustCompile(`^([0-9]+)([A-Za-z]*)$`)
	sizeUnits = map[string]int64{
		"": 1, "B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
		"kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
	}
)

func size(to *int64, lo, hi int64) *scalar {
	s := bounded(to, lo, hi, "a size such as 4096, 512KiB or 1MB,", parseSize, printSize)
	s.tags = []string{"!!str", "!!int"}
	s.schema = anyOf(
		map[string]any{"type": "string", "pattern": `^[0-9]+(B|[KMGT]i?B|kB)$`},
		map[string]any{"type": "integer", "minimum": lo, "maximum": hi})
	return s
}

func parseSize(text string) (int64, error) {
	form := sizeForm.FindStringSubmatch(text)
	if form == nil {
		return 0, errForm
	}
	unit, known := sizeUnits[form[2]]
	if !known || (form[2] == "" && !decimal.MatchString(text)) {
		return 0, errForm
	}
	count, err := strconv.ParseInt(form[1], 10, 64)
	if err != nil {
		return 0, err
	}
	if bytes := count * unit; bytes/unit == count {
		return bytes, nil
	}
	return 0, strconv.ErrRange
}

func printSize(bytes int64) string {
	for _, unit := range []string{"TiB", "GiB", "MiB", "KiB"} {
		if by := sizeUnits[unit]; bytes >= by && bytes%by == 0 {
			return strconv.FormatInt(bytes/by, 10) + unit
		}
	}
	return strconv.FormatInt(bytes, 10)
}

func boolean(to *bool) *scalar {
	s := oneOfTexts([]string{"false", "true"}, func(text string) { *to = text == "true" })
	s.tags = []string{"!!bool"}
	s.text = func() string { return strconv.FormatBool(*to) }
	s.schema = map[string]any{"type": "boolean"}
	return s
}

func oneOf(to *string, allowed ...string) *scalar {
	s := oneOfTexts(allowed, func(text string) { *to = text })
	s.tags = []string{"!!str"}
	s.text = func() string { return quote(*to) }
	s.schema = map[string]any{"enum": allowed}
	return s
}

func oneOfTexts(allowed []string, take func(string)) *scalar {
	last := len(allowed) - 1
	want := strings.Join(allowed[:last], ", ") + " or " + allowed[last]
	return &scalar{want: want, set: func(text string) string {
		if !slices.Contains(allowed, text) {
			return want
		}
		take(text)
		return ""
	}}
}

func text(to *string, r rule) *scalar {
	s := &scalar{
		want: r.want,
		tags: []string{"!!str"},
		flaw: r.flaw,
		set: func(text string) string {
			if !r.fits(text) {
				return r.want
			}
			*to = text
			return ""
		},
		text:   func() string { return quote(*to) },
		schema: map[string]any{"type": "string"},
	}
	if form := r.form.String(); form != "" {
		s.schema["pattern"] = form
	}
	if r.number {
		s.tags = append(s.tags, "!!int")
		s.schema = anyOf(s.schema, map[string]any{"type": "integer", "minimum": 0})
	}
	return s
}

func secret(to *Secret, r rule) *scalar {
	s := text((*string)(to), r)
	s.secret = true
	s.text = func() string {
		if *to == "" {
			return `""`
		}
		return redacted
	}
	return s
}

// quote returns text as a YAML scalar, in quotes where YAML would take it for something else.
func quote(text string) string {
	out, err := yaml.Marshal(text)
	if line := strings.TrimSuffix(string(out), "\n"); err == nil && !strings.ContainsAny(line, "\n,[]{}") {
		return line
	}
	return strconv.Quote(text)
}

func anyOf(schemas ...map[string]any) map[string]any {
	return map[string]any{"anyOf": schemas}
}
