package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// Counts say what has become of the events. Published is the sum of Delivered, DeadLettered, Pending and Lost.
type Counts struct {
	Published    int `json:"published"`
	Delivered    int `json:"delivered"`
	DeadLettered int `json:"dead_lettered"` // and not delivered
	Pending      int `json:"pending"`       // neither yet
	Lost         int `json:"lost"`          // never will be; in findings only

	Both int `json:"both"` // those delivered that have a letter, too
}

// Counts says what has become of the events so far. It is cheap.
func (b *Book) Counts() Counts {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.counts
}

// Letters counts the events in Counts.DeadLettered by reason.
func (b *Book) Letters() map[deadletter.Reason]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.byReason()
}

func (b *Book) byReason() map[deadletter.Reason]int {
	m := map[deadletter.Reason]int{}
	for i, n := range b.letters {
		if n > 0 {
			m[b.reasons[i]] = n
		}
	}
	return m
}

// Findings are what a book has to say.
type Findings struct {
	Counts
	Letters  map[deadletter.Reason]int `json:"dead_letters"` // Counts.DeadLettered by reason
	Breaches map[Breach]int            `json:"violations"`
	Examples map[Breach][]Example      `json:"examples,omitempty"` // the first of each
}

// Findings looks at every event. committed has by topic and partition the offset that the pipeline's group has
// committed: an event before it that has not come out is lost. What is not written yet or not committed is pending.
func (b *Book) Findings(committed map[string]map[int32]int64) Findings {
	b.mu.Lock()
	defer b.mu.Unlock()
	f := Findings{Counts: b.counts, Letters: b.byReason(), Breaches: map[Breach]int{}, Examples: map[Breach][]Example{}}
	lost := b.lost(committed)
	if c := lost[Lost]; c != nil {
		f.Lost = c.count
		f.Pending -= c.count
	}
	players := b.names(b.breaches, lost)
	for _, some := range []breaches{b.breaches, lost} {
		for breach, c := range some {
			f.Breaches[breach] = c.count
			for _, x := range c.first {
				if x.known {
					x.Player = players[x.player]
				}
				f.Examples[breach] = append(f.Examples[breach], x.Example)
			}
		}
	}
	return f
}

func (b *Book) lost(committed map[string]map[int32]int64) breaches {
	lost := breaches{}
	if b.counts.Pending == 0 {
		return lost
	}
	upTo := make([]int64, len(b.partitions))
	for i, p := range b.partitions {
		upTo[i] = committed[p.topic][p.number]
	}
	for _, number := range slices.Sorted(maps.Keys(b.pages)) {
		for i := range b.pages[number] {
			e := &b.pages[number][i]
			if e.state&(written|withdrawn) == written && !e.settled() && e.offset < upTo[e.partition] {
				at := b.partitions[e.partition]
				lost.add(Lost, number*pageSize+uint64(i), e,
					fmt.Sprintf("%s/%d@%d is behind the committed offset %d", at.topic, at.number, e.offset, upTo[e.partition]))
			}
		}
	}
	return lost
}

// OK says whether every event has come out, and no word was broken.
func (f Findings) OK() bool { return len(f.Breaches) == 0 && f.Pending == 0 }

// String is the findings for people, in lines that are short but for the examples.
func (f Findings) String() string {
	var b strings.Builder
	line := func(name string, n int, more string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-20s %11s  %s", name, words.Grouped(n), more), " ") + "\n")
	}
	also := ""
	if f.Both > 0 {
		also = words.Grouped(f.Both) + " of them dead-lettered, too"
	}
	line("published", f.Published, "")
	line("  delivered", f.Delivered, also)
	line("  dead-lettered", f.DeadLettered, "")
	for _, r := range append(deadletter.Reasons(), Other) {
		if n := f.Letters[r]; n > 0 {
			line("    "+string(r), n, "")
		}
	}
	line("  pending", f.Pending, "")
	line("  lost", f.Lost, "")
	if len(f.Breaches) == 0 {
		b.WriteString("no violation: none lost, duplicated, out of order, altered or misjudged\n")
	}
	for _, breach := range Breaches() {
		n := f.Breaches[breach]
		if n == 0 {
			continue
		}
		line("! "+string(breach), n, "")
		for _, x := range f.Examples[breach] {
			fmt.Fprintf(&b, "    event %d", x.Number)
			if x.Player != "" {
				fmt.Fprintf(&b, ", round %d of %s", x.Round, x.Player)
			}
			fmt.Fprintf(&b, ": %s\n", x.Detail)
		}
		if more := n - len(f.Examples[breach]); more > 0 {
			fmt.Fprintf(&b, "    and %s more\n", words.Grouped(more))
		}
	}
	return b.String()
}
