package audit

// Breach is a way in which a pipeline has broken its word.
type Breach string

// The breaches.
const (
	// Lost: the event's offset is committed, and it is neither delivered nor dead-lettered.
	Lost Breach = "lost"
	// Duplicated: accepted once more, or dead-lettered once more. Each repetition counts.
	Duplicated Breach = "duplicated"
	// OutOfOrder: accepted for the first time after a later event of its player was. That a repetition comes after
	// later ones is no breach beside being a repetition; neither is a round left out.
	OutOfOrder Breach = "out_of_order"
	// Altered: what the platform saw, or what the letter holds, is not what was published. Counted each time.
	Altered Breach = "altered"
	// Misjudged: a bad event was delivered, or an event has a letter for a reason that it must not have.
	Misjudged Breach = "misjudged"
	// Both: delivered and dead-lettered, and the letter does not say that the delivery is uncertain.
	Both Breach = "both"
	// Unknown: an event came out that never went in.
	Unknown Breach = "unknown"
)

// Breaches lists all of them.
func Breaches() []Breach {
	return []Breach{Lost, Duplicated, OutOfOrder, Altered, Misjudged, Both, Unknown}
}

// Example is one case of a breach.
type Example struct {
	Number uint64 `json:"number"`
	Player string `json:"player,omitempty"`
	Round  uint32 `json:"round,omitempty"`
	Detail string `json:"detail"`
}

// maxExamples is how many cases of each breach are kept.
const maxExamples = 10

// breaches are those so far. The player's name is looked up for the findings.
type breaches map[Breach]*cases

type cases struct {
	count int
	first []example
}

type example struct {
	Example
	player uint32
	known  bool
}

// add counts a breach; e is nil if the event is unknown.
func (b breaches) add(kind Breach, number uint64, e *entry, detail string) {
	c := b[kind]
	if c == nil {
		c = &cases{}
		b[kind] = c
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

// Breaches counts what was found so far, except for what is lost.
func (b *Book) Breaches() map[Breach]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := map[Breach]int{}
	for breach, c := range b.breaches {
		m[breach] = c.count
	}
	return m
}

// names finds the names of the players in the examples.
func (b *Book) names(all ...breaches) map[uint32]string {
	names := map[uint32]string{}
	for _, some := range all {
		for _, c := range some {
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
	for name, i := range b.players {
		if _, wanted := names[i]; wanted {
			names[i] = name
		}
	}
	return names
}
