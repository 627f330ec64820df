package msdkclient

import (
	"encoding/json"
	"regexp"
)

// A scanner finds the members of the objects at the top level of a text that was meant to be JSON. It wants quotes around
// strings and brackets in pairs, and no more: strings may hold any byte and any escape, numbers any sign, objects stray
// commas and semicolons, and anything may stand around them.
//
// A text that json.Valid calls good is read as encoding/json reads it.
type scanner struct {
	text []byte
	at   int
	// wide: a byte from 0x81 on begins a character of two bytes, as in GBK, Big5 and Shift JIS, where the second may be
	// that of a backslash.
	wide bool
}

// A member is a name and its value, both as they stand in the text.
type member struct {
	name, value []byte
	whole       bool // the value ends before the text does
}

var (
	beginning = regexp.MustCompile(`\{[\x00-\x20]*"`)
	// foreign is what stands before an object that is a member of something else, or stands in a page.
	foreign = regexp.MustCompile(`(?i)["']\s*:\s*$|<(!doctype|html|head|body|script)\b|<!--`)
)

// members calls yield with each member of the objects at the top level, until one makes no sense or the text ends in it:
// then it returns false.
func (s *scanner) members(yield func(member)) (whole bool) {
	for {
		rest := s.text[s.at:]
		next := beginning.FindIndex(rest)
		if next == nil || isInside(rest[:next[0]]) {
			return true
		}
		s.at += next[0] + len("{")
		if !s.object(yield) {
			return false
		}
	}
}

// isInside tells of what stands before an object whether that is a part of something else: of a list or another object, or
// of a page.
func isInside(before []byte) bool {
	open := 0
	for _, c := range before {
		switch c {
		case '{', '[':
			open++
		case '}', ']':
			open = max(0, open-1)
		}
	}
	return open > 0 || foreign.Match(before)
}

// object goes on behind an object's brace.
func (s *scanner) object(yield func(member)) bool {
	for {
		for s.blanks(); s.is(',') || s.is(';'); s.blanks() {
			s.at++
		}
		if s.is('}') {
			s.at++
			return true
		}
		begin := s.at
		if !s.is('"') || !s.string() {
			return false
		}
		m := member{name: s.text[begin:s.at]}
		if s.blanks(); !s.is(':') {
			return false
		}
		s.at++
		s.blanks()
		begin = s.at
		m.whole = s.value()
		m.value = s.text[begin:s.at]
		yield(m)
		if s.blanks(); !s.is(',') && !s.is(';') && !s.is('}') {
			return false
		}
	}
}

// elements calls yield with each element of the array that the text is, until one makes no sense or the text ends in it:
// then it returns false.
func (s *scanner) elements(yield func(value []byte)) (whole bool) {
	if s.blanks(); !s.is('[') {
		return false
	}
	for s.at++; ; {
		for s.blanks(); s.is(','); s.blanks() {
			s.at++
		}
		if s.is(']') {
			return true
		}
		begin := s.at
		if !s.value() || s.at == begin {
			return false
		}
		yield(s.text[begin:s.at])
		if s.blanks(); !s.is(',') && !s.is(']') {
			return false
		}
	}
}

// value passes over a value; false: it does not end, or its brackets are no pairs.
func (s *scanner) value() bool {
	var open []byte
	for s.at < len(s.text) {
		switch c := s.text[s.at]; c {
		case '"':
			if !s.string() {
				return false
			}
		case '{', '[':
			open = append(open, c)
			s.at++
		case '}', ']':
			if len(open) == 0 || open[len(open)-1] != c-2 { // the code of each is two more than that of its partner
				return len(open) == 0 // the value is missing
			}
			open = open[:len(open)-1]
			s.at++
		default:
			if len(open) == 0 {
				return s.word()
			}
			s.at++
		}
		if len(open) == 0 {
			return true
		}
	}
	return false
}

// word passes over a number or a name, if there is one; false: the text ends with it, and it may have been longer.
func (s *scanner) word() bool {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c <= ' ', c == ',', c == ';', c == '"', c == '{', c == '}', c == '[', c == ']':
			return true
		}
	}
	return false
}

// string passes over a string from its first quote to its last; false: it does not end.
func (s *scanner) string() bool {
	for s.at++; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return true
		case c == '\\', s.wide && c > 0x80 && s.at+1 < len(s.text) && s.text[s.at+1] >= 0x40:
			s.at++
		}
	}
	s.at = len(s.text)
	return false
}

// blanks passes over spaces, and over what some servers write for them.
func (s *scanner) blanks() {
	for s.at < len(s.text) && s.text[s.at] <= ' ' {
		s.at++
	}
}

func (s *scanner) is(c byte) bool {
	return s.at < len(s.text) && s.text[s.at] == c
}

// plain is the content of a string, as far as it goes, the text of any other value, and nothing for null. What is not
// quite JSON stays as it is.
func plain(value []byte) string {
	var content *string
	if json.Unmarshal(value, &content) == nil {
		if content == nil {
			return ""
		}
		return *content
	}
	if len(value) == 0 || value[0] != '"' {
		return string(value)
	}
	value = value[1:]
	if n := len(value); n > 0 && value[n-1] == '"' {
		value = value[:n-1]
	}
	return string(value)
}
