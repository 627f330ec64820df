package view

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// A span is where a part of a text stands, in bytes.
type span struct{ from, to int }

// indented returns JSON laid out for a person, each of its tokens byte for byte as it was. It is nil for what is no
// JSON.
func indented(value []byte) []byte {
	var b bytes.Buffer
	if json.Indent(&b, value, "", "  ") != nil {
		return nil
	}
	return bytes.TrimRight(b.Bytes(), " \t\r\n") // which Indent keeps
}

// places returns where the parts of a text stand to which JSON Pointers lead. A pointer that leads nowhere is given the
// place of the nearest part around. Of an object or an array the place is that of the bracket that opens it.
func places(text []byte, pointers []string) map[string]span {
	f := finder{text: text, decoder: json.NewDecoder(bytes.NewReader(text)), wanted: map[string]bool{}, found: map[string]span{}}
	f.decoder.UseNumber()
	for _, p := range pointers {
		for ; ; p = p[:strings.LastIndexByte(p, '/')] {
			f.wanted[p] = true
			if !strings.Contains(p, "/") {
				break
			}
		}
	}
	_ = f.value("") // what is found before an error is found
	out := map[string]span{}
	for _, p := range pointers {
		at := p
		for {
			if s, ok := f.found[at]; ok {
				out[p] = s
				break
			}
			slash := strings.LastIndexByte(at, '/')
			if slash < 0 {
				break
			}
			at = at[:slash]
		}
	}
	return out
}

// finder walks through a text and notes the places wanted.
type finder struct {
	text    []byte
	decoder *json.Decoder
	wanted  map[string]bool
	found   map[string]span
}

var escaped = strings.NewReplacer("~", "~0", "/", "~1")

// value walks through the value that comes next, to which a pointer leads.
func (f *finder) value(pointer string) error {
	from := int(f.decoder.InputOffset())
	for from < len(f.text) && strings.IndexByte(" \t\r\n,:", f.text[from]) >= 0 {
		from++
	}
	token, err := f.decoder.Token()
	if err != nil {
		return err
	}
	if f.wanted[pointer] {
		f.found[pointer] = span{from, int(f.decoder.InputOffset())}
	}
	switch token {
	case json.Delim('{'):
		for f.decoder.More() {
			key, err := f.decoder.Token()
			if err != nil {
				return err
			}
			name, _ := key.(string)
			if err := f.value(pointer + "/" + escaped.Replace(name)); err != nil {
				return err
			}
		}
		_, err = f.decoder.Token()
	case json.Delim('['):
		for i := 0; f.decoder.More(); i++ {
			if err := f.value(pointer + "/" + strconv.Itoa(i)); err != nil {
				return err
			}
		}
		_, err = f.decoder.Token()
	}
	return err
}
