package consumer

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// maxSkipped is how many spans a note may have that are skipped: also the shortest has
// room for them.
const maxSkipped = 4

// skippedHeads is how many bits a note takes up for so many spans.
func skippedHeads(spans int) int {
	if spans == 0 {
		return 0
	}
	return 8 * (1 + spans*2*binary.MaxVarintLen64 + maxMoreHead)
}

// skip is the note once a span is passed, and whether anything of that was to be taken
// still. A list that has come to the span goes on behind it; that it is to be passed is
// noted where one has not: a strand that is deferred, as a rule.
func (n note) skip(s wire.Span) (passed note, wanted bool) {
	passed, ahead := n, false
	pass := func(u unsettled) unsettled {
		rest := u.without(s)
		wanted = wanted || u.wants(s, n.skipped)
		ahead = ahead || rest.horizon <= s.Last
		return rest
	}
	passed.unsettled = pass(n.unsettled)
	if passed.unsettled.horizon != n.unsettled.horizon {
		passed.epoch = unknownEpoch // the batch may have been the first of its leader
	}
	passed.deferred = slices.Clone(n.deferred)
	for i := range passed.deferred {
		d := &passed.deferred[i]
		before := len(d.unsettled.offsets)
		d.unsettled = pass(d.unsettled)
		d.left = max(0, d.left-int64(before-len(d.unsettled.offsets)))
	}
	if ahead {
		passed.skipped = withSpan(n.skipped, s)
	}
	return passed, wanted
}

// wants tells whether some of a span is to be taken still, but for what is skipped.
func (u unsettled) wants(s wire.Span, skipped []wire.Span) bool {
	return !covered(wire.Span{First: max(s.First, u.horizon), Last: s.Last}, skipped) ||
		slices.ContainsFunc(u.offsets, func(offset int64) bool {
			return s.Has(offset) && !covered(wire.Span{First: offset, Last: offset}, skipped)
		})
}

// without is what is unsettled beside a span, which the horizon leaves if it is in it.
func (u unsettled) without(s wire.Span) (rest unsettled) {
	for _, offset := range u.offsets {
		if !s.Has(offset) {
			rest.offsets = append(rest.offsets, offset)
		}
	}
	if rest.horizon = u.horizon; s.Has(u.horizon) {
		rest.horizon = s.Last + 1
	}
	return rest
}

// lists is what is unsettled of all: of the strands that are deferred too.
func (n note) lists() []unsettled {
	all := []unsettled{n.unsettled}
	for _, d := range n.deferred {
		all = append(all, d.unsettled)
	}
	return all
}

// first is the first offset that is not known to be settled.
func (n note) first() int64 {
	first := n.unsettled.first()
	for _, u := range n.lists() {
		first = min(first, u.first())
	}
	return first
}

// withSpan are the spans with one more. Those that it meets are one with it.
func withSpan(spans []wire.Span, s wire.Span) (all []wire.Span) {
	for _, other := range spans {
		if other.Last < s.First || s.Last < other.First {
			all = append(all, other)
		} else {
			s = wire.Span{First: min(s.First, other.First), Last: max(s.Last, other.Last)}
		}
	}
	all = append(all, s)
	slices.SortFunc(all, func(a, b wire.Span) int { return cmp.Compare(a.First, b.First) })
	return all
}

// covered tells whether all of the span is in others, which rise.
func covered(s wire.Span, others []wire.Span) bool {
	from := s.First
	for _, other := range others {
		if other.Has(from) {
			from = other.Last + 1
		}
	}
	return from > s.Last
}

// endBefore is how many of the spans end before an offset.
func endBefore(spans []wire.Span, offset int64) int {
	n := 0
	for n < len(spans) && spans[n].Last < offset {
		n++
	}
	return n
}

// appendSkipped writes what is skipped, which ends behind an offset.
func appendSkipped(b []byte, skipped []wire.Span, from int64) []byte {
	b = binary.AppendUvarint(b, uint64(len(skipped)))
	for _, s := range skipped {
		first := max(s.First, from)
		b = binary.AppendUvarint(b, uint64(first-from))
		b = binary.AppendUvarint(b, uint64(s.Last-first))
		from = s.Last + 1
	}
	return b
}

// decodeSkipped reads what is skipped.
func decodeSkipped(c *wire.Cursor, from int64) (skipped []wire.Span) {
	spans := c.Uvarint()
	if spans > maxSkipped {
		c.Fail()
	}
	for range spans {
		s := wire.Span{First: decodeFirst(c, from)}
		s.Last = decodeFirst(c, s.First)
		if c.Err() != nil {
			return nil
		}
		from = s.Last + 1
		skipped = append(skipped, s)
	}
	return skipped
}
