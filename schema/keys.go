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
	first int    // index of the first key's token
	count int    // keys up to now
	marks uint64 // a bit for each of them; keys that share none are different
	name  uint64 // the object's in the key set, once its keys are entered there
}

// isNew enters the key of that token, the last one added, and reports whether it is new to its object.
func (s *scanner) isNew(k *objectKeys, key int) bool {
	k.count++
	t := &s.tokens[key]
	if k.name == 0 && k.count <= fewKeys && !t.escaped {
		text := s.data[t.start : t.start+t.size]
		mark := markOf(text)
		if k.marks&mark == 0 {
			k.marks |= mark
			return true
		}
		for other := k.first; other < key; other = int(s.tokens[other+1].next) {
			o := &s.tokens[other]
			if string(s.data[o.start:o.start+o.size]) == string(text) {
				return false
			}
		}
		return true
	}
	if k.name == 0 {
		k.name = s.keys.open()
		for other := k.first; other < key; other = int(s.tokens[other+1].next) {
			s.keys.add(s.data, k.name, &s.tokens[other])
		}
	}
	return s.keys.add(s.data, k.name, t)
}

// markOf returns one bit, told by the length and both ends of a key.
func markOf(key []byte) uint64 {
	if len(key) == 0 {
		return 1
	}
	ends := uint32(key[0]) | uint32(key[len(key)-1])<<8 | uint32(len(key))<<16
	return 1 << (ends * 0x9e3779b1 >> 26)
}

// A keySet finds keys that stand twice in an object. One hash table serves all objects of a text, an entry naming the
// object it belongs to; nothing is taken out when an object ends, since no later object has its name. For the same
// reason nothing is cleared between two texts: entries of older objects count as free.
type keySet struct {
	slots  []keySlot // open addressing, linear probing; a power of two in length
	used   int       // slots taken by the present text
	object uint64    // the latest object named
	oldest uint64    // the first object of the present text
	text   []byte    // scratch for keys with escapes
}

// A keySlot places a key in the text: the bytes between its quotes.
type keySlot struct {
	hash        uint64
	object      uint64
	start, size uint32
}

const (
	minKeySlots  = 128  // enough for an ordinary record
	keptKeySlots = 4096 // what a rare big record needed beyond these is given back
)

// keySeed keeps the hash unknown to whoever writes records, so that no keys can be made to collide.
var keySeed = maphash.MakeSeed()

// reset forgets all keys.
func (k *keySet) reset() {
	if len(k.slots) == 0 || len(k.slots) > keptKeySlots {
		k.slots = make([]keySlot, minKeySlots)
	}
	k.used = 0
	k.oldest = k.object + 1
}

// open returns the name of a new object.
func (k *keySet) open() uint64 {
	k.object++
	return k.object
}

// add enters the key of that token and reports whether it is new to the object. Keys are the same if they are so after
// decoding.
func (k *keySet) add(data []byte, object uint64, t *token) bool {
	if 2*k.used >= len(k.slots) {
		k.grow()
	}
	key := data[t.start : t.start+t.size]
	if t.escaped {
		k.text = appendUnquoted(k.text[:0], key)
		key = k.text
	}
	// Naming the object in the hash spreads keys that all objects share.
	hash := maphash.Bytes(keySeed, key) + object*0x9e3779b97f4a7c15
	slot := k.find(hash, func(s *keySlot) bool {
		// Asked only when the hashes agree, which is to say hardly ever but for duplicates.
		return s.object == object && unquote(data[s.start:s.start+s.size]) == string(key)
	})
	if slot.object >= k.oldest {
		return false
	}
	*slot = keySlot{hash: hash, object: object, start: t.start, size: t.size}
	k.used++
	return true
}

// find returns the slot with that hash for which same holds, or the free one where it belongs.
func (k *keySet) find(hash uint64, same func(*keySlot) bool) *keySlot {
	mask := uint64(len(k.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		slot := &k.slots[i]
		if slot.object < k.oldest || slot.hash == hash && same(slot) {
			return slot
		}
	}
}

func (k *keySet) grow() {
	old := k.slots
	k.slots = make([]keySlot, 2*len(old))
	for _, s := range old {
		if s.object >= k.oldest {
			*k.find(s.hash, func(*keySlot) bool { return false }) = s
		}
	}
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
