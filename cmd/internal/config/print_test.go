package config

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSizesAndDurationsReadAsTheyPrint(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		bytes := rapid.Int64Min(0).Draw(t, "bytes") >> rapid.IntRange(0, 62).Draw(t, "shift")
		if got, err := parseSize(printSize(bytes)); err != nil || got != bytes {
			t.Errorf("%d prints as %s, which reads as %d, %v", bytes, printSize(bytes), got, err)
		}
		unit := rapid.SampledFrom([]time.Duration{1, time.Millisecond, time.Second, time.Minute, time.Hour}).Draw(t, "unit")
		d := time.Duration(rapid.Int64Range(0, 10_000).Draw(t, "count")) * unit
		if got, err := time.ParseDuration(printDuration(d)); err != nil || got != d {
			t.Errorf("%s prints as %s, which reads as %s, %v", d, printDuration(d), got, err)
		}
	})
}

func TestDurationsPrintWithoutTrailingZeros(t *testing.T) {
	t.Parallel()
	for want, d := range map[string]time.Duration{
		"0": 0, "1m": time.Minute, "10m": 10 * time.Minute, "1h": time.Hour, "1h30m": 90 * time.Minute,
		"1h0m5s": time.Hour + 5*time.Second, "10s": 10 * time.Second, "200ms": 200 * time.Millisecond,
	} {
		if got := printDuration(d); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestEscapedTextExpandsToItself(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("$${}{AB_1 é"))).Draw(t, "text")
		got := expand(strings.ReplaceAll(text, "${", "$${"), func(string) (string, bool) {
			t.Fatal("a variable was looked up")
			return "", false
		})
		if got.text != text || got.names != nil || got.broken {
			t.Errorf("%q became %+v", text, got)
		}
	})
}

// Each key is described, and its default, where it has one, is in its own range.
func TestEveryFieldIsWhole(t *testing.T) {
	t.Parallel()
	c := Default()
	var walk func(path string, fields []field)
	walk = func(path string, fields []field) {
		for _, f := range fields {
			at := join(path, f.key)
			if f.doc == "" {
				t.Errorf("%s has no description", at)
			}
			switch {
			case f.group != nil:
				walk(at, f.group)
			case f.list != nil:
				walk(at, f.list.elem.group)
			case !f.required:
				value, ok := defaultOf(f)
				text, isText := value.(string)
				if !isText {
					text = f.scalar.text()
				}
				if want := f.scalar.set(text); !ok || want != "" {
					t.Errorf("%s has the default %q, but wants %s", at, text, want)
				}
			}
		}
	}
	walk("", fields(&c, ""))
}
