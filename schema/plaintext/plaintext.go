// Package plaintext tells texts in UTF-8 from what else people and their tools put into files and records: text in another
// encoding, or packed. It looks at no more than the first bytes, and converts nothing.
package plaintext

import (
	"bytes"
	"fmt"
)

// mark is the byte order mark as some editors write it before UTF-8, where it orders nothing.
const mark = "\ufeff"

// An Error says that data is no text in UTF-8.
type Error struct {
	Is     string // what it is instead, such as "UTF-16LE"
	Remedy string // the command that makes text of it, without the files
}

func (e *Error) Error() string {
	return fmt.Sprintf("it is %s, and text in UTF-8 is wanted: convert it first, as with %s", e.Is, e.Remedy)
}

// Of returns data, a text or at least its first line, without the byte order mark before it. The error, an [*Error], is
// that it is something else than text in UTF-8. What is neither UTF-8 nor known here is returned as it is.
func Of(data []byte) ([]byte, error) {
	if err := Recognize(data); err != nil {
		return nil, err
	}
	return bytes.TrimPrefix(data, []byte(mark)), nil
}

// Recognize returns what data certainly is, by its first bytes, instead of text in UTF-8, or nil.
func Recognize(data []byte) *Error {
	for _, f := range formats {
		if bytes.HasPrefix(data, []byte(f.magic)) {
			return &Error{f.is, f.remedy}
		}
	}
	for _, e := range encodings {
		if bytes.HasPrefix(data, []byte(e.mark)) || e.fits(data) {
			return &Error{e.name, "iconv -f " + e.name + " -t UTF-8"}
		}
	}
	return nil
}

// formats begin with bytes that no text in UTF-8 begins with, nor JSON.
var formats = []struct{ magic, is, remedy string }{
	{"\x1f\x8b\x08", "gzip", "gzip -dc"},        // RFC 1952, 2.3.1; 8 is deflate, the only method
	{"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"},    // RFC 8878, 3.1.1
	{"PK\x03\x04", "a ZIP archive", "unzip -p"}, // APPNOTE.TXT, 4.3.7
}

// An encoding writes each ASCII character as a unit of some bytes, of which one is not zero.
type encoding struct {
	name, mark string
	size, at   int // of a unit, and the character's place in it
}

// encodings has UTF-32 first: its mark begins like the other's.
var encodings = []encoding{
	{"UTF-32LE", "\xff\xfe\x00\x00", 4, 0},
	{"UTF-32BE", "\x00\x00\xfe\xff", 4, 3},
	{"UTF-16LE", "\xff\xfe", 2, 0},
	{"UTF-16BE", "\xfe\xff", 2, 1},
}

// fits reports whether data begins with two ASCII characters in the encoding. JSON begins so: by its zero bytes its
// encoding was told once (RFC 4627, 3). Of YAML nearly all does.
func (e encoding) fits(data []byte) bool {
	if len(data) < 2*e.size {
		return false
	}
	for i, b := range data[:2*e.size] {
		if character := i%e.size == e.at; character != isText(b) || !character && b != 0 {
			return false
		}
	}
	return true
}

func isText(b byte) bool { return b >= ' ' && b < 0x7f || b == '\t' || b == '\n' || b == '\r' }
