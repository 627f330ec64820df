package audit

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/battlereport/battlereport/deadletter"
)

// Counts say what has become of the events. Published is the sum of Delivered, DeadLettered, Pending and Lost.
type Counts struct {
	Published    int `json:"published"`
	Delivered    int `json:"delivered"`
	DeadLettered int `json:"dead_lettered"` // and not delivered
	Pending      int `json:"pending"`       // neither yet
	Lost         int `json:"lost"`          // never will be; in a verdict only

	Both int `json:"both"` // those delivered that have a letter, too
}

// Counts says what has become of the events so far. It is cheap.
func (l *Ledger) Counts() Counts {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.counts
}

// Letters counts the events in Counts.DeadLettered by reason.
func (l *Ledger) Letters() map[deadletter.Reason]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byReason()
}

func (l *Ledger) byReason() map[deadletter.Reason]int {
	m := map[deadletter.Reason]int{}
	for i, n := range l.letters {
		if n > 0 {
			m[l.reasons[i]] = n
		}
	}
	return m
}

// Verdict is what a ledger has to say.
type Verdict struct {
	Counts
	Letters    map[deadletter.Reason]int `json:"dead_letters"` // Counts.DeadLettered by reason
	Violations map[Violation]int         `json:"violations"`
	Examples   map[Violation][]Example   `json:"examples,omitempty"` // the first of each
}

// Verdict looks at every event. committed has for each partition the offset that the pipeline's group has committed: an
// event before it that has not come out is lost. What is not written yet or not committed is pending.
func (l *Ledger) Verdict(committed map[Place]int64) Verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	v := Verdict{Counts: l.counts, Letters: l.byReason(), Violations: map[Violation]int{}, Examples: map[Violation][]Example{}}
	lost := l.lost(committed)
	if c := lost[Lost]; c != nil {
		v.Lost = c.count
		v.Pending -= c.count
	}
	players := l.names(l.found, lost)
	for _, f := range []found{l.found, lost} {
		for violation, c := range f {
			v.Violations[violation] = c.count
			for _, x := range c.first {
				if x.known {
					x.Player = players[x.player]
				}
				v.Examples[violation] = append(v.Examples[violation], x.Example)
			}
		}
	}
	return v
}

func (l *Ledger) lost(committed map[Place]int64) found {
	f := found{}
	if l.counts.Pending == 0 {
		return f
	}
	upTo := make([]int64, len(l.places))
	for i, place := range l.places {
		upTo[i] = committed[place]
	}
	for _, number := range slices.Sorted(maps.Keys(l.pages)) {
		for i := range l.pages[number] {
			e := &l.pages[number][i]
			if e.state&(written|withdrawn) == written && !e.settled() && e.offset < upTo[e.place] {
				at := l.places[e.place]
				f.add(Lost, number*pageSize+uint64(i), e,
					fmt.Sprintf("%s/%d@%d is behind the committed offset %d", at.Topic, at.Partition, e.offset, upTo[e.place]))
			}
		}
	}
	return f
}

// OK says whether every event has come out, and no word was broken.
func (v Verdict) OK() bool { return len(v.Violations) == 0 && v.Pending == 0 }

// String is the verdict for people, in lines that are short but for the examples.
func (v Verdict) String() string {
	var b strings.Builder
	line := func(name string, n int, more string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%-20s %11s  %s", name, grouped(n), more), " ") + "\n")
	}
	also := ""
	if v.Both > 0 {
		also = grouped(v.Both) + " of them dead-lettered, too"
	}
	line("published", v.Published, "")
	line("  delivered", v.Delivered, also)
	line("  dead-lettered", v.DeadLettered, "")
	for _, r := range append(deadletter.Reasons(), Other) {
		if n := v.Letters[r]; n > 0 {
			line("    "+string(r), n, "")
		}
	}
	line("  pending", v.Pending, "")
	line("  lost", v.Lost, "")
	if len(v.Violations) == 0 {
		b.WriteString("no violation: none lost, duplicated, out of order, altered or misjudged\n")
	}
	for _, violation := range Violations() {
		n := v.Violations[violation]
		if n == 0 {
			continue
		}
		line("! "+string(violation), n, "")
		for _, x := range v.Examples[violation] {
			fmt.Fprintf(&b, "    event %d", x.Number)
			if x.Player != "" {
				fmt.Fprintf(&b, ", round %d of %s", x.Round, x.Player)
			}
			fmt.Fprintf(&b, ": %s\n", x.Detail)
		}
		if more := n - len(v.Examples[violation]); more > 0 {
			fmt.Fprintf(&b, "    and %s more\n", grouped(more))
		}
	}
	return b.String()
}

// grouped writes n with a comma before every third digit.
func grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
