package audit

// Violation is a way in which a pipeline has broken its word.
type Violation string

// The violations.
const (
	// Lost: the event's offset is committed, and it is neither delivered nor dead-lettered.
	Lost Violation = "lost"
	// Duplicated: accepted once more, or dead-lettered once more. Each repetition counts.
	Duplicated Violation = "duplicated"
	// OutOfOrder: accepted for the first time after a later event of its player was. That a repetition comes after
	// later ones is no violation beside being a repetition; neither is a round left out.
	OutOfOrder Violation = "out_of_order"
	// Altered: what the platform saw, or what the letter holds, is not what was published. Counted each time.
	Altered Violation = "altered"
	// Misjudged: a bad event was delivered, or an event has a letter for a reason that it must not have.
	Misjudged Violation = "misjudged"
	// Both: delivered and dead-lettered, and the letter does not say that the delivery is uncertain.
	Both Violation = "both"
	// Unknown: an event came out that never went in.
	Unknown Violation = "unknown"
)

// Violations lists all of them.
func Violations() []Violation {
	return []Violation{Lost, Duplicated, OutOfOrder, Altered, Misjudged, Both, Unknown}
}

// Example is one case of a violation.
type Example struct {
	Number uint64 `json:"number"`
	Player string `json:"player,omitempty"`
	Round  uint32 `json:"round,omitempty"`
	Detail string `json:"detail"`
}

// maxExamples is how many cases of each violation are kept.
const maxExamples = 10

// found is the violations so far. The player's name is looked up when a verdict is given.
type found map[Violation]*cases

type cases struct {
	count int
	first []example
}

type example struct {
	Example
	player uint32
	known  bool
}

// add counts a violation; e is nil if the event is unknown.
func (f found) add(v Violation, number uint64, e *entry, detail string) {
	c := f[v]
	if c == nil {
		c = &cases{}
		f[v] = c
	}
	if c.count++; len(c.first) == maxExamples {
		return
	}
	x := example{Example: Example{Number: number, Detail: detail}}
	if e != nil {
		x.player, x.known, x.Round = e.player, true, e.round
	}
	c.first = append(c.first, x)
}

// Violations counts what was found so far, except for what is lost.
func (l *Ledger) Violations() map[Violation]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	m := map[Violation]int{}
	for v, c := range l.found {
		m[v] = c.count
	}
	return m
}

// names finds the names of the players in the examples.
func (l *Ledger) names(all ...found) map[uint32]string {
	names := map[uint32]string{}
	for _, f := range all {
		for _, c := range f {
			for _, x := range c.first {
				if x.known {
					names[x.player] = ""
				}
			}
		}
	}
	if len(names) == 0 {
		return names
	}
	for name, i := range l.players {
		if _, wanted := names[i]; wanted {
			names[i] = name
		}
	}
	return names
}
