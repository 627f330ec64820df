package msdkclient

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
)

// pack writes text through the writer that a packer makes.
func pack(text string, packer func(io.Writer) io.WriteCloser) string {
	var b bytes.Buffer
	w := packer(&b)
	if _, err := io.WriteString(w, text); err != nil {
		panic(err)
	}
	if err := w.Close(); err != nil {
		panic(err)
	}
	return b.String()
}

func gzipped(text string) string {
	return pack(text, func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) })
}

func zlibbed(text string) string {
	return pack(text, func(w io.Writer) io.WriteCloser { return zlib.NewWriter(w) })
}

func deflated(text string) string {
	return pack(text, func(w io.Writer) io.WriteCloser {
		z, err := flate.NewWriter(w, flate.BestCompression)
		if err != nil {
			panic(err)
		}
		return z
	})
}

// cut takes n bytes off the end.
func cut(s string, n int) string { return s[:len(s)-n] }

// answering sends body as it is, under the codings.
func answering(t *testing.T, body string, codings ...string) *Client {
	t.Helper()
	return serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Encoding"] = codings
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = io.WriteString(w, body)
	})
}

func TestAPackedAnswerIsRead(t *testing.T) {
	t.Parallel()
	const text = `{"ret":0,"msg":"success"}`
	long := `{"ret":0,"msg":"` + strings.Repeat("all is well, ", 100)
	for rule, tt := range map[string]struct {
		body    string
		codings []string
	}{
		"as gzip":                               {gzipped(text), []string{"gzip"}},
		"as x-gzip, in capitals":                {gzipped(text), []string{"X-GZip"}},
		"as gzip that is not said":              {gzipped(text), nil},
		"as gzip that is called otherwise":      {gzipped(text), []string{"utf-8"}},
		"as gzip twice":                         {gzipped(gzipped(text)), []string{"gzip, gzip"}},
		"as gzip twice, in two headers":         {gzipped(gzipped(text)), []string{"gzip", "gzip"}},
		"as gzip twice, said once":              {gzipped(gzipped(text)), []string{"gzip"}},
		"as gzip with something behind it":      {gzipped(text) + "\x00\x00 and more", []string{"gzip"}},
		"as gzip in two parts":                  {gzipped(text[:5]) + gzipped(text[5:]), []string{"gzip"}},
		"as gzip without its checksum":          {cut(gzipped(text), 8), []string{"gzip"}},
		"as gzip that is cut off behind ret":    {cut(gzipped(long), 12), []string{"gzip"}},
		"as zlib":                               {zlibbed(text), []string{"deflate"}},
		"as zlib that is cut off behind ret":    {cut(zlibbed(long), 8), []string{"deflate"}},
		"as raw deflate":                        {deflated(text), []string{"deflate"}},
		"as raw deflate, cut off behind ret":    {cut(deflated(long), 4), []string{"deflate"}},
		"as deflate in gzip":                    {gzipped(deflated(text)), []string{"deflate, gzip"}},
		"as gzip in deflate":                    {zlibbed(gzipped(text)), []string{"gzip, deflate"}},
		"unless it is not":                      {text, []string{"identity"}},
		"unless only its header says so":        {text, []string{"gzip"}},
		"unless only its header says deflate":   {text, []string{"deflate"}},
		"… of a text with a byte order mark":    {"\ufeff\n" + text, []string{"deflate"}},
		"unless its header speaks of a charset": {text, []string{"utf-8"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if err := answering(t, tt.body, tt.codings...).BattleReport(t.Context(), testApp, "o1", []byte(`{}`)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestAPackedListIsReadIfItIsWhole(t *testing.T) {
	t.Parallel()
	text := `{"ret":0,"openids":["` + strings.Repeat(`o2","`, 100) + `o3"]}`
	for rule, tt := range map[string]struct {
		body, coding string
		whole        bool
	}{
		"as gzip":                               {gzipped(text), "gzip", true},
		"as gzip without its checksum":          {cut(gzipped(text), 8), "gzip", true},
		"as gzip with something behind it":      {gzipped(text) + "\x00\x00 and more", "gzip", true},
		"unless its header speaks of a charset": {text, "utf-8", true},
		"but not gzip that is cut off":          {cut(gzipped(text), 20), "gzip", false},
		"but not what is cut off":               {cut(text, 3), "utf-8", false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got, err := answering(t, tt.body, tt.coding).Friends(t.Context(), testApp, good.ids)
			if tt.whole && (err != nil || len(got.OpenIDs) != 101) || !tt.whole && !asError(t, err).Uncertain {
				t.Errorf("%v, %v", got, err)
			}
		})
	}
}

func TestAPackedAnswerThatCannotBeReadSaysWhy(t *testing.T) {
	t.Parallel()
	const text = `{"ret":0,"msg":"success"}`
	wrongSum := []byte(gzipped(text))
	wrongSum[len(wrongSum)-5]++
	for rule, tt := range map[string]struct {
		body, coding, want string
	}{
		"a coding that is not known":           {"\x0b\x02\x80", "br", `answer is packed as "br": want identity, gzip or deflate`},
		"one of several":                       {"\x28\xb5\x2f\xfd", "gzip, ZSTD", `answer is packed as "zstd": want identity, gzip or deflate`},
		"gzip cut off before ret":              {gzipped(text)[:12], "gzip", "unpack answer: unexpected EOF"},
		"gzip that is none":                    {"\x1f\x8b\xff", "gzip", "unpack answer: unexpected EOF"},
		"gzip with another text's checksum":    {string(wrongSum), "gzip", "unpack answer: gzip: invalid checksum"},
		"deflate that is none":                 {"<html>", "deflate", "unpack answer: "},
		"gzip of nothing with a ret":           {gzipped("<html>"), "gzip", errUnreadable.Error()},
		"gzip of more than an answer may have": {gzipped(text + strings.Repeat(" ", maxAnswer)), "gzip", tooLong(maxAnswer).Error()},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			e := failure(t, answering(t, tt.body, tt.coding))
			if e.Class != Retry || !e.Uncertain || e.HasRet || e.Err == nil || !strings.HasPrefix(e.Err.Error(), tt.want) {
				t.Errorf("%+v, want an uncertain retry as %q", e, tt.want)
			}
		})
	}
}

func TestAFailureIsReadFromAPackedAnswer(t *testing.T) {
	t.Parallel()
	e := failure(t, answering(t, gzipped(`{"ret":-1011,"msg":"`+testApp.Key+`"}`), "gzip"))
	if e.Class != Record || e.Ret != -1011 || e.Uncertain || e.Err != nil || e.Msg != "[key]" {
		t.Errorf("%+v", e)
	}
}

// Megabytes of blanks in a few bytes.
func TestAnAnswerThatUnpacksToAnyLengthTakesNoMemory(t *testing.T) {
	bomb := `{"ret":0,"msg":"` + strings.Repeat(" ", 4<<20)
	for range 2 {
		bomb = gzipped(bomb)
	}
	if len(bomb) > maxAnswer {
		t.Fatalf("packed it has %d bytes", len(bomb))
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := unpack([]byte(bomb), maxAnswer, []string{"gzip, gzip"})
	runtime.ReadMemStats(&after)
	if !errors.Is(err, tooLong(maxAnswer)) {
		t.Errorf("%v, want %v", err, tooLong(maxAnswer))
	}
	if grown := after.TotalAlloc - before.TotalAlloc; grown > 1<<20 {
		t.Errorf("%d bytes allocated", grown)
	}
}
