package config_test

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// flaws are what is in no credential, each with how it is called.
var flaws = map[string]string{
	"hunter2\n":             "ends in a line end",
	"hunter2\r\n":           "ends in a line end",
	"hunter2\r":             "ends in white space",
	"hunter2 ":              "ends in white space",
	"hunter2\t":             "ends in white space",
	"hunter2\u00a0":         "ends in white space",
	"hunter2\u3000":         "ends in white space",
	" hunter2":              "begins with white space",
	"\nhunter2":             "begins with white space",
	"\ufeffhunter2":         "begins with a byte order mark",
	"hunter2\ufeff":         "has a byte order mark at byte 8",
	"hunter2\tx":            "has a tab at byte 8",
	"hunter2\nx":            "has a line end at byte 8",
	"hunter2\rx":            "has a line end at byte 8",
	"hunter2\u2028x":        "has a line end at byte 8",
	"hunter2\x00":           "has a NUL at byte 8",
	"hunter2\x1b[A":         "has a control character at byte 8",
	"hunter2\x7f":           "has a control character at byte 8",
	"hunter2\u0085x":        "has a control character at byte 8",
	"hunter2\u200b":         "has an invisible character at byte 8",
	"hunter2\u202ex":        "has an invisible character at byte 8",
	"hunter2\xe9":           "has what is not UTF-8 at byte 8",
	"\xff\xfeh\x00u\x00":    "is UTF-16, not UTF-8",
	"\xfe\xff\x00h\x00u":    "is UTF-16, not UTF-8",
	"h\x00u\x00n\x00\n\x00": "is UTF-16, not UTF-8",
	"\x00h\x00u\x00n\x00\n": "is UTF-16, not UTF-8",
	" ":                     "begins with white space",
	"\n":                    "ends in a line end",
}

const (
	wantKey  = "printable ASCII without white space at its ends"
	wantText = "printable text without white space at its ends"
)

func TestACredentialIsRefusedWithWhatIsWrongAndUnseen(t *testing.T) {
	t.Parallel()
	for format, test := range map[string]struct{ path, shown, want string }{
		"apps: [{appid: wx1, appkey: %s, topics: [a]}]":                                   {"apps[0].appkey", "[redacted]", wantKey},
		"apps: [{appid: wx1, encode: 2, appkey: %s, topics: [a]}]":                        {"apps[0].appkey", "[redacted]", wantKey},
		"kafka: {sasl: {mechanism: plain, username: u, password: %s}}\n" + oneApp:         {"kafka.sasl.password", "[redacted]", wantText},
		"kafka: {sasl: {mechanism: scram-sha-512, username: u, password: %s}}\n" + oneApp: {"kafka.sasl.password", "[redacted]", wantText},
		"kafka: {sasl: {mechanism: plain, username: %s, password: p}}\n" + oneApp:         {"kafka.sasl.username", "", wantText},
	} {
		for text, flaw := range flaws {
			of := " of ${V}"
			if test.shown == "" {
				of = strconv.Quote(text)
			}
			refuses(t, fmt.Sprintf(format, "${V}"), "", text, "line 1: "+test.path+": "+test.shown+of+" "+flaw+": want "+test.want)
			if utf8.ValidString(text) {
				of = strings.TrimPrefix(of, " of ${V}")
				refuses(t, fmt.Sprintf(format, yamlQuoted(text)), "", "", "line 1: "+test.path+": "+test.shown+of+" "+flaw+": want "+test.want)
			}
		}
	}
}

func TestASecretsFileIsRefusedWithWhatIsWrongAndUnseen(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for format, test := range map[string]struct{ path, want string }{
		"apps: [{appid: wx1, appkey_file: s, topics: [a]}]":                           {"apps[0].appkey_file", wantKey},
		"kafka: {sasl: {mechanism: plain, username: u, password_file: s}}\n" + oneApp: {"kafka.sasl.password_file", wantText},
	} {
		refused := func(content, want string) {
			t.Helper()
			write(t, dir, "s", content)
			refuses(t, format, dir, "", "line 1: "+test.path+": \"s\": want "+want)
		}
		for text, flaw := range flaws {
			if text == "hunter2\r" {
				continue // with what follows it is a line end
			}
			refused(text+"\n", fmt.Sprintf("a file that holds %s, one line end aside; the secret in %q %s", test.want, filepath.Join(dir, "s"), flaw))
		}
		for _, content := range []string{"", "\n", "\r\n", strings.Repeat("x", 64<<10+1)} {
			refused(content, "a file of 1 byte to 64KiB that holds the secret")
		}
	}
}

// refuses parses text with a variable V, for one fault, which does not show a secret.
func refuses(t *testing.T, text, dir, variable, want string) {
	t.Helper()
	_, err := config.Parse([]byte(text), dir, env(map[string]string{"V": variable}))
	if err == nil || err.Error() != want {
		t.Errorf("of %q: got\n%v\nwant\n%s", variable, err, want)
	}
}

// yamlQuoted writes text with escapes only that YAML has too.
func yamlQuoted(text string) string {
	var out strings.Builder
	for _, r := range text {
		fmt.Fprintf(&out, `\U%08x`, r)
	}
	return `"` + out.String() + `"`
}

func TestACredentialIsTakenAsItIs(t *testing.T) {
	t.Parallel()
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		for _, text := range []string{"a b", "!\"#$%&'()*+,-./:;<=>?@[]^_`{|}~\\", "pässwörd", "密码", "سر", "a\u00a0b", "e\u0301"} {
			cfg, err := config.Parse([]byte("kafka: {sasl: {mechanism: "+mechanism+", username: ${V}, password: ${V}}}\n"+oneApp), "", env(map[string]string{"V": text}))
			if err != nil {
				t.Errorf("%s of %q: %v", mechanism, text, err)
			} else if s := cfg.Kafka.SASL; s.Username != text || s.Password.Reveal() != text {
				t.Errorf("%s: %q became %q and %q", mechanism, text, s.Username, s.Password.Reveal())
			}
		}
	}
	cfg, err := config.Parse([]byte("apps: [{appid: wx1, appkey: ${V}, topics: [a]}]"), "", env(map[string]string{"V": "a b~!"}))
	if err != nil || cfg.Apps[0].AppKey.Reveal() != "a b~!" {
		t.Errorf("an appkey: %v", err)
	}
	_, err = config.Parse([]byte("apps: [{appid: wx1, appkey: ${V}, topics: [a]}]"), "", env(map[string]string{"V": "hunter2é"}))
	if want := "line 1: apps[0].appkey: [redacted] of ${V} has a character that is not ASCII at byte 8: want " + wantKey; err == nil || err.Error() != want {
		t.Errorf("an appkey that is not ASCII: %v", err)
	}
}

func TestSCRAMIsGivenNothingItDoesNotTake(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for text, flaw := range map[string]string{
		"hunter2\ue000": "has a character at byte 8 that SCRAM does not allow (RFC 4013)",
		"hunter2\u0378": "has a character at byte 8 that SCRAM does not allow (RFC 4013)",
		"hunter2😀":      "has a character at byte 8 that SCRAM does not allow (RFC 4013)",
		"hunter2سر":     "mixes characters written from the left and from the right, which SCRAM does not allow (RFC 4013)",
		"سر1":           "mixes characters written from the left and from the right, which SCRAM does not allow (RFC 4013)",
	} {
		write(t, dir, "secret", text)
		vars := env(map[string]string{"V": text})
		for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
			sasl := "kafka: {sasl: {mechanism: " + mechanism + ", "
			for yaml, want := range map[string]string{
				sasl + "username: u, password: ${V}}}\n":           "line 1: kafka.sasl.password: [redacted] of ${V} " + flaw,
				sasl + "username: u, password: '" + text + "'}}\n": "line 1: kafka.sasl.password: [redacted] " + flaw,
				sasl + "username: u, password_file: secret}}\n":    "line 1: kafka.sasl.password: [redacted] " + flaw,
				sasl + "username: ${V}, password: p}}\n":           "line 1: kafka.sasl.username: " + strconv.Quote(text) + " " + flaw,
			} {
				want += ": want another, or kafka.sasl.mechanism plain"
				if _, err := config.Parse([]byte(yaml+oneApp), dir, vars); err == nil || err.Error() != want {
					t.Errorf("got  %v\nwant %s", err, want)
				}
			}
		}
		if _, err := config.Parse([]byte("kafka: {sasl: {mechanism: plain, username: ${V}, password: ${V}}}\n"+oneApp), "", vars); err != nil {
			t.Errorf("plain: %v", err)
		}
	}
	cfg := config.Default()
	cfg.Kafka.SASL = config.SASL{Mechanism: "scram-sha-256", Username: "u", Password: "hunter2\n"}
	if _, err := cfg.Kafka.Connection(nil); err == nil || err.Error() != "kafka.sasl: the password has a character at byte 8 that SCRAM does not allow (RFC 4013)" {
		t.Errorf("without a file: %v", err)
	}
}
