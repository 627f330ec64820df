// Package platform keeps what is known of the platform's health for each app, across the generations of the consumer
// group: whether the app's calls are held, how fast they may come, which players a call has named lately, and how many
// fail. A process that starts knows nothing.
//
// It learns of each call's end and answers when the next one may be made; it makes none, decides nothing of batches, and
// knows no records. Time comes in as an argument, but for [Breaker.Now], the clock of retries. What changes belongs to one
// goroutine, that of the pipeline's loop; only [Breaker.State], [Breaker.Held],
// [Breaker.Opened], [Throttle.Waited], [App.Failing] and [App.Identity] are safe to ask elsewhere.
//
// A breaker is, in turn:
//
//	          calls fail, see [Condition.Opens]
//	Closed ──────────────────────────────────────► Open ◄────────────────┐
//	   ▲                                            │ a while has passed │ the probe fails, or
//	   │ the probe succeeds, or is told that its    ▼                    │ brings no verdict
//	   └── content is bad (not while refusing) ── HalfOpen ──────────────┘
package platform

import (
	"math"
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient"
)

// App is an app and what its calls have met.
type App struct {
	*admission.App

	key *config.Credential

	Breaker  *Breaker
	Named    *Named
	Throttle Throttle

	Succeeded time.Time // when the latest call that succeeded had begun
	Swept     time.Time // when what is held was last looked at for being held too long

	failing atomic.Uint64 // see [Condition]; the bits of a float64
}

// NewApp returns an app of which nothing is known yet.
func NewApp(app *admission.App, cfg config.Breaker) *App {
	return &App{
		App:     app,
		key:     app.Key(),
		Breaker: newBreaker(cfg),
		Named:   newNamed(),
	}
}

// Identity is what a call is made with that begins now. It is safe for concurrent use.
func (a *App) Identity() msdkclient.App {
	return msdkclient.App{ID: a.AppID, Key: a.key.Now().Reveal(), Encode: a.Encode}
}

// memory is how many calls it takes, about, until an app's share of failing calls has followed a change.
const memory = 32

// Called takes in how a call went; err is nil if it succeeded. What suspects meet, and single users, is no measure of
// the others.
func (a *App) Called(suspect bool, err *msdkclient.Error) {
	if suspect || err != nil && err.Ret == msdkclient.RetOneUser {
		return
	}
	share := 0.0
	if err != nil && err.Class != msdkclient.Record {
		share = 1
	}
	failing := a.Failing()
	a.failing.Store(math.Float64bits(failing + (share-failing)/memory))
}

// Failing is the share of the app's calls that fail, lately: 0 to 1. It is safe for concurrent use.
func (a *App) Failing() float64 { return math.Float64frombits(a.failing.Load()) }

// Answered takes in when a call had begun that has succeeded.
func (a *App) Answered(began time.Time) {
	if began.After(a.Succeeded) {
		a.Succeeded = began
	}
}

// Condition is what the app has met, with a single record of the user counted as refused.
func (a *App) Condition(now time.Time, user string) Condition {
	c := a.Breaker.condition(user)
	c.Succeeded, c.Failing, c.Proven = a.Succeeded, a.Failing(), now.Sub(a.Succeeded) < lately
	return c
}
