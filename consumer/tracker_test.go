package consumer

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// model is a tracker as one would write it without a thought for memory.
type model struct {
	offsets  []int64 // taken, by sequence number
	settled  map[uint64]bool
	position int64
}

func (m *model) prefix() int {
	n := 0
	for n < len(m.offsets) && m.settled[uint64(n)] {
		n++
	}
	return n
}

func (m *model) committable() int64 {
	if n := m.prefix(); n < len(m.offsets) {
		return m.offsets[n]
	}
	return m.position
}

func (m *model) unsettled() (seqs []uint64) {
	for seq := range uint64(len(m.offsets)) {
		if !m.settled[seq] {
			seqs = append(seqs, seq)
		}
	}
	return seqs
}

func TestTrackerCommitsTheSettledPrefixInWhateverOrderItSettles(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		begin := rapid.Int64Range(0, 1<<40).Draw(t, "begin")
		tracked := newTracker(begin)
		m := &model{settled: map[uint64]bool{}, position: begin}
		committed := begin
		t.Repeat(map[string]func(*rapid.T){
			"take": func(t *rapid.T) {
				for range rapid.IntRange(1, 100).Draw(t, "records") { // more than the ring has at first
					offset := m.position
					if rapid.IntRange(0, 9).Draw(t, "contiguous") == 0 {
						offset += rapid.Int64Range(1, 1000).Draw(t, "gap")
					}
					if seq := tracked.take(offset); seq != uint64(len(m.offsets)) {
						t.Fatalf("record %d got the sequence number %d", len(m.offsets), seq)
					}
					m.offsets = append(m.offsets, offset)
					m.position = offset + 1
				}
			},
			"skip": func(t *rapid.T) {
				to := m.position + rapid.Int64Range(-10, 10).Draw(t, "by")
				tracked.skip(to)
				m.position = max(m.position, to)
			},
			"settle": func(t *rapid.T) {
				seqs := m.unsettled()
				if len(seqs) == 0 {
					t.Skip("all settled")
				}
				before := m.prefix()
				seq := rapid.SampledFrom(seqs).Draw(t, "seq")
				m.settled[seq] = true
				if got, want := tracked.settle(seq), m.prefix()-before; got != want {
					t.Fatalf("settling %d added %d to the prefix, want %d", seq, got, want)
				}
			},
			"settle all in reverse": func(t *rapid.T) {
				for _, seq := range slices.Backward(m.unsettled()) {
					m.settled[seq] = true
					tracked.settle(seq)
				}
			},
			"": func(t *rapid.T) {
				got := tracked.committable()
				if want := m.committable(); got != want {
					t.Fatalf("committable %d, want %d", got, want)
				}
				if got < committed {
					t.Fatalf("committable went back from %d to %d", committed, got)
				}
				committed = got
				for _, seq := range m.unsettled() {
					if m.offsets[seq] < got {
						t.Fatalf("committable %d passes the unsettled offset %d", got, m.offsets[seq])
					}
				}
				if got, want := tracked.pending(), len(m.offsets)-m.prefix(); got != want {
					t.Fatalf("pending %d, want %d", got, want)
				}
			},
		})
	})
}

func TestTrackerPanicsOnMisuse(t *testing.T) {
	t.Parallel()
	for rule, misuse := range map[string]func(*tracker){
		"an offset is not taken twice":                        func(tr *tracker) { tr.take(10) },
		"a record is not settled twice, committable or not":   func(tr *tracker) { tr.settle(1); tr.settle(1) },
		"nor once it is in the prefix":                        func(tr *tracker) { tr.settle(0); tr.settle(0) },
		"nor before it is taken":                              func(tr *tracker) { tr.settle(2) },
		"an offset that was skipped holds no record any more": func(tr *tracker) { tr.skip(20); tr.take(19) },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			tr := newTracker(10)
			tr.take(10)
			tr.take(11)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			misuse(tr)
		})
	}
}

func TestTrackerKeepsItsMemoryInSteadyState(t *testing.T) {
	tr := newTracker(0)
	var taken []uint64
	for range 1000 {
		taken = append(taken, tr.take(tr.position))
	}
	slots := len(tr.slots)
	if allocs := testing.AllocsPerRun(10_000, func() {
		tr.settle(taken[0])
		copy(taken, taken[1:])
		taken[len(taken)-1] = tr.take(tr.position)
	}); allocs != 0 {
		t.Errorf("%v allocations for each record", allocs)
	}
	if len(tr.slots) != slots {
		t.Errorf("1000 records in hand took %d slots, now %d", slots, len(tr.slots))
	}
}

func BenchmarkTracker(b *testing.B) {
	tr := newTracker(0)
	for range 1000 {
		tr.take(tr.position)
	}
	b.ReportAllocs()
	for b.Loop() {
		tr.settle(tr.head)
		tr.take(tr.position)
	}
}
