package pipeline

import (
	"math"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

// history is what a batch has met until a call of it failed.
type history struct {
	records int
	waited  time.Duration // since the first of them was taken
	elapsed time.Duration // of its retries, on its app's clock
	since   time.Time     // when these records first failed, in whatever company; zero: not before
	failed  time.Time     // when it last failed, or became suspect; zero: not before
	strikes int           // see verdict
	suspect bool
}

// condition is what the app of a batch has met.
type condition struct {
	held      bool      // its breaker is not closed
	refusing  bool      // that is since players are refused one after the other
	failures  int       // in a row
	bars      int       // in a row, of the failures that are said to hold for everybody
	refused   int       // players of whom a single record was refused, in a row, this call's among them
	declined  int       // those of them beside whose records no other has succeeded
	failing   float64   // the share of its calls that fail, lately: 0 to 1
	succeeded time.Time // when the latest call that succeeded had begun
	proven    bool      // that is not long ago
}

// verdict is what a failed call means.
type verdict struct {
	batch fate
	wait  time.Duration // at least, before the batch goes again: the platform asks for it; of a doubt, before it ends
	app   word
	pause time.Duration // how long all of the app waits

	// A failure of a batch that has failed before, with calls of its app
	// succeeding in between, is a strike. Enough of them, and the batch is
	// suspect: it fails for what is in it, says nothing of its app any more, and
	// is taken apart.
	strikes int
	suspect bool
}

// fate is what becomes of a batch.
type fate int

const (
	again   fate = iota // the same, after a while
	later               // the same, after a while that counts as no retry
	hold                // the same, when the app's breaker lets it
	apart               // in halves, to find the bad record
	doubt               // never, unless it turns out within the wait that the app is refused whatever it sends
	reject              // never: the platform refuses this one record
	exhaust             // never: it has been tried for long enough
)

// word is what an answer says of the health of the batch's app.
type word int

const (
	nothing  word = iota
	answered      // it is up, though it does not take what is in this batch
	declined      // likewise, of a single record
	outlier       // likewise, where others have succeeded since it was first refused
	failing       // calls fail
	barred        // calls will all fail alike
)

const (
	// suspicious is how many strikes make a batch suspect, at least. Where many
	// calls fail, it takes as many as are rarer than a chance of 1 in 1,000.
	suspicious = 3
	chance     = 1e-3

	// convincing is how many answers in a row that claim to hold for everybody
	// are believed, if calls have succeeded within the time of lately: one of them
	// may be of a server with a stale key, or of a gateway that dislikes a
	// nickname. Otherwise a single one is.
	convincing = 5
	lately     = time.Minute

	// doubtFor is how long a refusal that no success of its app has confirmed waits
	// to be carried out: long enough to see whether everybody is refused. longDoubt
	// is the same where one player after the other is refused.
	doubtFor  = time.Second
	longDoubt = 10 * time.Second
)

// judge says what a failed call means for its batch, for its app's breaker, and
// for the pace of its app. All rules are here; see [engine.carryOut].
//
// An answer speaks of one call. That it holds for everybody is a hypothesis,
// given up as soon as other calls of the app succeed meanwhile: then what fails
// again and again is isolated. A batch is split only for its content: splitting
// it for what strikes everybody alike would multiply the load on what is already
// failing.
func judge(h history, err *msdkclient.Error, c condition, d *config.Delivery) verdict {
	v := verdict{strikes: h.strikes, suspect: h.suspect}
	if err.Class == msdkclient.Record {
		v.strikes = 0
		v.batch, v.app, v.wait = judgeRefusal(h, c, d)
		return v
	}
	if !h.failed.IsZero() && c.succeeded.After(h.failed) {
		v.strikes++
		v.suspect = v.suspect || v.strikes >= suspicious && math.Pow(c.failing, float64(v.strikes)) < chance
	}
	v.wait = retryAfter(err)
	if !v.suspect {
		v.app = says(err.Class)
		if err.Ret != retOneUser && (err.Class == msdkclient.Throttle || err.RetryAfter > 0) {
			v.pause = v.wait
		}
	}
	switch {
	case err.Class == msdkclient.Throttle && !v.suspect && h.waited < d.MaxHold:
		v.batch = later
	case c.held || c.opens(v.app, d.Breaker):
		v.batch = hold
	case h.elapsed >= d.Retry.MaxElapsed && h.records == 1:
		v.batch = exhaust
	case h.elapsed >= d.Retry.MaxElapsed, v.suspect && h.records > 1:
		v.batch = apart
	default:
		v.batch = again
	}
	return v
}

// judgeRefusal is judge for an answer that says that the content is bad. That is
// a hypothesis too: where one player after the other is refused, with no success
// between them, it is not their records' fault. Those beside which others have
// succeeded prove nothing, however many: where many batches had a bad record each,
// the good ones are through first.
func judgeRefusal(h history, c condition, d *config.Delivery) (fate, word, time.Duration) {
	says := answered
	confirmed := !h.since.IsZero() && c.succeeded.After(h.since)
	switch {
	case h.records == 1 && confirmed:
		says = outlier
	case h.records == 1:
		says = declined
	}
	switch many := c.refused >= d.Breaker.Failures; {
	case c.held && c.refusing || c.opens(says, d.Breaker):
		return hold, says, 0
	case h.records > 1:
		return apart, says, 0
	case confirmed && !many:
		return reject, says, 0
	case many:
		return doubt, says, longDoubt
	default:
		return doubt, says, doubtFor
	}
}

// says is what a failure says of the app, as far as it is not the batch's own.
func says(class msdkclient.Class) word {
	switch class {
	case msdkclient.Throttle:
		return nothing
	case msdkclient.AppClass, msdkclient.Endpoint:
		return barred
	default:
		return failing
	}
}

// opens tells whether a closed breaker opens at the word.
func (c *condition) opens(w word, cfg config.Breaker) bool {
	switch w {
	case declined:
		return c.declined >= cfg.Failures
	case failing:
		return c.failures+1 >= cfg.Failures
	case barred:
		return c.failures+1 >= cfg.Failures || c.bars+1 >= convincing || !c.proven
	default:
		return false
	}
}

// Limits of what the platform may ask for.
const (
	minThrottle   = time.Second     // MSDK counts by the second
	maxRetryAfter = 5 * time.Minute // longer ones are taken for a mistake
)

// retOneUser is the answer that one user's requests come too often. It says
// nothing of the app's other users.
const retOneUser = -503

// retryAfter is how long a failure asks to wait, within reason.
func retryAfter(err *msdkclient.Error) time.Duration {
	wait := min(err.RetryAfter, maxRetryAfter)
	if err.Class == msdkclient.Throttle {
		wait = max(wait, minThrottle)
	}
	return wait
}
