package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/schema/plaintext"
)

// read returns all lines of in, and the error that ended it.
func read(in io.Reader, limit int) ([]string, error) {
	var out []string
	for records := NewLines(in, limit); ; {
		record, err := records.Next()
		if err != nil {
			return out, err
		}
		text := fmt.Sprintf("%d:%q", record.Number, record.Text)
		if record.TooLong() {
			text += fmt.Sprintf("/%d", record.Size)
		}
		out = append(out, text)
	}
}

func TestLines(t *testing.T) {
	t.Parallel()
	tests := map[string]struct{ in, want string }{
		"an empty input has none":                                  {"", ""},
		"the last may end with the input":                          {"a\nb", `1:"a" 2:"b"`},
		"a newline at the end begins no line":                      {"a\n", `1:"a"`},
		"both endings are no part of the line":                     {"a\r\nb\n", `1:"a" 2:"b"`},
		"only one carriage return is an ending":                    {"a\r\r\nb\rc\n", `1:"a\r" 2:"b\rc"`},
		"a carriage return at the end of the input is kept":        {"a\r", `1:"a\r"`},
		"blank lines count but are skipped":                        {"\n \t\r\na\n\n\nb\n\n", `3:"a" 6:"b"`},
		"a line of the limit is whole":                             {"12345\n12345\r\n12345", `1:"12345" 2:"12345" 3:"12345"`},
		"of a longer one the beginning is kept":                    {"123456\na\n1234567\r\nb\n12345678", `1:"12345"/6 2:"a" 3:"12345"/7 4:"b" 5:"12345"/8`},
		"a carriage return over the limit is a byte":               {"12345\r", `1:"12345"/6`},
		"a byte order mark before the first line is no part of it": {"\ufeff12345\n\ufeffb", `1:"12345" 2:"\ufeffb"`},
		"it makes no record of an empty input":                     {"\ufeff", ""},
		"nor of a blank line":                                      {"\ufeff\r\na", `2:"a"`},
		"half of a mark is none":                                   {"\xef\xbb", `1:"\xef\xbb"`},
		"a long line of spaces is too long":                        {"       \n", `1:"     "/7`},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			for _, in := range []io.Reader{strings.NewReader(test.in), iotest.OneByteReader(strings.NewReader(test.in))} {
				got, err := read(in, 5)
				if text := strings.Join(got, " "); text != test.want || !errors.Is(err, io.EOF) {
					t.Errorf("got  %s, %v\nwant %s", text, err, test.want)
				}
			}
		})
	}
}

func TestAnInputThatIsNotUTF8HasNoLines(t *testing.T) {
	t.Parallel()
	for is, in := range map[string]string{
		"UTF-16LE": "\xff\xfe{\x00}\x00\n\x00",
		"UTF-16BE": "\x00{\x00\"\x00\n" + strings.Repeat("\x00x", 64<<10),
		"gzip":     "\x1f\x8b\x08\x00",
	} {
		for _, in := range []io.Reader{strings.NewReader(in), iotest.OneByteReader(strings.NewReader(in))} {
			got, err := read(in, 5)
			if foreign := new(plaintext.Error); len(got) > 0 || !errors.As(err, &foreign) || foreign.Is != is {
				t.Errorf("%s: %q, %v", is, got, err)
			}
		}
	}
}

func TestOnlyTheFirstBytesTellAnInputFromText(t *testing.T) {
	t.Parallel()
	const buffer = 64 << 10
	for _, further := range []string{"\ufeff", "\xff\xfe", "\x1f\x8b\x08"} {
		text := strings.Repeat("x", buffer) + further // which is what the buffer has next
		record, err := NewLines(strings.NewReader(text), 2*buffer).Next()
		if err != nil || string(record.Text) != text {
			t.Errorf("%q later on: %d bytes of %d, %v", further, len(record.Text), len(text), err)
		}
	}
}

func TestALineDuringWhichReadingFailsIsNotReturned(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	got, err := read(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 5)
	if len(got) != 1 || !errors.Is(err, broken) {
		t.Errorf("%q, %v", got, err)
	}
}

// Whatever the lengths of the lines, also beside the buffer's: each comes out with its number, its beginning and its size.
func TestLinesKeepNumberBeginningAndSize(t *testing.T) {
	t.Parallel()
	const buffer = 64 << 10
	length := rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(buffer-3, buffer+3), rapid.IntRange(2*buffer-3, 2*buffer+3))
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.OneOf(rapid.IntRange(1, 10), rapid.IntRange(buffer-2, buffer+2)).Draw(t, "limit")
		lengths := rapid.SliceOfN(length, 0, 6).Draw(t, "lengths")
		ending := rapid.SampledFrom([]string{"\n", "\r\n"}).Draw(t, "ending")
		var in strings.Builder
		for _, n := range lengths {
			in.WriteString(strings.Repeat("x", n) + ending)
		}
		records := NewLines(strings.NewReader(in.String()), limit)
		for i, n := range lengths {
			got, err := records.Next()
			if err != nil || got.Number != i+1 || got.Size != int64(n) || !bytes.Equal(got.Text, bytes.Repeat([]byte("x"), min(n, limit))) {
				t.Fatalf("line %d of %d bytes: number %d, %d bytes of %d, %v", i+1, n, got.Number, len(got.Text), got.Size, err)
			}
		}
		if _, err := records.Next(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last: %v", err)
		}
	})
}

func TestALongLineTakesNoMemory(t *testing.T) {
	const limit = 1 << 10
	allocated := testing.AllocsPerRun(3, func() {
		record, err := NewLines(io.LimitReader(endless{}, 16<<20), limit).Next()
		if err != nil || record.Size != 16<<20 || cap(record.Text) > 4*limit {
			t.Errorf("%d bytes kept of %d, with a limit of %d: %v", cap(record.Text), record.Size, limit, err)
		}
	})
	if allocated > 20 {
		t.Errorf("%v allocations for one line", allocated)
	}
}

// endless is a line without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}
