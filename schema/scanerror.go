package schema

import (
	"bytes"
	"encoding/binary"
	"fmt"

	"github.com/battlereport/battlereport/schema/plaintext"
)

// A scanError says what makes a text no strict JSON, and where.
type scanError struct {
	at    int    // offset in bytes, from 0
	fault fault  // what is wrong there
	key   string // faultDuplicate only: the key, decoded
	is    string // faultForeign only: what the text is instead
	id    uint32 // faultHeader and faultHeaderLike only: the schema's, in the registry
	limit int    // levels of nesting allowed
}

type fault string

const (
	faultEmpty        fault = "nothing but white space, or nothing at all"
	faultBOM          fault = "a byte order mark stands before the JSON text"
	faultHeader       fault = "begins with a Schema Registry header"
	faultHeaderLike   fault = "begins like a Schema Registry header"
	faultForeign      fault = "no text in UTF-8"
	faultZero         fault = "begins with a zero byte"
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

func (e *scanError) Error() string { return e.asFault().Error() }

func (e *scanError) asFault() *Fault {
	whole := e.fault == faultHeader || e.fault == faultHeaderLike || e.fault == faultForeign
	return &Fault{Offset: e.at, What: e.what(), whole: whole}
}

// what is the error without the offset.
func (e *scanError) what() string {
	switch e.fault {
	case faultDuplicate:
		return fmt.Sprintf("key %q stands twice in one object", shorten(e.key, maxKeyShown))
	case faultDepth:
		return fmt.Sprintf("nested more than %d levels deep", e.limit)
	case faultHeader, faultHeaderLike:
		return fmt.Sprintf("%s (schema %d): producers must write plain JSON", e.fault, e.id)
	case faultForeign:
		return fmt.Sprintf("it is %s: producers must write plain JSON in UTF-8", e.is)
	default:
		return string(e.fault)
	}
}

// recognize names what data, which is no JSON, certainly is by its first bytes. Nothing of data itself is shown.
func (e *scanError) recognize(data []byte) {
	if bytes.HasPrefix(data, []byte("\ufeff")) {
		e.fault, e.at = faultBOM, 0
	} else if foreign := plaintext.Recognize(data); foreign != nil {
		e.fault, e.at, e.is = faultForeign, 0, foreign.Is
	} else if len(data) > 0 && data[0] == 0 {
		e.fault, e.at = faultZero, 0
		e.recognizeHeader(data)
	}
}

// headerSize is the length of what the Schema Registry's serializers put before a value: a zero byte, and the id of its
// schema in four bytes, the highest first (Confluent's wire format). Before Avro and Protobuf it is the same.
const headerSize = 5

// recognizeHeader names the header that data, which begins with a zero byte, may begin with. Ids count from 1, and none is
// taken for one beyond three bytes unless JSON follows.
func (e *scanError) recognizeHeader(data []byte) {
	if len(data) < headerSize {
		return
	}
	e.id = binary.BigEndian.Uint32(data[1:headerSize])
	switch rest := data[headerSize:]; {
	case e.id == 0:
	case len(rest) > 0 && (rest[0] == '{' || rest[0] == '['):
		e.fault = faultHeader
	case data[1] == 0:
		e.fault = faultHeaderLike
	}
}
