package consumer

import (
	"encoding/binary"
	"math/bits"
	"slices"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// unsettled says of the offsets up to a horizon which are not settled. All others
// before the horizon are, or hold no record; of the horizon and what lies beyond
// nothing is known.
type unsettled struct {
	offsets []int64 // rising
	horizon int64   // beyond them all
}

// first is the first offset that is not known to be settled.
func (u unsettled) first() int64 {
	if len(u.offsets) > 0 {
		return u.offsets[0]
	}
	return u.horizon
}

// spread is how the offsets of a list lie, from which the size follows of the gaps
// between them. There are two codes for these: Elias's gamma code is short where one
// record is far behind and the others are close; Rice's is shorter by a third where
// they lie evenly.
//
// For each there is a bound, in bits, that never grows when an offset is taken out:
// what fits when the last record is taken still fits whatever settles then.
type spread struct {
	count    int
	weight   int64 // of the gaps
	from, to int64 // the first and the last offset
}

// with is the spread with one more offset, behind the others.
func (s spread) with(offset int64) spread {
	if s.count == 0 {
		return spread{count: 1, from: offset, to: offset}
	}
	return spread{count: s.count + 1, weight: s.weight + weigh(offset-s.to), from: s.from, to: offset}
}

// weigh is the weight of a gap: twice the bits that it takes in gamma code, and a
// little more before each power of two, so that two gaps never weigh less than
// they do as one.
func weigh(gap int64) int64 {
	return int64(3*bits.Len64(uint64(gap)) + bits.Len64(uint64(gap)+1) - 2)
}

// gamma bounds the bits of the gaps in gamma code.
func (s spread) gamma() int64 { return (s.weight + 1) / 2 }

// rice bounds the bits of the gaps in Rice code: each is a number of so many low
// bits, and a bit for what is left of it. It returns how many low bits are best.
func (s spread) rice() (bound int64, low int) {
	gaps := int64(max(0, s.count-1))
	settled := s.to - s.from - gaps
	low = max(0, bits.Len64(uint64(settled))-bits.Len64(uint64(2*gaps)))
	if settled>>low > 2*gaps {
		low++
	}
	return gaps*int64(1+low) + settled>>low, low
}

// bound is how many bits the gaps take at most, in the code that is better for them.
func (s spread) bound() int64 {
	rice, _ := s.rice()
	return min(s.gamma(), rice)
}

// fits tells whether the gaps can be written in that many bits.
func (s spread) fits(room int) bool { return s.gamma() <= int64(room) || s.bound() <= int64(room) }

func (u unsettled) spread() (s spread) {
	for _, offset := range u.offsets {
		s = s.with(offset)
	}
	return s
}

// within is as much of it as fits into that many bits: with a nearer horizon less
// has to be said.
func (u unsettled) within(room int) (unsettled, spread) {
	var s spread
	for i, offset := range u.offsets {
		longer := s.with(offset)
		if !longer.fits(room) {
			return unsettled{offsets: u.offsets[:i], horizon: offset}, s
		}
		s = longer
	}
	return u, s
}

// before is as much of it as is of offsets before one.
func (u unsettled) before(offset int64) unsettled {
	i, _ := slices.BinarySearch(u.offsets, offset)
	return unsettled{offsets: u.offsets[:i], horizon: min(u.horizon, offset)}
}

// maxUnsettledHead is how many bytes there are at most before the gaps.
const maxUnsettledHead = binary.MaxVarintLen64 + binary.MaxVarintLen32 + 1

// append writes what is unsettled from an offset on, as far as it fits into that
// many bits beside the head: the distance to the horizon, the number of offsets, and
// the code (0: gamma, otherwise that of Rice, with one less for its parameter).
func (u unsettled) append(b []byte, base int64, room int) []byte {
	u, s := u.within(room)
	bound, low := s.rice()
	code := 1 + low
	if s.gamma() <= bound {
		code = 0
	}
	b = binary.AppendUvarint(b, uint64(max(0, u.horizon-base)))
	b = binary.AppendUvarint(b, uint64(len(u.offsets)))
	b = append(b, byte(code))
	w := bitWriter{b: b}
	for i := 1; i < len(u.offsets); i++ {
		gap := uint64(u.offsets[i] - u.offsets[i-1])
		if code == 0 {
			w.write(0, bits.Len64(gap)-1)
			w.write(gap, bits.Len64(gap))
		} else {
			w.write(0, int((gap-1)>>low))
			w.write(1, 1)
			w.write(gap-1, low)
		}
	}
	return w.b
}

// decodeUnsettled reads it, to the end of the bytes.
func decodeUnsettled(c *wire.Cursor, base int64) unsettled {
	distance, n, code := c.Uvarint(), c.Uvarint(), int(uint8(c.Int8()))
	u := unsettled{horizon: base + int64(distance)}
	r := bitReader{b: c.Take(c.Len())}
	if int64(distance) < 0 || u.horizon < base || n > min(distance, uint64(1+8*len(r.b))) || code > maxCode {
		c.Fail()
	}
	if c.Err() != nil || n == 0 {
		return u
	}
	u.offsets = append(make([]int64, 0, n), base)
	for at := base; uint64(len(u.offsets)) < n; {
		gap := r.gap(code)
		if r.short || gap == 0 || gap >= uint64(u.horizon-at) {
			c.Fail()
			return u
		}
		at += int64(gap)
		u.offsets = append(u.offsets, at)
	}
	return u
}

// maxCode is that of Rice with the largest parameter that a gap can need.
const maxCode = 63

// gap reads a gap in a code.
func (r *bitReader) gap(code int) uint64 {
	zeros := r.zeros()
	if code == 0 {
		return 1<<zeros | r.read(zeros)
	}
	low := code - 1
	return (uint64(zeros)<<low | r.read(low)) + 1
}
