package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

func TestWhatIsExportedAndImportedUneditedIsTheSameRecord(t *testing.T) {
	t.Parallel()
	p := newPost(t, 2)
	p.letters(t, 6, func(i int, l *deadletter.Letter) {
		l.Value = []byte(reportOf(string(l.Key), i) + strings.Repeat(" ", i) + "\n")
		l.Headers = append(l.Headers, []consumer.Header{
			{Key: "binary", Value: []byte("\xff\x00")}, {Key: "binary", Value: []byte{}}, {Key: "text", Value: []byte("<&>\u2028\n")},
		}...)
		if i == 5 {
			l.Key = []byte("\xfe")
		}
	})
	path := filepath.Join(t.TempDir(), "letters.jsonl")
	if got := p.invoke(t, "", "export", "--out", path); got.code != exitDone || got.stdout != "" || !strings.HasPrefix(got.stderr, "exported 6 letters to ") {
		t.Fatalf("%+v", got)
	}
	if got := p.invoke(t, "", "export", "--reason", "expired", "--out", path); got.code != exitNone {
		t.Errorf("%+v", got)
	}
	if info, err := os.Stat(path); err != nil || info.Size() == 0 {
		t.Errorf("what was exported is gone: %v, %v", info, err)
	}
	if files, err := os.ReadDir(filepath.Dir(path)); err != nil || len(files) != 1 {
		t.Errorf("%v, %v", files, err)
	}
	if got := p.invoke(t, "", "import", path, "--yes", "-o", "json"); got.code != exitDone || reported(t, got).Done != 6 || reported(t, got).Repaired != 0 {
		t.Fatalf("%+v", got)
	}
	letters := map[string]string{}
	for _, r := range p.ReadAll(t, p.dlq) {
		headers := make([]consumer.Header, 4)
		for i := range headers {
			headers[i] = consumer.Header(r.Headers[i])
		}
		letters[fmt.Sprintf("%s/%d/%d", p.dlq, r.Partition, r.Offset)] = fmt.Sprintf("%q %q %q", r.Key, r.Value, headers)
	}
	for _, r := range p.committed(t) {
		origin, ok := deadletter.OriginOf(r.Headers)
		name := origin.Letter.String()
		if got := fmt.Sprintf("%q %q %q", r.Key, r.Value, r.Headers[:4]); !ok || got != letters[name] {
			t.Errorf("%s: got  %s\nwant %s", name, got, letters[name])
		}
		delete(letters, name)
	}
	if len(letters) != 0 {
		t.Errorf("not replayed: %v", letters)
	}
}

// edited changes the value of exported letters, by line from 0.
func edited(t *testing.T, export string, change func(n int, letter map[string]any)) string {
	t.Helper()
	var b strings.Builder
	n := 0
	for line := range strings.Lines(export) {
		var l map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		change(n, l)
		text, _ := json.Marshal(l)
		b.Write(append(text, '\n'))
		n++
	}
	return b.String()
}

func TestAnEditedLetterIsReplayedWithItsValue(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 10)
	export := p.invoke(t, "", "export", "--reason", "schema_violation")
	text := edited(t, export.stdout, func(n int, l map[string]any) {
		if n != 4 {
			l["value"] = strings.Replace(l["value"].(string), `"platid":"1"`, `"platid": 0`, 1)
		}
	})
	lines := slices.Collect(strings.Lines(text))
	slices.Reverse(lines) // their order does not matter
	text = strings.Join(lines, "\n")

	got := p.invoke(t, text, "import", "-")
	if got.code != exitCannot || !strings.HasPrefix(got.stdout, "4 letters would be replayed to TOPIC.replay, 4 of them repaired") || !strings.Contains(got.stderr, "--yes is needed") {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, text, "import", "-", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitNo || r.Done != 4 || r.Repaired != 4 || r.Left[0].Kind != "schema_violation" {
		t.Errorf("%+v", got)
	}
	var scores []string
	for _, r := range p.committed(t) {
		if !strings.Contains(string(r.Value), `"platid": 0`) {
			t.Errorf("%s", r.Value)
		}
		scores = append(scores, string(r.Headers[0].Value))
	}
	if !slices.Equal(scores, []string{"1", "3", "5", "7"}) {
		t.Errorf("replayed in the order %v", scores)
	}
	got = p.invoke(t, text, "import", "-", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitNo || r.Done != 0 || r.Before[0].Letters != 4 {
		t.Errorf("%+v", got)
	}
}

// A program has read the numbers as float64, and writes what is left of them.
func TestAnImportSaysWhichNumbersWereRounded(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 4, func(_ int, l *deadletter.Letter) {
		l.Value = fmt.Appendf(nil, `{"baseinfo":{"openid":%q,"platid":1},"battleinfo":{"score":12345678901234567890}}`, l.Key)
	})
	text := edited(t, p.invoke(t, "", "export").stdout, func(n int, l map[string]any) {
		if n > 0 {
			l["value"] = strings.Replace(l["value"].(string), `12345678901234567890`, `1234567890123456`+[]string{"", "7890.0", "7000", "7168"}[n], 1)
		}
	})
	got := p.invoke(t, text, "import", "-", "--dry-run")
	want := "In 2 letters a number has other digits that are the same to a float64, as in programs that keep a float64, such as jq before 1.7. " +
		"In TOPIC.dlq/0/2: /battleinfo/score was 12345678901234567890 and is 12345678901234567000.\n"
	if got.code != exitDone || !strings.Contains(got.stdout, want) {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, text, "import", "-", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Done != 4 || r.Rounded != 2 || r.Repaired != 3 {
		t.Errorf("it is not refused: %+v", got)
	}
}

// The example of export's help, on letters whose numbers have more digits than a float64.
func TestTheExampleOfARepairByHandChangesNothingElse(t *testing.T) {
	t.Parallel()
	_, script, found := strings.Cut(invoke(t, "", "deadletter", "export", "--help").stdout, "| sed '")
	script, _, ended := strings.Cut(script, "'")
	if !found || !ended {
		t.Fatal("there is no such example")
	}
	p := newPost(t, 1)
	var want []string
	p.letters(t, 2, func(i int, l *deadletter.Letter) {
		report := fmt.Sprintf(`{"baseinfo":{"openid":%q,"platid":%%s},"battleinfo":{"score":12345678901234567890, "x":1.10e2,"name":"\u00e9\\/"}}`, l.Key)
		l.Value, want = fmt.Appendf(nil, report, `"1"`), append(want, fmt.Sprintf(report, "1"))
	})
	sed := exec.CommandContext(t.Context(), "sed", script)
	sed.Stdin = strings.NewReader(p.invoke(t, "", "export").stdout)
	text, err := sed.Output()
	if err != nil {
		t.Skip("needs sed: ", err)
	}
	if got := p.invoke(t, string(text), "import", "-", "--yes", "-o", "json"); got.code != exitDone || reported(t, got).Rounded != 0 {
		t.Fatalf("%+v", got)
	}
	var values []string
	for _, r := range p.committed(t) {
		values = append(values, string(r.Value))
	}
	if !slices.Equal(values, want) {
		t.Errorf("got  %s\nwant %s", values, want)
	}
}

func TestBadLinesOfAnImport(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 6, func(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) })
	export := slices.Collect(strings.Lines(p.invoke(t, "", "export").stdout))
	change := func(line int, from, to string) string {
		if !strings.Contains(export[line], from) {
			t.Fatalf("no %s in %s", from, export[line])
		}
		return strings.Replace(export[line], from, to, 1)
	}
	tests := map[string]struct {
		lines  []string
		skip   bool
		code   int
		stderr string // its beginning
		done   int64
		left   string // kind
	}{
		"nothing":                       {[]string{"\n", " \n"}, false, exitNone, "no letters in stdin\n", 0, ""},
		"a line that is no JSON":        {[]string{export[0], "\n", "{\n"}, false, exitNo, "stdin:3: it is not one JSON value, whole: want an object as export writes it, one a line\n", 0, ""},
		"one that is no letter":         {[]string{"{}\n"}, false, exitNo, "stdin:1: missing: attempts, delivery, detail, headers, name, reason, replays, source, state; want all", 0, ""},
		"one with a field too many":     {[]string{change(0, `"name"`, `"valu":1,"name"`)}, false, exitNo, "stdin:1: \"valu\" is no field that export writes; did you mean value or value_base64?\n", 0, ""},
		"one that is cut off":           {[]string{export[0][:50]}, false, exitNo, "stdin:1: ", 0, ""},
		"bad lines can be left out":     {[]string{"{\n", export[0], "[]\n"}, true, exitNo, "stdin:1: ", 1, ""},
		"all of them":                   {[]string{"{\n"}, true, exitNo, "stdin:1: ", 0, ""},
		"a letter that is there twice":  {[]string{export[1], export[2], export[1]}, false, exitNo, "stdin:3: letter TOPIC.dlq/0/1 is in line 1 already\n", 0, ""},
		"which cannot be left out":      {[]string{export[1], export[2], export[1]}, true, exitCannot, "stdin:3: letter TOPIC.dlq/0/1 is in line 1 already\nbattlereport: nothing is imported", 0, ""},
		"another key":                   {[]string{change(1, `"key":"user-1"`, `"key":"user-2"`)}, false, exitNo, "", 0, "edited"},
		"one that is text":              {[]string{"{\"name\": gone}\n"}, false, exitNo, "stdin:1: it is no JSON from byte 10 on: want an object as export writes it, one a line\n", 0, ""},
		"one that is two":               {[]string{"{} {}\n"}, false, exitNo, "stdin:1: it is not one JSON value, whole: want an object", 0, ""},
		"one that is an array":          {[]string{"[]\n"}, false, exitNo, "stdin:1: it is an array: want an object as export writes it\n", 0, ""},
		"a number for a name":           {[]string{`{"name":7}`}, false, exitNo, "stdin:1: name is 7: want text\n", 0, ""},
		"text for a number":             {[]string{change(0, `"attempts":3`, `"attempts":"3"`)}, false, exitNo, "stdin:1: attempts is \"3\": want a whole number\n", 0, ""},
		"a broken number":               {[]string{change(0, `"offset":0`, `"offset":0.5`)}, false, exitNo, "stdin:1: source.offset is 0.5: want a whole number\n", 0, ""},
		"a time that is none":           {[]string{change(0, `"time":"2`, `"time":"x`)}, false, exitNo, "stdin:1: time is \"x", 0, ""},
		"an object for a value":         {[]string{change(0, `"value":"{`, `"value":{},"detail":"{`)}, false, exitNo, "stdin:1: value is an object: want text or null\n", 0, ""},
		"a name and a value alone":      {[]string{`{"name":"TOPIC.dlq/0/1","value":"{}"}`}, false, exitNo, "stdin:1: missing: attempts, delivery, detail, headers, reason, replays, source, state; want all that export has written, of which only the value may be edited\n", 0, ""},
		"no value":                      {[]string{change(0, `"value":"{`, `"detail":"{`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": value is missing: want value or value_base64`, 0, ""},
		"a header's value":              {[]string{change(0, `"key":"n","value":"0"`, `"key":"n","value":0`)}, false, exitNo, "stdin:1: headers[0].value is 0: want text or null\n", 0, ""},
		"a state that there is not":     {[]string{change(0, `"pending"`, `"lost"`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": state is "lost": want pending, replayed or discarded`, 0, ""},
		"half of a surrogate pair":      {[]string{change(0, `"key":"user-0"`, `"key":"\ud83d"`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": half of a surrogate pair, at byte `, 0, ""},
		"in a value":                    {[]string{change(0, `"value":"{`, `"value":"{\ude00`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": half of a surrogate pair, at byte `, 0, ""},
		"in a field's name":             {[]string{change(0, `"name"`, `"\ud83d":1,"name"`)}, false, exitNo, "stdin:1: \"\ufffd\" is no field that export writes", 0, ""},
		"two values":                    {[]string{change(0, `"value":"{`, `"value":"{}","value":"{`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": key "value" stands twice in one object, at byte `, 0, ""},
		"one of them written otherwise": {[]string{change(0, `"value":"{`, `"value":"{}","val\u0075e":"{`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": key "value" stands twice in one object, at byte `, 0, ""},
		"two offsets":                   {[]string{change(0, `"offset":0`, `"offset":0,"offset":0`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": key "offset" stands twice in one object, at byte `, 0, ""},
		"two keys of a header":          {[]string{change(0, `"key":"n"`, `"key":"n","key":"n"`)}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": key "key" stands twice in one object, at byte `, 0, ""},
		"text that is no UTF-8":         {[]string{change(0, `"value":"{`, "\"value\":\"{\xff")}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": invalid UTF-8, at byte `, 0, ""},
		"a surrogate in UTF-8":          {[]string{change(0, `"value":"{`, "\"value\":\"{\xed\xa0\xbd")}, false, exitNo, `stdin:1: read letter "TOPIC.dlq/0/0": invalid UTF-8, at byte `, 0, ""},
		"a byte order mark later on":    {[]string{export[0], "\ufeff" + export[1]}, false, exitNo, "stdin:2: it is no JSON from byte 1 on: want", 0, ""},
		"half of a pair as its letters": {[]string{change(0, `"value":"{`, `"value":"\\ud83d{`)}, false, exitNo, "", 0, "invalid_json"},
		"another reason":                {[]string{change(2, `"exhausted"`, `"rejected"`)}, false, exitNo, "", 0, "edited"},
		"another header":                {[]string{change(1, `"key":"n"`, `"key":"m"`)}, false, exitNo, "", 0, "edited"},
		"a name that no letter has":     {[]string{change(1, `dlq/0/1"`, `dlq/0/99"`)}, false, exitNo, "", 0, "not_found"},
		"another letter's name":         {[]string{change(1, `dlq/0/1"`, `dlq/0/2"`)}, false, exitNo, "", 0, "edited"},
	}
	for rule, test := range tests {
		if test.done > 0 {
			defer func() { // the others see all pending
				runBadLines(t, p, rule, test.lines, test.skip, test.code, test.stderr, test.done, test.left)
			}()
			continue
		}
		runBadLines(t, p, rule, test.lines, test.skip, test.code, test.stderr, test.done, test.left)
	}
}

func runBadLines(t *testing.T, p *post, rule string, lines []string, skip bool, code int, stderr string, done int64, left string) {
	t.Helper()
	args := []string{"-", "--yes", "-o", "json"}
	if skip {
		args = append(args, "--skip-bad")
	}
	got := p.invoke(t, strings.Join(lines, ""), "import", args...)
	if got.code != code || !strings.HasPrefix(got.stderr, stderr) {
		t.Errorf("%s: %+v", rule, got)
	}
	if done > 0 || left != "" {
		if r := reported(t, got); r.Done != done || left != "" && r.Left[0].Kind != left {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}
