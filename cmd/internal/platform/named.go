package platform

import (
	"iter"
	"time"
)

// nameSpacing is how long after one call a user may be named in the URL of another: the platform takes one request a
// user a second (MSDK FAQ) and answers -503 to more. It counts from the end of the first call, since only then is it
// certain that it had arrived.
const nameSpacing = time.Second

// Named remembers for one app which users were lately named in a URL.
type Named struct {
	until map[string]time.Time
	order []naming // by time, for forgetting
}

type naming struct {
	user  string
	until time.Time
}

func newNamed() *Named { return &Named{until: map[string]time.Time{}} }

// Pick chooses which of the users to name now: the first who may be. If none may, it says when the first one may be
// again.
func (n *Named) Pick(now time.Time, users iter.Seq[[]byte]) (user string, free time.Time) {
	n.forget(now)
	for u := range users {
		until, lately := n.until[string(u)]
		if !lately {
			return string(u), now
		}
		if user == "" || until.Before(free) {
			user, free = string(u), until
		}
	}
	return user, free
}

// Called says that a call that named user has ended.
func (n *Named) Called(now time.Time, user string) {
	until := now.Add(nameSpacing)
	n.until[user] = until
	n.order = append(n.order, naming{user, until})
}

func (n *Named) forget(now time.Time) {
	i := 0
	for ; i < len(n.order) && !now.Before(n.order[i].until); i++ {
		if o := n.order[i]; n.until[o.user].Equal(o.until) {
			delete(n.until, o.user)
		}
	}
	n.order = n.order[i:] // append moves it when it runs out of room
}
