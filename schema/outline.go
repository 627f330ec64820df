package schema

import "iter"

// An outline is what a scan leaves behind: where the values of a text begin and end, so that the text need not be parsed
// again to go about in it. Its tokens stand in the order of the text: an object's token comes before, for each of its
// members, the token of the key and those of the value; an array's before those of its elements.
//
// An outline is for one goroutine: reading strings with escapes uses its scratch.
type outline struct {
	data    []byte
	tokens  []token
	scratch []byte
}

// A token is one value, or one key.
type token struct {
	start   uint32 // offset of the first byte; for a string, of the one behind the quote
	size    uint32 // bytes of a number, or of a string between its quotes; members of an object; elements of an array
	next    uint32 // index of the token behind this value and all that is in it
	kind    kind
	escaped bool // a string with escapes
}

// A kind is the type of a value, as far as it can be told without calculating; kinds are bits, so that they make sets.
type kind uint8

const (
	kindObject kind = 1 << iota
	kindArray
	kindString
	kindInteger // a number without fraction and exponent
	kindDecimal // any other number, which may be an integer all the same
	kindTrue
	kindFalse
	kindNull

	leafKinds   = kindString | kindNumber | kindBoolean | kindNull
	kindNumber  = kindInteger | kindDecimal
	kindBoolean = kindTrue | kindFalse
	anyKind     = kindObject | kindArray | leafKinds
)

// root is the index of the token of the whole text.
const root = 0

// raw returns the bytes of a number, or those of a string between its quotes.
func (o *outline) raw(at int) []byte {
	t := &o.tokens[at]
	return o.data[t.start : t.start+t.size]
}

// decoded returns a string or key, escapes resolved. It holds until the next call.
func (o *outline) decoded(at int) []byte {
	raw := o.raw(at)
	if o.tokens[at].escaped {
		o.scratch = appendUnquoted(o.scratch[:0], raw)
		return o.scratch
	}
	return raw
}

// members yields the index of each key of the object at; that of its value is the next.
func (o *outline) members(at int) iter.Seq[int] { return o.keys(at+1, int(o.tokens[at].next)) }

// keys yields the index of each key from the key first on, up to end, of one object.
func (o *outline) keys(first, end int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for key := first; key < end; key = int(o.tokens[key+1].next) {
			if !yield(key) {
				return
			}
		}
	}
}

// elements yields the index of each element of the array at.
func (o *outline) elements(at int) iter.Seq[int] {
	return func(yield func(int) bool) {
		for element := at + 1; element < int(o.tokens[at].next); element = int(o.tokens[element].next) {
			if !yield(element) {
				return
			}
		}
	}
}

// find returns the index of the value that a path of names leads to, or none.
func (o *outline) find(path ...string) int {
	at := root
	for _, name := range path {
		if at = o.member(at, name); at == none {
			break
		}
	}
	return at
}

// member returns the index of the value of that name in the object at, or none if there is no object or no such value.
func (o *outline) member(at int, name string) int {
	if o.tokens[at].kind != kindObject {
		return none
	}
	for key := range o.members(at) {
		if string(o.decoded(key)) == name {
			return key + 1
		}
	}
	return none
}
