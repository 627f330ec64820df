package main

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"

	"github.com/battlereport/battlereport/schema"
)

const report = `{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"score":7}}`

func TestValidate(t *testing.T) {
	t.Parallel()
	limit := schema.DefaultLimits().MaxBytes
	asString := write(t, "string.json", `{"type": "string"}`)
	unique := write(t, "unique.json", `{"properties": {"userdefined": {"unevaluatedProperties": false}}}`)
	tests := map[string]struct {
		stdin  string
		args   []string
		code   int
		stdout string
	}{
		"nothing is valid":                     {"", nil, exitDone, ""},
		"valid reports are said to be":         {report + "\n" + report, nil, exitDone, `{"line":1,"valid":true}` + "\n" + `{"line":2,"valid":true}` + "\n"},
		"blank lines count but are no reports": {"\n\n" + report + "\r\n\r\n", []string{"-"}, exitDone, `{"line":3,"valid":true}` + "\n"},
		"a report that is too large is not read, but measured": {
			strings.Repeat("[", limit+5) + "\n" + report, nil, exitNo,
			fmt.Sprintf(`{"line":1,"valid":false,"reason":"too_large","detail":"%d bytes, %d are allowed"}`, limit+5, limit) + "\n" + `{"line":2,"valid":true}` + "\n",
		},
		"what of the built-in schemas is checked the slow way is nothing": {"", []string{"--explain"}, exitDone, ""},
		"what of a schema is checked the slow way is said with its place and reason": {
			"",
			[]string{"--explain", "--schema", unique},
			exitDone,
			`{"keyword":"/properties/userdefined/unevaluatedProperties","reason":"it depends on what other keywords have looked at: objects are decoded"}` + "\n",
		},
		"a schema's violations say what and where": {
			report,
			[]string{"--schema", asString},
			exitNo,
			`{"line":1,"valid":false,"reason":"schema_violation","detail":"expected string, but got object","violations":[{"instance":"","keyword":"/type","message":"expected string, but got object"}]}` + "\n",
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, test.stdin, append([]string{"validate"}, test.args...)...)
			if want := (outcome{test.code, test.stdout, ""}); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestValidateSaysWhatOfASchemaIsNotChecked(t *testing.T) {
	t.Parallel()
	path := write(t, "own.json", `{"$schema": "https://json-schema.org/draft/2020-12/schema",
		"requried": ["a"], "properties": {"a": {"format": "date"}, "b": {"uniqueItems": true}}}`)
	got := invoke(t, report, "validate", "--schema", path)
	if want := (outcome{exitDone, `{"line":1,"valid":true}` + "\n", path + ": what it says in 2 places is not checked: see --explain\n"}); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	got = invoke(t, "", "validate", "--schema", path, "--explain")
	want := []string{
		`{"file":"` + path + `","keyword":"/properties/a/format","kind":"unchecked_format","message":"format \"date\" is not checked`,
		`{"file":"` + path + `","keyword":"/requried","kind":"unknown_keyword","message":"unknown keyword, nothing is checked","suggestion":"required"}`,
		`{"keyword":"/properties/b/uniqueItems","reason":"`,
	}
	lines := strings.SplitAfter(got.stdout, "\n")
	if got.code != exitDone || got.stderr != "" || len(lines) != len(want)+1 {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if !strings.HasPrefix(lines[i], want[i]) {
			t.Errorf("got  %swant %s", lines[i], want[i])
		}
	}
}

func TestValidateReadsAFile(t *testing.T) {
	t.Parallel()
	path := write(t, "reports.jsonl", report+"\n{<\n")
	got := invoke(t, "not read", "validate", path)
	if lines := strings.SplitAfter(got.stdout, "\n"); got.code != exitNo || len(lines) != 3 ||
		lines[0] != `{"line":1,"valid":true}`+"\n" || !strings.HasPrefix(lines[1], `{"line":2,"valid":false,"reason":"invalid_json","detail":"`) {
		t.Errorf("%+v", got)
	}
}

func TestValidateCannot(t *testing.T) {
	t.Parallel()
	for what, args := range map[string][]string{
		"read a file that is not there": {"validate", "/none.jsonl"},
		"read a directory":              {"validate", t.TempDir()},
		"check against no schema":       {"validate", "--schema", "/none.json"},
		"check against an unknown one":  {"validate", "--schema", "builtin:zh"},
	} {
		if got := invoke(t, report, args...); got.code != exitCannot || got.stdout != "" || !strings.HasPrefix(got.stderr, "battlereport: ") {
			t.Errorf("%s: %+v", what, got)
		}
	}
}

// A person who types reports, or a program that waits for the answer to each, gets it before the next line.
func TestAResultIsWrittenBeforeMoreIsRead(t *testing.T) {
	t.Parallel()
	stdin, feed := io.Pipe()
	results, stdout := io.Pipe()
	code := make(chan int)
	go func() {
		code <- run(t.Context(), []string{"validate"}, stdin, stdout, io.Discard)
		stdout.Close()
	}()
	answers := bufio.NewScanner(results)
	for i, text := range []string{report, "{", report} {
		fmt.Fprintln(feed, text)
		if !answers.Scan() || !strings.HasPrefix(answers.Text(), fmt.Sprintf(`{"line":%d,`, i+1)) {
			t.Fatalf("answer to line %d: %q, %v", i+1, answers.Text(), answers.Err())
		}
	}
	feed.Close()
	if got := <-code; got != exitNo {
		t.Errorf("exit code %d", got)
	}
}

func TestASignalEndsAWaitForInput(t *testing.T) {
	t.Parallel()
	stdin, feed := io.Pipe()
	defer feed.Close()
	ctx, signal := context.WithCancel(t.Context())
	results, stdout := io.Pipe()
	var stderr bytes.Buffer
	code := make(chan int)
	go func() { code <- run(ctx, []string{"validate"}, stdin, stdout, &stderr) }()
	fmt.Fprintln(feed, report)
	if _, err := bufio.NewReader(results).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	signal()
	if got := <-code; got != exitCannot || stderr.String() != "battlereport: interrupted\n" {
		t.Errorf("exit code %d, %q", got, stderr.String())
	}
}

func TestAReaderWhoHasSeenEnoughIsNoError(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"validate"}, strings.NewReader(report), w, &stderr); code != exitCannot || stderr.Len() > 0 {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

func TestResultsThatCannotBeWrittenAreAnError(t *testing.T) {
	t.Parallel()
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"validate"}, strings.NewReader(report), full{}, &stderr); code != exitCannot ||
		stderr.String() != "battlereport: no space left on device\n" {
		t.Errorf("exit code %d, %q", code, stderr.String())
	}
}

// full is a disk without space.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, syscall.ENOSPC }
