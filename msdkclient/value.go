package msdkclient

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Value is an integer or a string, which the platform tells apart. It keeps all digits of a number that it was read from.
// The zero Value is neither, and null in JSON.
type Value struct {
	text     string
	isString bool
}

// IntValue is an integer.
func IntValue(n int64) Value { return Value{text: strconv.FormatInt(n, 10)} }

// StringValue is a string.
func StringValue(s string) Value { return Value{text: s, isString: true} }

// IsZero reports whether v is neither an integer nor a string.
func (v Value) IsZero() bool { return v == Value{} }

// IsString reports whether v is a string.
func (v Value) IsString() bool { return v.isString }

// String is the string, or the digits of the integer.
func (v Value) String() string { return v.text }

// MarshalJSON writes what v is.
func (v Value) MarshalJSON() ([]byte, error) {
	switch {
	case v.isString:
		return json.Marshal(v.text)
	case v.text == "":
		return []byte("null"), nil
	default:
		return []byte(v.text), nil
	}
}

// UnmarshalJSON reads a number or a string.
func (v *Value) UnmarshalJSON(text []byte) error {
	switch {
	case len(text) == 0 || string(text) == "null":
		*v = Value{}
		return nil
	case text[0] == '"':
		v.isString = true
		return json.Unmarshal(text, &v.text)
	}
	var n json.Number
	if err := json.Unmarshal(text, &n); err != nil {
		return fmt.Errorf("want an integer or a string, have %s", clip(string(text)))
	}
	*v = Value{text: n.String()}
	return nil
}

// Percent is bytes as a string, percent-encoded as RFC 3986 has it, where nothing but letters, digits and "-._~" stands for
// itself; a blank is %20, as + would be a plus.
type Percent string

// PercentEncode encodes bytes.
func PercentEncode(data []byte) Percent {
	const hex = "0123456789ABCDEF"
	text := make([]byte, 0, 3*len(data))
	for _, c := range data {
		if isUnreserved(c) {
			text = append(text, c)
		} else {
			text = append(text, '%', hex[c>>4], hex[c&15])
		}
	}
	return Percent(text)
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// Decode returns the bytes. A plus or a blank is an error: it comes from another encoding, in which a plus may be a blank.
func (p Percent) Decode() ([]byte, error) {
	if i := strings.IndexAny(string(p), "+ "); i >= 0 {
		return nil, fmt.Errorf("%q at %d", p[i], i)
	}
	data, err := url.PathUnescape(string(p))
	if err != nil {
		return nil, err
	}
	return []byte(data), nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
