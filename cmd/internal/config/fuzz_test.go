package config_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// Whatever the bytes, Parse returns; and every fault says where, in one line.
func FuzzParse(f *testing.F) {
	f.Add(config.Example())
	f.Add([]byte(contract))
	for _, seed := range []string{
		oneApp, "", "- a", "a: &a [*a]", "<<: {a: b}", "? [a]\n: b", "apps: &a [*a]", "--- a\n--- b", "apps: [{appid: !!int x}]",
		"batch: {max_records: 0x10, max_bytes: -1, linger: -1s}", "kafka: {brokers: [\"${A}\", '$${A}', '${']}", "\"a\\nb\": 1", "\xff\xfe", "\xfe\xff\x00a\x00:", "a: !!binary x",
		"x-a: &a {<<: *a}\nhttp: {<<: [*a, *a]}", "batch: &b {<<: *b, linger: ${A}}", "{password: s,t, <<: {}}", "a: [${A\n}]", "a: {\n\tb: *c", "\ue000${A}",
		"kafka: {brokers: ${A:-b:1,[::1]:2}, group: ${B:?set # it}, client_id: ${A-}}", "kafka: {brokers: 'a:1, ${A},,'}", "a: ${A:-${B}}", "kafka: {brokers: [${A:-x], b: }}", "a: [\"${A:-\", \"}\"]", "a: ${A:+x}",
	} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	vars := env(map[string]string{"MSDK_APPKEY": "k", "A": "a:1"})
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := config.Parse(data, dir, vars)
		var faults config.Faults
		switch {
		case err == nil:
			if len(got.Apps) == 0 || len(got.SourceTopics()) == 0 {
				t.Errorf("taken without apps or topics: %+v", got)
			}
		case got != nil:
			t.Errorf("both a configuration and %v", err)
		case errors.As(err, &faults):
			if len(faults) == 0 {
				t.Error("an error of no faults")
			}
			for _, fault := range faults {
				if fault.Path == "" || fault.Line < 1 || fault.Want == "" || fault.Value == "" || strings.ContainsAny(fault.Error(), "\n\r") {
					t.Errorf("%#v", fault)
				}
			}
		}
	})
}

// What counts is what a shell takes: the variable, or the default where there is none, or nothing.
func FuzzVariable(f *testing.F) {
	for _, set := range []bool{false, true} {
		for _, value := range []string{"", "a", "${B}", "a,b"} {
			for _, word := range []string{"", "b", "a:1,b:2", "[x]: #y", "$", "$${", "}", "{", "'", "\"", "\n", "-", "é"} {
				f.Add(value, set, word)
			}
		}
	}
	f.Fuzz(func(t *testing.T, value string, set bool, word string) {
		if strings.ContainsAny(word, "{}\"'\\") || strings.ContainsFunc(word+value, func(r rune) bool { return r < ' ' || r > '~' }) {
			return // which is a fault, or the user's to quote
		}
		vars := map[string]string{}
		if set {
			vars["A"] = value
		}
		with := func(operator string) string {
			if set && (value != "" || operator == "-") {
				return value
			}
			return word
		}
		for _, operator := range []string{"-", ":-"} {
			text := "x${A" + operator + word + "}y"
			for _, yaml := range []string{text, `"` + text + `"`, "'" + text + "'"} {
				got, err := config.Parse([]byte(oneApp+"kafka: {sasl: {mechanism: plain, username: u, password: "+yaml+"}}"), "", env(vars))
				if want := "x" + with(operator) + "y"; err != nil || got.Kafka.SASL.Password.Reveal() != want {
					t.Fatalf("%s with %q: %v, want it to be %q", yaml, vars, err, want)
				}
			}
		}
	})
}
