package consumer

import (
	"encoding/base64"
	"encoding/binary"
	"strings"
)

// ahead is what is settled beyond a committed offset, as offset ranges. It goes
// to Kafka as the commit's metadata, so that whoever takes the partition next
// does not repeat it. (An operator who resets the group's offset writes none, and
// so gets all again.)
type ahead []span

type span struct{ from, to int64 } // offsets from … to-1

const (
	aheadPrefix = "settled:"
	maxAhead    = 2048 // bytes; Kafka's offset.metadata.max.bytes is 4096 by default
)

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

// encode is the text of as many of the first ranges as fit.
func (a ahead) encode(base int64) string {
	if len(a) == 0 {
		return ""
	}
	var b []byte
	for _, s := range a {
		next := binary.AppendUvarint(b, uint64(s.from-base))
		next = binary.AppendUvarint(next, uint64(s.to-s.from))
		if base64.RawStdEncoding.EncodedLen(len(next)) > maxAhead {
			break
		}
		b, base = next, s.to
	}
	return aheadPrefix + base64.RawStdEncoding.EncodeToString(b)
}

// decodeAhead reads it. A text that is not ours means nothing.
func decodeAhead(text string, base int64) (a ahead) {
	text, ok := strings.CutPrefix(text, aheadPrefix)
	if !ok {
		return nil
	}
	b, err := base64.RawStdEncoding.DecodeString(text)
	if err != nil {
		return nil
	}
	for len(b) > 0 {
		gap, n := binary.Uvarint(b)
		if n <= 0 || gap > 1<<62 {
			return nil
		}
		length, m := binary.Uvarint(b[n:])
		if m <= 0 || length == 0 || length > 1<<62 {
			return nil
		}
		from := base + int64(gap)
		base = from + int64(length)
		if from < 0 || base <= from {
			return nil
		}
		a = append(a, span{from, base})
		b = b[n+m:]
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
