package platform

import (
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// Condition is what an app has met.
type Condition struct {
	Held      bool      // its breaker is not closed
	Refusing  bool      // that is since players are refused one after the other
	Failures  int       // in a row
	Bars      int       // in a row, of the failures that are said to hold for everybody
	Refused   int       // players of whom a single record was refused, in a row, this call's among them
	Declined  int       // those of them beside whose records no other has succeeded
	Failing   float64   // the share of its calls that fail, lately: 0 to 1
	Succeeded time.Time // when the latest call that succeeded had begun
	Proven    bool      // that is not long ago
}

// Word is what an answer says of the health of an app.
type Word int

// The words.
const (
	Nothing  Word = iota
	Answered      // it is up, though it does not take what is in this batch
	Declined      // likewise, of a single record
	Outlier       // likewise, where others have succeeded since it was first refused
	Failing       // calls fail
	Barred        // calls will all fail alike
)

const (
	// convincing is how many answers in a row that claim to hold for everybody are believed, if calls have succeeded within
	// the time of lately: one of them may be of a server with a stale key, or of a gateway that dislikes a nickname.
	// Otherwise a single one is.
	convincing = 5
	lately     = time.Minute
)

// Opens tells whether a closed breaker opens at the word.
func (c *Condition) Opens(w Word, cfg config.Breaker) bool {
	switch w {
	case Declined:
		return c.Declined >= cfg.Failures
	case Failing:
		return c.Failures+1 >= cfg.Failures
	case Barred:
		return c.Failures+1 >= cfg.Failures || c.Bars+1 >= convincing || !c.Proven
	default:
		return false
	}
}
