package schema

import "fmt"

// A scanError says what makes a text no strict JSON, and where.
type scanError struct {
	at    int    // offset in bytes, from 0
	fault fault  // what is wrong there
	key   string // faultDuplicate only: the key, decoded
	limit int    // levels of nesting allowed
}

type fault string

const (
	faultEmpty        fault = "nothing but white space, or nothing at all"
	faultBOM          fault = "a byte order mark stands before the JSON text"
	faultTruncated    fault = "the JSON text is cut off"
	faultTrailing     fault = "more follows the JSON value"
	faultValue        fault = "not a JSON value"
	faultKey          fault = "a key in double quotes is expected"
	faultColon        fault = "a colon is expected"
	faultObjectEnd    fault = "a comma or } is expected"
	faultArrayEnd     fault = "a comma or ] is expected"
	faultLength       fault = "a text of more than 2 GiB"
	faultDepth        fault = "nested too deep"
	faultDuplicate    fault = "a key stands twice in one object"
	faultUTF8         fault = "invalid UTF-8"
	faultControl      fault = "a control character stands unescaped in a string"
	faultEscape       fault = "not an escape sequence"
	faultSurrogate    fault = "half of a surrogate pair"
	faultNumber       fault = "a digit is expected"
	faultNumberLength fault = "a number of more than 1024 bytes"
	faultExponent     fault = "an exponent beyond 1024"
)

// maxKeyShown bounds the key in a text, in bytes before quoting, which may make four of one.
const maxKeyShown = 28

func (e *scanError) Error() string { return at(e.what(), e.at) }

func at(what string, offset int) string { return fmt.Sprintf("%s, at byte %d", what, offset) }

// what is the error without the offset.
func (e *scanError) what() string {
	switch e.fault {
	case faultDuplicate:
		return fmt.Sprintf("key %q stands twice in one object", shorten(e.key, maxKeyShown))
	case faultDepth:
		return fmt.Sprintf("nested more than %d levels deep", e.limit)
	default:
		return string(e.fault)
	}
}
