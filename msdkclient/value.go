package msdkclient

import (
	"encoding/json"
	"errors"
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

// Percent is bytes that are a string in JSON, percent-encoded as RFC 3986 has it, where nothing but letters, digits and
// "-._~" stands for itself.
type Percent []byte

const upperHex = "0123456789ABCDEF"

// MarshalJSON encodes.
func (p Percent) MarshalJSON() ([]byte, error) {
	text := make([]byte, 0, 3*len(p)+2)
	text = append(text, '"')
	for _, c := range p {
		if isUnreserved(c) {
			text = append(text, c)
		} else {
			text = append(text, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return append(text, '"'), nil
}

func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}

// UnmarshalJSON decodes. A plus or a blank is refused: it comes from another encoding, in which a plus may be a blank.
func (p *Percent) UnmarshalJSON(text []byte) error {
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if i := strings.IndexAny(s, "+ "); i >= 0 {
		return fmt.Errorf("%q at %d: want percent-encoding by RFC 3986, in which a blank is %%20 and a plus %%2B", s[i], i)
	}
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return errors.New("want percent-encoding by RFC 3986: " + err.Error())
	}
	*p = Percent(decoded)
	return nil
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
