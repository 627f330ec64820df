package schema

import "fmt"

// Strict reports why text is not one strict JSON text nested at most maxDepth levels, or nil if it is: what [Schema.Check]
// asks of every value before it asks the schema. The error is a [*Fault]. It is for JSON that somebody has edited: where a
// key stands twice, or half of a surrogate pair, other parsers read in silence something else than what stands there.
func Strict(text []byte, maxDepth int) error {
	if err := scan(text, maxDepth); err != nil {
		return err.asFault()
	}
	return nil
}

// A Fault is the first thing that makes a text no strict JSON.
type Fault struct {
	Offset int    // of the byte that is wrong, from 0
	What   string // in a few words, without control characters
	whole  bool   // the text as a whole, and not what is at a byte
}

func (f *Fault) Error() string {
	if f.whole {
		return f.What
	}
	return fmt.Sprintf("%s, at byte %d", f.What, f.Offset)
}
