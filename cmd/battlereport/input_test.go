package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"github.com/battlereport/battlereport/deadletter"
)

// inputs makes files of every kind that people and their tools name by mistake, and returns their paths.
type inputs struct{ *testing.T }

func (in inputs) file(content string) string { in.Helper(); return write(in.T, "input", content) }

// utf16 is a file as PowerShell's > writes it.
func (in inputs) utf16(text string) string {
	in.Helper()
	content := "\xff\xfe"
	for _, c := range []byte(text) {
		content += string([]byte{c, 0})
	}
	return in.file(content)
}

// loop is a link to itself, which nobody can open, root neither.
func (in inputs) loop() string {
	in.Helper()
	path := filepath.Join(in.TempDir(), "loop")
	if err := os.Symlink(path, path); err != nil {
		in.Fatal(err)
	}
	return path
}

// socket is a file that there is nothing to read of.
func (in inputs) socket() string {
	in.Helper()
	dir, err := os.MkdirTemp("", "") // a socket's path is short
	if err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { _ = os.RemoveAll(dir) })
	path := filepath.Join(dir, "s")
	listener, err := net.Listen("unix", path)
	if err != nil {
		in.Fatal(err)
	}
	in.Cleanup(func() { _ = listener.Close() })
	return path
}

// fifo is a pipe that nobody writes to.
func (in inputs) fifo() string {
	in.Helper()
	path := filepath.Join(in.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		in.Fatal(err)
	}
	return path
}

// pipe is a pipe whose writer writes content and is gone.
func (in inputs) pipe(content string) string {
	in.Helper()
	path := in.fifo()
	go func() {
		w, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, _ = io.WriteString(w, content)
			_ = w.Close()
		}
	}()
	return path
}

// large is the size of a file, or line, that is kept in memory nowhere.
const large = 256 << 20

// sparse is a large file of zero bytes, all one line, which takes no room on the disk.
func (in inputs) sparse() string {
	in.Helper()
	path := in.file("")
	if err := os.Truncate(path, large); err != nil {
		in.Fatal(err)
	}
	return path
}

// TestEachReaderOfFilesSaysWhatIsWrongWithThem: the exit code is 0 where there is nothing wrong, or nothing there; 1 where
// some lines are bad; 3 where there are no letters; and 2 where what was named is not what is wanted.
func TestEachReaderOfFilesSaysWhatIsWrongWithThem(t *testing.T) {
	in, p := inputs{t}, newPost(t, 1)
	p.letters(t, 2, goodLetters)
	letters := p.invoke(t, "", "export").stdout // in which TOPIC stands for the topic
	letters = strings.ReplaceAll(letters, "TOPIC", p.source)
	reports := reportOf("o1", 1) + "\n" + reportOf("o2", 2) + "\n"
	windows := func(text string) string { return strings.ReplaceAll(text, "\n", "\r\n") }
	cut := func(text string) string { return text[:len(text)-9] }

	validate := func(path string) outcome { return invoke(t, "", "validate", path) }
	publish := func(path string) outcome { return invoke(t, "", "publish", "-c", p.config, "--dry-run", path) }
	imports := func(path string) outcome {
		return invoke(t, "", "deadletter", "import", "-c", p.config, "--dry-run", path)
	}
	check := func(path string) outcome { return invoke(t, "", "config", "check", "-c", path) }
	schemas := func(path string) outcome { return invoke(t, reports, "validate", "--schema", path) }
	naming := func(key string) func(string) outcome {
		return func(path string) outcome {
			return check(in.file(fmt.Sprintf("apps: [{appid: wx1, topics: [a], %s: %q}]", key, path)))
		}
	}
	keys := naming("appkey_file")
	authorities := func(path string) outcome {
		return check(in.file(fmt.Sprintf("kafka: {tls: {enabled: true, ca_file: %q}}\n%s", path, oneApp)))
	}

	const (
		utf16     = "it is UTF-16LE, and text in UTF-8 is wanted: convert it first, as with iconv -f UTF-16LE -t UTF-8"
		directory = "is a directory"
		loop      = "too many levels of symbolic links"
		none      = "no such file or directory"
		tooLarge  = "more than the 4194304 bytes that are allowed"
	)
	for rule, test := range map[string]struct {
		read func(path string) outcome
		path string
		code int
		says string // on one of its outputs
	}{
		"validate: an empty file has no reports":         {validate, in.file(""), exitDone, ""},
		"validate: a mark before them is none of theirs": {validate, in.file("\ufeff" + reports), exitDone, `{"line":2,"valid":true}`},
		"validate: lines end as they do on Windows":      {validate, in.file(windows(reports)), exitDone, `{"line":2,"valid":true}`},
		"validate: the last need not end":                {validate, in.file(strings.TrimSpace(reports)), exitDone, `{"line":2,"valid":true}`},
		"validate: zero bytes are no report":             {validate, in.file(reports + "\x00\x00\x00\n"), exitNo, `{"line":3,"valid":false,"reason":"invalid_json","detail":"begins with a zero byte, at byte 0"}`},
		"validate: UTF-16 is named":                      {validate, in.utf16(reports), exitCannot, utf16},
		"validate: what is packed is named":              {validate, in.file("\x1f\x8b\x08\x00\x00"), exitCannot, "it is gzip"},
		"validate: a large line is told with its size":   {validate, in.sparse(), exitNo, `"too_large","detail":"268435456 bytes, 65536 are allowed"`},
		"validate: a pipe is read to its end":            {validate, in.pipe(reports), exitDone, `{"line":2,"valid":true}`},
		"validate: whose writer may die":                 {validate, in.pipe(cut(reports)), exitNo, `{"line":2,"valid":false,"reason":"invalid_json","detail":"the JSON text is cut off`},
		"validate: a directory is none":                  {validate, t.TempDir(), exitCannot, directory},
		"validate: a link to itself neither":             {validate, in.loop(), exitCannot, loop},
		"validate: nor a socket":                         {validate, in.socket(), exitCannot, "no such device or address"},
		"validate: nor what is not there":                {validate, "/none.jsonl", exitCannot, none},

		"publish: an empty file has no records":         {publish, in.file(""), exitDone, "no records in "},
		"publish: a mark before them is none of theirs": {publish, in.file("\ufeff" + reports), exitDone, "would publish 2 records"},
		"publish: lines end as they do on Windows":      {publish, in.file(windows(reports)), exitDone, "would publish 2 records"},
		"publish: the last need not end":                {publish, in.file(strings.TrimSpace(reports)), exitDone, "would publish 2 records"},
		"publish: zero bytes are no report":             {publish, in.file(reports + "\x00\x00\x00\n"), exitNo, ":3: invalid_json: begins with a zero byte"},
		"publish: UTF-16 is named":                      {publish, in.utf16(reports), exitCannot, utf16},
		"publish: what is packed is named":              {publish, in.file("PK\x03\x04"), exitCannot, "it is a ZIP archive"},
		"publish: a large line is told with its size":   {publish, in.sparse(), exitNo, ":1: too_large: 268435456 bytes, 65536 are allowed"},
		"publish: a pipe is read to its end":            {publish, in.pipe(reports), exitDone, "would publish 2 records"},
		"publish: whose writer may die":                 {publish, in.pipe(cut(reports)), exitNo, ":2: invalid_json: the JSON text is cut off"},
		"publish: a directory is none":                  {publish, t.TempDir(), exitCannot, directory},
		"publish: a link to itself neither":             {publish, in.loop(), exitCannot, loop},
		"publish: nor a socket":                         {publish, in.socket(), exitCannot, "no such device or address"},
		"publish: nor what is not there":                {publish, "/none.jsonl", exitCannot, none},

		"import: an empty file has no letters":         {imports, in.file(""), exitNone, "no letters in "},
		"import: a mark before them is none of theirs": {imports, in.file("\ufeff" + letters), exitDone, "2 letters would be replayed"},
		"import: lines end as they do on Windows":      {imports, in.file(windows(letters)), exitDone, "2 letters would be replayed"},
		"import: the last need not end":                {imports, in.file(strings.TrimSpace(letters)), exitDone, "2 letters would be replayed"},
		"import: zero bytes are no letter":             {imports, in.file(letters + "\x00\x00\x00\n"), exitNo, ":3: it is no JSON from byte 1 on"},
		"import: UTF-16 is named":                      {imports, in.utf16(letters), exitCannot, utf16},
		"import: what is packed is named":              {imports, in.file("\x28\xb5\x2f\xfd\x04"), exitCannot, "it is zstd"},
		"import: a large line is told with its size":   {imports, in.sparse(), exitNo, ":1: 268435456 bytes, 33554432 are allowed"},
		"import: a pipe is read to its end":            {imports, in.pipe(letters), exitDone, "2 letters would be replayed"},
		"import: whose writer may die":                 {imports, in.pipe(cut(letters)), exitNo, ":2: it is not one JSON value, whole"},
		"import: a directory is none":                  {imports, t.TempDir(), exitCannot, directory},
		"import: a link to itself neither":             {imports, in.loop(), exitCannot, loop},
		"import: nor a socket":                         {imports, in.socket(), exitCannot, "no such device or address"},
		"import: nor what is not there":                {imports, "/none.jsonl", exitCannot, none},

		"standard input is named, by validate": {
			func(string) outcome { return invoke(t, "\xff\xfe{\x00", "validate") }, "stdin", exitCannot, "read stdin: " + utf16,
		},
		"by publish": {
			func(string) outcome { return invoke(t, "{\x00\"\x00", "publish", "-c", p.config, "--dry-run") }, "stdin", exitCannot, "read stdin: " + utf16,
		},
		"and by import": {
			func(string) outcome { return p.invoke(t, "\xff\xfe{\x00", "import", "-") }, "stdin", exitCannot, "read stdin: " + utf16,
		},

		"configuration: an empty file has no apps":       {check, in.file(""), exitCannot, ":1: apps: missing"},
		"configuration: a mark before it is none of it":  {check, in.file("\ufeff" + oneApp), exitDone, "ok: 1 app"},
		"configuration: lines end as they do on Windows": {check, in.file(windows("# c\n" + oneApp)), exitDone, "ok: 1 app"},
		"configuration: the last need not end":           {check, in.file(strings.TrimSpace(oneApp)), exitDone, "ok: 1 app"},
		"configuration: zero bytes are no YAML":          {check, in.file(oneApp + "\x00"), exitCannot, "control characters are not allowed"},
		"configuration: UTF-16 is named":                 {check, in.utf16(oneApp), exitCannot, utf16},
		"configuration: one of any size is refused":      {check, in.sparse(), exitCannot, tooLarge},
		"configuration: what has no end too":             {check, "/dev/zero", exitCannot, tooLarge},
		"configuration: a pipe is read to its end":       {check, in.pipe(oneApp), exitDone, "ok: 1 app"},
		"configuration: a directory is none":             {check, t.TempDir(), exitCannot, directory},
		"configuration: a link to itself neither":        {check, in.loop(), exitCannot, loop},
		"configuration: nor a socket":                    {check, in.socket(), exitCannot, "no such device or address"},
		"configuration: nor what is not there":           {check, "/none.yaml", exitCannot, none},

		"schema: an empty file is none":           {schemas, in.file(""), exitCannot, "nothing but white space, or nothing at all"},
		"schema: a mark before it is none of it":  {schemas, in.file("\ufeff{}"), exitDone, `{"line":2,"valid":true}`},
		"schema: lines end as they do on Windows": {schemas, in.file("{\r\n}\r\n"), exitDone, `{"line":2,"valid":true}`},
		"schema: zero bytes are none":             {schemas, in.file("\x00\x00\x00"), exitCannot, "begins with a zero byte"},
		"schema: UTF-16 is named":                 {schemas, in.utf16("{}"), exitCannot, utf16},
		"schema: one of any size is refused":      {schemas, in.sparse(), exitCannot, tooLarge},
		"schema: what has no end too":             {schemas, "/dev/zero", exitCannot, tooLarge},
		"schema: a pipe is read to its end":       {schemas, in.pipe("{}"), exitDone, `{"line":2,"valid":true}`},
		"schema: whose writer may die":            {schemas, in.pipe(`{"type":`), exitCannot, "the JSON text is cut off, at byte 8"},
		"schema: a directory is none":             {schemas, t.TempDir(), exitCannot, directory},
		"schema: a link to itself neither":        {schemas, in.loop(), exitCannot, loop},
		"schema: nor a socket":                    {schemas, in.socket(), exitCannot, "no such device or address"},
		"schema: nor what is not there":           {schemas, "/none.json", exitCannot, none},

		"key: an empty file has none":             {keys, in.file(""), exitCannot, "apps[0].appkey_file"},
		"key: a line may end as on Windows":       {keys, in.file("key\r\n"), exitDone, "ok: 1 app"},
		"key: it need not end":                    {keys, in.file("key"), exitDone, "ok: 1 app"},
		"key: one of any size is refused":         {keys, in.sparse(), exitCannot, "a file of 1 byte to 64KiB"},
		"key: what has no end neither":            {keys, "/dev/zero", exitCannot, "not a regular file"},
		"key: nor a pipe that nobody writes to":   {keys, in.fifo(), exitCannot, "not a regular file"},
		"key: a directory is none":                {keys, t.TempDir(), exitCannot, "not a regular file"},
		"key: a link to itself neither":           {keys, in.loop(), exitCannot, loop},
		"key: nor what is not there":              {keys, "/none", exitCannot, none},
		"authorities: UTF-16 is named":            {authorities, in.utf16("-----BEGIN"), exitCannot, utf16},
		"authorities: one of any size is refused": {authorities, in.sparse(), exitCannot, tooLarge},
		"authorities: what has no end is none":    {authorities, "/dev/zero", exitCannot, "not a regular file"},
		"authorities: a directory is none":        {authorities, t.TempDir(), exitCannot, "not a regular file"},
		"authorities: nor is what is not there":   {authorities, "/none", exitCannot, none},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		got := test.read(test.path)
		runtime.ReadMemStats(&after)
		if got.code != test.code || !strings.Contains(got.stdout+got.stderr, test.says) || strings.Contains(got.stdout+got.stderr, "panic") {
			t.Errorf("%s: want exit code %d and %q; got %d, %.500s", rule, test.code, test.says, got.code, got.stdout+got.stderr)
		}
		if got.code == exitCannot && !strings.Contains(got.stderr, test.path) && !strings.Contains(got.stderr, "apps[0].appkey_file") {
			t.Errorf("%s: %s does not name the file", rule, got.stderr)
		}
		if took := after.TotalAlloc - before.TotalAlloc; took > large {
			t.Errorf("%s: it took %d MiB of memory", rule, took>>20)
		}
	}
}

const oneApp = "apps: [{appid: wx1, appkey: k, topics: [a]}]\n"

// A signal ends the wait for somebody who writes to a pipe, whoever reads it.
func TestASignalEndsAWaitForAPipe(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	for name, args := range map[string][]string{
		"validate": {"validate"},
		"publish":  {"publish", "-c", p.config, "--dry-run"},
		"import":   {"deadletter", "import", "-c", p.config},
	} {
		ctx, signal := context.WithCancel(t.Context())
		path := inputs{t}.fifo()
		var stdout, stderr strings.Builder
		code := make(chan int)
		go func() { code <- run(ctx, append(args, path), strings.NewReader(""), &stdout, &stderr) }()
		signal()
		if got := <-code; got != exitCannot || stderr.String() != "battlereport: interrupted\n" {
			t.Errorf("%s: exit code %d, %q", name, got, stderr.String())
		}
		w, err := os.OpenFile(path, os.O_WRONLY, 0) // for whoever waits still, and would in a process that goes on
		if err != nil {
			t.Fatal(err)
		}
		w.Close()
	}
}

// A file that is cut off while it is read ends there.
func TestAFileMayChangeWhileItIsRead(t *testing.T) {
	t.Parallel()
	const lines = 20_000
	line := reportOf("o1", 1) + "\n"
	path := write(t, "reports.jsonl", strings.Repeat(line, lines))
	results, stdout := io.Pipe()
	var stderr strings.Builder
	code := make(chan int, 1)
	go func() {
		code <- run(t.Context(), []string{"validate", path}, strings.NewReader(""), stdout, &stderr)
		stdout.Close()
	}()
	answers := bufio.NewScanner(results)
	if !answers.Scan() { // it is on its way, and waits until its results are read
		t.Fatal(answers.Err())
	}
	if err := os.Truncate(path, int64(len(line)*lines/2-9)); err != nil {
		t.Fatal(err)
	}
	count, last := 1, ""
	for answers.Scan() {
		count, last = count+1, answers.Text()
	}
	if got := <-code; got != exitNo || count != lines/2 || !strings.Contains(last, "the JSON text is cut off") || stderr.Len() > 0 {
		t.Errorf("exit code %d, %d lines, %s, %q", got, count, last, stderr.String())
	}
}

// Whoever reads our output, as head does, may have seen enough: that is told nobody.
func TestAnOutputThatClosesEndsACommandInSilence(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, func(_ int, l *deadletter.Letter) {
		l.Value = []byte(reportOf(string(l.Key), 1) + strings.Repeat(" ", 32<<10))
	})
	for _, args := range [][]string{
		{"validate"},
		{"config", "example"},
		{"config", "schema"},
		{"deadletter", "export", "-c", p.config},
		{"deadletter", "list", "-c", p.config},
		{"deadletter", "stats", "-c", p.config},
		{"deadletter", "import", "-c", p.config, "--dry-run", "-"},
	} {
		stdin := reportOf("o1", 1)
		if args[len(args)-1] == "-" {
			stdin = strings.ReplaceAll(p.invoke(t, "", "export").stdout, "TOPIC", p.source)
		}
		r, w, err := os.Pipe()
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		var stderr strings.Builder
		if code := run(t.Context(), args, strings.NewReader(stdin), w, &stderr); code != exitCannot || stderr.Len() > 0 {
			t.Errorf("%v: exit code %d, %q", args, code, stderr.String())
		}
		w.Close()
	}
}
