package groupstatus

import (
	"encoding/json"
	"strings"
)

// A State says in a word how a partition does, or the group: that of its worst.
type State int

// The states, from good to bad. From Held on something is wrong.
const (
	Idle          State = iota // nothing waits, and nothing comes
	OK                         // what comes is settled soon
	CatchingUp                 // more is settled than comes
	Held                       // what is first waits, while what is behind it is settled
	FallingBehind              // no less waits, though some is settled
	Unstable                   // a producer's transaction is open, and nothing behind it can be taken
	Stalled                    // nothing is settled, though something waits
	Unowned                    // no member has it, though something waits
	Leaderless                 // no broker leads it, and nothing can be read
	Missing                    // there is no such topic
	Lost                       // retention deleted what was not settled
)

var stateNames = []string{
	"idle", "ok", "catching up", "held", "falling behind", "unstable", "stalled", "unowned", "leaderless", "missing", "lost",
}

func (s State) String() string { return stateNames[s] }

// Wrong tells that somebody ought to do something.
func (s State) Wrong() bool { return s >= Held }

// MarshalJSON writes the word with _ between its parts.
func (s State) MarshalJSON() ([]byte, error) {
	return json.Marshal(strings.ReplaceAll(s.String(), " ", "_"))
}

// StateWords are all states as JSON has them, from good to bad.
func StateWords() []string {
	words := make([]string, len(stateNames))
	for i, name := range stateNames {
		words[i] = strings.ReplaceAll(name, " ", "_")
	}
	return words
}
