package schema

import (
	"math"
	"slices"
	"sync"
)

// scan reports why data is not one strict JSON text nested at most maxDepth levels, or nil if it is.
//
// Strict means RFC 8259 and, beyond it, everything that two parsers might read differently: no key twice in an object
// (keys compare as decoded), no invalid UTF-8, no half surrogate pair, no byte order mark; and numbers within
// maxNumberBytes and maxExponent. A text that passes costs no allocation unless it holds uncommonly many keys, and time
// linear in its length.
func scan(data []byte, maxDepth int) *scanError {
	s := scanners.Get().(*scanner)
	defer scanners.Put(s)
	return s.scan(data, maxDepth)
}

var scanners = sync.Pool{New: func() any { return new(scanner) }}

// A scanner walks one JSON text. Each method takes the offset where its construct begins and returns the offset behind
// it, or failed after it has set err. The offset travels in arguments and not in the struct so that it stays in a register.
type scanner struct {
	outline
	maxDepth  int
	hashes    keyHashes
	err       *scanError
	strangers int // texts in a row, up to now, that had no known shape
}

const (
	failed      = -1
	maxText     = math.MaxInt32 // what the offsets in tokens have room for
	keptTokens  = 8192          // what a rare big record needed beyond these …
	keptScratch = 65536         // … or these is given back
)

// fail sets err to what is wrong at the offset at. Whatever was expected, behind the end of the text it is cut off.
func (s *scanner) fail(at int, f fault) int {
	if at >= len(s.data) && f != faultEmpty {
		at, f = len(s.data), faultTruncated
	}
	s.err = &scanError{at: at, fault: f, limit: s.maxDepth}
	return failed
}

// scan is scan for a scanner that is used again.
func (s *scanner) scan(data []byte, maxDepth int) *scanError {
	defer s.release()
	return s.read(data, maxDepth)
}

// read scans data. If that is strict JSON, the scanner's outline is that of data until release.
func (s *scanner) read(data []byte, maxDepth int) *scanError {
	s.data, s.maxDepth, s.err = data, maxDepth, nil
	s.tokens = s.tokens[:0]
	s.hashes.reset()
	s.text()
	return s.err
}

// release lets go of data: a pooled scanner must not keep a record alive.
func (s *scanner) release() {
	s.data, s.err = nil, nil
	if cap(s.tokens) > keptTokens {
		s.tokens = nil
	}
	if cap(s.scratch) > keptScratch {
		s.scratch = nil
	}
}

func (s *scanner) text() {
	if len(s.data) > maxText {
		s.fail(maxText, faultLength)
		return
	}
	i := s.skip(0)
	if i == len(s.data) {
		s.fail(i, faultEmpty)
		return
	}
	if i = s.value(i, 0); i != failed {
		if i = s.skip(i); i != len(s.data) {
			s.fail(i, faultTrailing)
		}
	}
	if s.err != nil {
		s.err.recognize(s.data)
	}
}

// skip returns the offset of the first byte from i on that is not white space.
func (s *scanner) skip(i int) int {
	for i < len(s.data) && (s.data[i] == ' ' || s.data[i] == '\n' || s.data[i] == '\t' || s.data[i] == '\r') {
		i++
	}
	return i
}

// value scans any value; depth is the number of arrays and objects around it.
func (s *scanner) value(i, depth int) int {
	if i == len(s.data) {
		return s.fail(i, faultTruncated)
	}
	switch s.data[i] {
	case '{':
		return s.object(i, depth+1)
	case '[':
		return s.array(i, depth+1)
	default:
		return s.leaf(i)
	}
}

// leaf scans any value but an object or array.
func (s *scanner) leaf(i int) int {
	if i == len(s.data) {
		return s.fail(i, faultTruncated)
	}
	switch c := s.data[i]; c {
	case '"':
		return s.str(i)
	case 't':
		return s.word(i, "true", kindTrue)
	case 'f':
		return s.word(i, "false", kindFalse)
	case 'n':
		return s.word(i, "null", kindNull)
	default:
		if c == '-' || isDigit(c) {
			return s.number(i)
		}
		return s.fail(i, faultValue)
	}
}

func (s *scanner) object(i, depth int) int {
	if depth > s.maxDepth {
		return s.fail(i, faultDepth)
	}
	object := s.add(kindObject, i, 0)
	i = s.skip(i + 1)
	if i < len(s.data) && s.data[i] == '}' {
		return i + 1
	}
	keys := objectKeys{first: object + 1}
	for {
		if i == len(s.data) || s.data[i] != '"' {
			return s.fail(i, faultKey)
		}
		start, key := i, len(s.tokens)
		if i = s.str(i); i == failed {
			return failed
		}
		if !s.isNew(&keys, key) {
			s.fail(start, faultDuplicate)
			s.err.key = unquote(s.data[start+1 : i-1])
			return failed
		}
		if i = s.skip(i); i == len(s.data) || s.data[i] != ':' {
			return s.fail(i, faultColon)
		}
		if i = s.value(s.skip(i+1), depth); i == failed {
			return failed
		}
		var more bool
		if i, more = s.behind(i, '}', faultObjectEnd); !more {
			s.close(object, keys.count)
			return i
		}
	}
}

func (s *scanner) array(i, depth int) int {
	if depth > s.maxDepth {
		return s.fail(i, faultDepth)
	}
	array := s.add(kindArray, i, 0)
	i = s.skip(i + 1)
	if i < len(s.data) && s.data[i] == ']' {
		return i + 1
	}
	for elements := 1; ; elements++ {
		if i = s.value(i, depth); i == failed {
			return failed
		}
		var more bool
		if i, more = s.behind(i, ']', faultArrayEnd); !more {
			s.close(array, elements)
			return i
		}
	}
}

// behind scans what follows a member or element: a comma, where more comes, or what closes the object or array.
func (s *scanner) behind(i int, closing byte, f fault) (next int, more bool) {
	i = s.skip(i)
	switch {
	case i == len(s.data):
	case s.data[i] == ',':
		return s.skip(i + 1), true
	case s.data[i] == closing:
		return i + 1, false
	}
	return s.fail(i, f), false
}

func (s *scanner) word(i int, word string, k kind) int {
	for j := range len(word) {
		if i+j == len(s.data) || s.data[i+j] != word[j] {
			return s.fail(i+j, faultValue)
		}
	}
	s.add(k, i, len(word))
	return i + len(word)
}

// add appends a token and returns its index.
func (s *scanner) add(k kind, start, size int) int {
	at := len(s.tokens)
	if at == cap(s.tokens) {
		s.tokens = slices.Grow(s.tokens, max(at, 64))
	}
	s.tokens = s.tokens[:at+1]
	t := &s.tokens[at] // field by field: append would make the token elsewhere and copy it
	t.start, t.size, t.next, t.kind, t.escaped = uint32(start), uint32(size), uint32(at+1), k, false
	return at
}

// close completes the token of an object or array, everything in it having been added.
func (s *scanner) close(at, size int) {
	s.tokens[at].size = uint32(size)
	s.tokens[at].next = uint32(len(s.tokens))
}
