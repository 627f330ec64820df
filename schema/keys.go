package schema

import (
	"bytes"
	"hash/maphash"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// fewKeys is how many keys of an object are compared with each other, which is faster than to hash them.
const fewKeys = 24

// An objectKeys is what is known of the keys of an object while it is scanned.
type objectKeys struct {
	first  int  // index of the first key's token
	count  int  // keys up to now
	hashed bool // they are in the scanner's key hashes
}

// isNew enters the key of that token, the last one added, and reports whether it is new to its object.
func (s *scanner) isNew(k *objectKeys, key int) bool {
	k.count++
	if !k.hashed {
		if k.count <= fewKeys && !s.tokens[key].escaped {
			text := s.raw(key) // no key before it has escapes either
			for other := range s.keys(k.first, key) {
				if string(s.raw(other)) == string(text) {
					return false
				}
			}
			return true
		}
		k.hashed = true
		for other := range s.keys(k.first, key) {
			s.hashes.add(k.first, s.decoded(other))
		}
	}
	if s.hashes.add(k.first, s.decoded(key)) {
		return true
	}
	text := unquote(s.raw(key))
	for other := range s.keys(k.first, key) {
		if string(s.decoded(other)) == text {
			return false
		}
	}
	return true
}

// keyHashes are the hashes of keys, each taken together with its object, so that one set serves all objects of a text.
// A hash that is there already hardly ever is another key's: to be sure, the keys are compared.
type keyHashes map[uint64]struct{}

// keptKeys is for how many keys room is kept: what a rare big record needed beyond it is given back.
const keptKeys = 1024

// keySeed keeps the hash unknown to whoever writes records, so that no keys can be made to collide.
var keySeed = maphash.MakeSeed()

// add enters a decoded key of an object and reports whether its hash is new.
func (h *keyHashes) add(object int, key []byte) bool {
	if *h == nil {
		*h = keyHashes{}
	}
	before := len(*h)
	// A key that several objects share has a hash for each.
	(*h)[maphash.Bytes(keySeed, key)+uint64(object)*0x9e3779b97f4a7c15] = struct{}{}
	return len(*h) > before
}

// reset forgets all keys.
func (h *keyHashes) reset() {
	if len(*h) > keptKeys {
		*h = nil
	}
	clear(*h)
}

// unquote decodes the bytes between the quotes of a well-formed JSON string.
func unquote(raw []byte) string { return string(appendUnquoted(nil, raw)) }

func appendUnquoted(dst, raw []byte) []byte {
	for {
		i := bytes.IndexByte(raw, '\\')
		if i < 0 {
			return append(dst, raw...)
		}
		dst = append(dst, raw[:i]...)
		c := raw[i+1]
		raw = raw[i+2:]
		switch c {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			r := codeUnit(raw)
			raw = raw[4:]
			if utf16.IsSurrogate(r) {
				r = utf16.DecodeRune(r, codeUnit(raw[2:]))
				raw = raw[6:]
			}
			dst = utf8.AppendRune(dst, r)
		default:
			dst = append(dst, c)
		}
	}
}

func codeUnit(hex []byte) rune {
	n, _ := strconv.ParseUint(string(hex[:4]), 16, 16) // well-formed: the scanner has been here
	return rune(n)
}
