package msdktest

import (
	"bytes"
	"encoding/json"
	"iter"
)

// The functions here take a JSON text apart without copying. The text has been found to be JSON before; a value is given
// and taken without blanks around it.

// trim takes the blanks around a value away.
func trim(text []byte) []byte { return bytes.Trim(text, " \t\r\n") }

// kindOf is the JSON type of a value: object, array, string, boolean, null, or number.
func kindOf(value []byte) string {
	switch value[0] {
	case '{':
		return "object"
	case '[':
		return "array"
	case '"':
		return "string"
	case 't', 'f':
		return "boolean"
	case 'n':
		return "null"
	default:
		return "number"
	}
}

// members are the names, as they stand between their quotes, and the values of an object.
func members(object []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(name, value []byte) bool) {
		for at := skipBlanks(object, 1); object[at] != '}'; {
			end := skipString(object, at)
			name := object[at+1 : end-1]
			at = skipBlanks(object, skipBlanks(object, end)+len(":"))
			end = skipValue(object, at)
			if !yield(name, object[at:end]) {
				return
			}
			if at = skipBlanks(object, end); object[at] == ',' {
				at = skipBlanks(object, at+1)
			}
		}
	}
}

// elements are those of an array, by their index.
func elements(array []byte) iter.Seq2[int, []byte] {
	return func(yield func(i int, value []byte) bool) {
		for i, at := 0, skipBlanks(array, 1); array[at] != ']'; i++ {
			end := skipValue(array, at)
			if !yield(i, array[at:end]) {
				return
			}
			if at = skipBlanks(array, end); array[at] == ',' {
				at = skipBlanks(array, at+1)
			}
		}
	}
}

// member is the value of that name in an object, the last if there are many; nil if there is none, or no object.
func member(object []byte, name string) []byte {
	var found []byte
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	for n, value := range members(object) {
		if isName(n, name) {
			found = value
		}
	}
	return found
}

func isName(raw []byte, name string) bool {
	return string(raw) == name || bytes.IndexByte(raw, '\\') >= 0 && content(raw) == name
}

// textOf is what a string says; empty for any other value.
func textOf(value []byte) string {
	if len(value) == 0 || value[0] != '"' {
		return ""
	}
	return content(value[1 : len(value)-1])
}

// content is what stands between the quotes of a string.
func content(raw []byte) string {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw)
	}
	var s string
	quoted := append(append([]byte{'"'}, raw...), '"')
	if err := json.Unmarshal(quoted, &s); err != nil {
		panic(err) // it stood in JSON
	}
	return s
}

func skipBlanks(text []byte, at int) int {
	for text[at] == ' ' || text[at] == '\n' || text[at] == '\t' || text[at] == '\r' {
		at++
	}
	return at
}

// skipString goes from a quote to behind the one that ends the string.
func skipString(text []byte, at int) int {
	for at++; ; at++ {
		switch text[at] {
		case '"':
			return at + 1
		case '\\':
			at++
		}
	}
}

func skipValue(text []byte, at int) int {
	depth := 0
	for {
		switch text[at] {
		case '"':
			at = skipString(text, at)
		case '{', '[':
			depth++
			at++
		case '}', ']':
			depth--
			at++
		default:
			if depth == 0 {
				return skipWord(text, at)
			}
			at++
		}
		if depth == 0 {
			return at
		}
	}
}

// skipWord passes over a number, true, false or null.
func skipWord(text []byte, at int) int {
	for ; at < len(text); at++ {
		switch text[at] {
		case ',', '}', ']', ' ', '\n', '\t', '\r':
			return at
		}
	}
	return at
}
