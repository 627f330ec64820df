package pipeline

import (
	"math"
	"slices"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
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

// verdict is what a failed call means.
type verdict struct {
	fate  fate
	wait  time.Duration // at least, before the batch goes again: the platform asks for it; of a doubt, before it ends
	app   platform.Word
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

// rule is one of [rules].
type rule struct {
	says    string
	applies func(f *failure) bool
	fate    fate
	wait    time.Duration // of a doubt
}

// rules say what becomes of a batch whose call has failed: the first that
// applies does.
//
// An answer speaks of one call. That it holds for everybody, or that a record is
// bad, is a hypothesis, given up as soon as other calls of the app say otherwise.
// Then what fails again and again is isolated; and where one player after the
// other is refused with no success between them, it is not their records' fault.
// A batch is split only for its content: splitting it for what strikes everybody
// alike would multiply the load on what is already failing.
var rules = []rule{
	// Refused for its content.
	{"everybody is refused: it waits with its app", func(f *failure) bool {
		return f.refused && (f.app.Held && f.app.Refusing || f.opens())
	}, hold, 0},
	{"refused in company: the halves tell which record it is", func(f *failure) bool {
		return f.refused && f.met.records > 1
	}, apart, 0},
	{"refused alone, while others get through: it is bad", func(f *failure) bool {
		return f.refused && f.confirmed && !f.many
	}, reject, 0},
	{"refused alone, one of many players: it waits longer to see whether everybody is refused", func(f *failure) bool {
		return f.refused && f.many
	}, doubt, longDoubt},
	{"refused alone, and nothing is known of others: it waits to see", func(f *failure) bool {
		return f.refused
	}, doubt, doubtFor},

	// Failed for another reason.
	{"too fast: later, without counting it", func(f *failure) bool {
		return f.err.Class == msdkclient.Throttle && !f.suspect && f.met.waited < f.cfg.MaxHold
	}, later, 0},
	{"its app is held, or is from now on: it waits with it", func(f *failure) bool {
		return f.app.Held || f.opens()
	}, hold, 0},
	{"alone, and tried for long enough: given up", func(f *failure) bool {
		return f.tired() && f.met.records == 1
	}, exhaust, 0},
	{"in company, and tried for long enough: one of them may be at fault", func(f *failure) bool {
		return f.tired()
	}, apart, 0},
	{"suspect, and in company: the halves tell which record it is", func(f *failure) bool {
		return f.suspect && f.met.records > 1
	}, apart, 0},
	{"again, after a pause", func(*failure) bool { return true }, again, 0},
}

// failure is a call that failed, and what is thought of it before its batch's fate is decided.
type failure struct {
	met history
	err *msdkclient.Error
	app platform.Condition
	cfg *config.Delivery

	refused   bool // for the content
	confirmed bool // and others have got through since these records first failed
	many      bool // players are refused one after the other
	strikes   int
	suspect   bool
	says      platform.Word // of its app
}

// judge says what a failed call means for its batch, for its app's breaker, and
// for the pace of its app; [decider] carries it out.
func judge(h history, err *msdkclient.Error, c platform.Condition, cfg *config.Delivery) verdict {
	f := newFailure(h, err, c, cfg)
	r := f.rule()
	v := verdict{fate: r.fate, wait: r.wait, app: f.says, strikes: f.strikes, suspect: f.suspect}
	if !f.refused {
		v.wait = retryAfter(err)
		if !f.suspect && err.Ret != msdkclient.RetOneUser && (err.Class == msdkclient.Throttle || err.RetryAfter > 0) {
			v.pause = v.wait
		}
	}
	return v
}

func newFailure(h history, err *msdkclient.Error, c platform.Condition, cfg *config.Delivery) *failure {
	f := &failure{met: h, err: err, app: c, cfg: cfg, strikes: h.strikes, suspect: h.suspect}
	f.refused = err.Class == msdkclient.Record
	f.confirmed = !h.since.IsZero() && c.Succeeded.After(h.since)
	f.many = c.Refused >= cfg.Breaker.Failures
	f.strike()
	f.says = f.word()
	return f
}

// rule is the one that decides. The last always applies.
func (f *failure) rule() *rule {
	i := slices.IndexFunc(rules, func(r rule) bool { return r.applies(f) })
	return &rules[i]
}

// suspicious is how many strikes make a batch suspect, at least. Where many calls
// fail, it takes as many as are rarer than a chance of 1 in 1,000.
const (
	suspicious = 3
	chance     = 1e-3
)

// strike counts the failure as one, if it is: see verdict. A refusal is none, and
// begins the count anew.
func (f *failure) strike() {
	switch {
	case f.refused:
		f.strikes = 0
	case !f.met.failed.IsZero() && f.app.Succeeded.After(f.met.failed):
		f.strikes++
		f.suspect = f.suspect || f.strikes >= suspicious && math.Pow(f.app.Failing, float64(f.strikes)) < chance
	}
}

// word is what the failure says of the app. A suspect's is the batch's own, and
// so is a refusal beside which others have succeeded: where many batches had a bad
// record each, the good ones are through first.
func (f *failure) word() platform.Word {
	switch {
	case f.refused && f.met.records > 1:
		return platform.Answered
	case f.refused && f.confirmed:
		return platform.Outlier
	case f.refused:
		return platform.Declined
	case f.suspect, f.err.Class == msdkclient.Throttle:
		return platform.Nothing
	case f.err.Class == msdkclient.AppClass, f.err.Class == msdkclient.Endpoint:
		return platform.Barred
	default:
		return platform.Failing
	}
}

// opens tells whether the app's breaker opens at this failure.
func (f *failure) opens() bool { return f.app.Opens(f.says, f.cfg.Breaker) }

// tired tells whether the batch has been tried for long enough.
func (f *failure) tired() bool { return f.met.elapsed >= f.cfg.Retry.MaxElapsed }

// doubtFor is how long a refusal that no success of its app has confirmed waits
// to be carried out: long enough to see whether everybody is refused. longDoubt
// is the same where one player after the other is refused.
const (
	doubtFor  = time.Second
	longDoubt = 10 * time.Second
)

// Limits of what the platform may ask for.
const (
	minThrottle   = time.Second     // MSDK counts by the second
	maxRetryAfter = 5 * time.Minute // longer ones are taken for a mistake
)

// retryAfter is how long a failure asks to wait, within reason.
func retryAfter(err *msdkclient.Error) time.Duration {
	wait := min(err.RetryAfter, maxRetryAfter)
	if err.Class == msdkclient.Throttle {
		wait = max(wait, minThrottle)
	}
	return wait
}
