package plaintext

import (
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestWhatIsNoUTF8IsNamed(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ data, is, text string }{
		"text is itself":                                   {`{"a":1}`, "", `{"a":1}`},
		"a mark before it is dropped":                      {"\ufeff{}", "", "{}"},
		"only one, and only there":                         {"\ufeff\ufeff{\ufeff", "", "\ufeff{\ufeff"},
		"half of a mark is no mark":                        {"\xef\xbb", "", "\xef\xbb"},
		"nothing is nothing":                               {"", "", ""},
		"a mark alone is nothing":                          {"\ufeff", "", ""},
		"UTF-16 with a mark, as PowerShell writes it":      {"\xff\xfe{\x00", "UTF-16LE", ""},
		"a mark of UTF-16 alone":                           {"\xff\xfe", "UTF-16LE", ""},
		"UTF-16 the other way round":                       {"\xfe\xff\x00{", "UTF-16BE", ""},
		"UTF-16 with a mark and no ASCII":                  {"\xff\xfe\x2d\x4e", "UTF-16LE", ""},
		"UTF-16 without a mark":                            {"{\x00\"\x00", "UTF-16LE", ""},
		"which may begin with a blank line":                {"\x00\r\x00\n\x00{", "UTF-16BE", ""},
		"UTF-32 with a mark is not taken for UTF-16":       {"\xff\xfe\x00\x00{\x00\x00\x00", "UTF-32LE", ""},
		"UTF-32 the other way round":                       {"\x00\x00\xfe\xff\x00\x00\x00{", "UTF-32BE", ""},
		"UTF-32 without a mark":                            {"{\x00\x00\x00\"\x00\x00\x00", "UTF-32LE", ""},
		"without a mark, the other way round":              {"\x00\x00\x00{\x00\x00\x00\"", "UTF-32BE", ""},
		"a file that was packed":                           {"\x1f\x8b\x08\x00", "gzip", ""},
		"zstd":                                             {"\x28\xb5\x2f\xfd\x04", "zstd", ""},
		"an archive":                                       {"PK\x03\x04\x14", "a ZIP archive", ""},
		"text that begins like one is text":                {"PK is a name", "", "PK is a name"},
		"ASCII between other bytes is no UTF-16":           {"a\x80b\x80", "", "a\x80b\x80"},
		"nor are controls between zero bytes":              {"\x00\x01\x00\x02{", "", "\x00\x01\x00\x02{"},
		"a few zero bytes may be anything":                 {"\x00\x00\x00\x00", "", "\x00\x00\x00\x00"},
		"so may a zero byte in text":                       {"{\x00}", "", "{\x00}"},
		"a schema's id in four bytes is no UTF-32":         {"\x00\x00\x00{\x01{}", "", "\x00\x00\x00{\x01{}"},
		"nor UTF-16":                                       {"\x00\x01\x86\xa0\x00{}", "", "\x00\x01\x86\xa0\x00{}"},
		"what is neither UTF-8 nor known stays what it is": {"\x80\x81", "", "\x80\x81"},
	} {
		text, err := Of([]byte(test.data))
		is := ""
		if wrong := new(Error); errors.As(err, &wrong) {
			is = wrong.Is
		}
		if is != test.is || string(text) != test.text {
			t.Errorf("%s: %q, %v; want %q, %q", rule, text, err, test.text, test.is)
		}
	}
}

// JSON begins with ASCII, and its second character nearly always is.
func TestJSONInEveryEncodingIsNamedAndUTF8NeverIs(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom([]string{`{"`, `[{`, "\n{", `"x`, " ["}).Draw(t, "beginning") + rapid.String().Draw(t, "rest")
		if got := Recognize([]byte(text)); got != nil {
			t.Errorf("UTF-8 is %s", got.Is)
		}
		if got := Recognize([]byte("\ufeff" + text)); got != nil {
			t.Errorf("UTF-8 with a mark is %s", got.Is)
		}
		var little, big, little32, big32 []byte
		for _, unit := range utf16.Encode([]rune(text)) {
			little, big = binary.LittleEndian.AppendUint16(little, unit), binary.BigEndian.AppendUint16(big, unit)
		}
		for _, r := range text {
			little32, big32 = binary.LittleEndian.AppendUint32(little32, uint32(r)), binary.BigEndian.AppendUint32(big32, uint32(r))
		}
		for want, data := range map[string][]byte{"UTF-16LE": little, "UTF-16BE": big, "UTF-32LE": little32, "UTF-32BE": big32} {
			if got := Recognize(data); got == nil || got.Is != want {
				t.Errorf("%s is %v", want, got)
			}
		}
	})
}

func FuzzOf(f *testing.F) {
	f.Add([]byte("\ufeff{}"))
	f.Fuzz(func(t *testing.T, data []byte) {
		text, err := Of(slices.Clone(data))
		if utf8.Valid(data) && err != nil && !slices.Contains(data, 0) && string(data[:min(2, len(data))]) != "PK" {
			t.Errorf("%q: %v", data, err)
		}
		if err == nil && len(data)-len(text) != 0 && len(data)-len(text) != len(mark) {
			t.Errorf("%q has become %q", data, text)
		}
	})
}

func TestAFileIsReadUpToItsLimitOnly(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("\ufeff1234567"), 0o600); err != nil {
		t.Fatal(err)
	}
	if text, err := ReadFile(path, 10); err != nil || string(text) != "1234567" {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := ReadFile(path, 9); !errors.As(err, new(*SizeError)) || !errors.As(err, new(*fs.PathError)) {
		t.Errorf("a byte too many: %v", err)
	}
	if _, err := ReadFile("/dev/zero", 1<<10); !errors.As(err, new(*SizeError)) {
		t.Errorf("an endless file: %v", err)
	}
	if _, err := ReadFile(t.TempDir(), 10); !errors.As(err, new(*fs.PathError)) {
		t.Errorf("a directory: %v", err)
	}
	if _, err := ReadFile(path+"x", 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("none: %v", err)
	}
}
