package consumer

import "encoding/binary"

// ahead is what is settled beyond a committed offset, as offset ranges, rising
// and apart.
type ahead []span

type span struct{ from, to int64 } // offsets from … to-1

// ahead lists the settled ranges beyond the committable offset. What lies
// between two records taken belongs to the first.
func (t *tracker) ahead() (a ahead) {
	for seq := t.head; seq < t.tail; seq++ {
		s := t.slot(seq)
		if !s.settled {
			continue
		}
		if n := len(a); n > 0 && seq > t.head && t.slot(seq-1).settled {
			a[n-1].to = s.offset + 1
		} else {
			a = append(a, span{s.offset, s.offset + 1})
		}
	}
	return a
}

// append encodes as many of the first ranges as fit into limit bytes, each by
// its distance from base or the range before, and its length.
func (a ahead) append(b []byte, base int64, limit int) []byte {
	for _, s := range a {
		next := binary.AppendUvarint(b, uint64(s.from-base))
		next = binary.AppendUvarint(next, uint64(s.to-s.from))
		if len(next) > limit {
			break
		}
		b, base = next, s.to
	}
	return b
}

// decodeAhead reads ranges up to the end of the bytes.
func decodeAhead(c *cursor, base int64) (a ahead) {
	for len(c.b) > 0 {
		gap, length := c.uvarint(), c.uvarint()
		if gap > 1<<62 || length == 0 || length > 1<<62 {
			c.b, c.short = nil, true
			break
		}
		s := span{from: base + int64(gap)}
		s.to = s.from + int64(length)
		if s.from < 0 || s.to <= s.from {
			c.b, c.short = nil, true
			break
		}
		a = append(a, s)
		base = s.to
	}
	return a
}

// holds tells whether offset is in a range; it drops the ranges before it, so
// that offsets must rise.
func (a *ahead) holds(offset int64) bool {
	for len(*a) > 0 && (*a)[0].to <= offset {
		*a = (*a)[1:]
	}
	return len(*a) > 0 && (*a)[0].from <= offset
}

// after is what lies at offset and beyond.
func (a ahead) after(offset int64) (rest ahead) {
	for _, s := range a {
		if s.from = max(s.from, offset); s.from < s.to {
			rest = append(rest, s)
		}
	}
	return rest
}

// before is what lies before offset.
func (a ahead) before(offset int64) (rest ahead) {
	for _, s := range a {
		if s.to = min(s.to, offset); s.from < s.to {
			rest = append(rest, s)
		}
	}
	return rest
}
