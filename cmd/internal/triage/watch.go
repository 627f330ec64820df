package triage

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// Bounds of what a watch keeps: some 90 MiB in all, however long it goes on and whatever comes.
const (
	maxGroups   = 256
	maxApps     = 20
	maxFollowed = 1 << 18 // letters whose state is followed, the newest
)

// Watch counts letters as they come, by why, and how many of them are pending still. Of twins the second is not counted
// ([deadletter.Met]). It is for one goroutine.
type Watch struct {
	letters int64
	minute  minute
	met     deadletter.Met

	keys     *counts[causeKey] // which of the groups there is room for
	groups   map[causeKey]*group
	others   *group // of groups that were too many
	followed []followed
	oldest   int   // among these, once they are as many as there may be
	left     int64 // letters that are pending, as far as is known, and are no longer followed
}

// group is the letters of one cause, whatever their app.
type group struct {
	cause   Cause
	letters int64
	tally   *tally
	minute  minute
	apps    *counts[string] // nil of others
	last    Example
	lastAt  time.Time
}

// tally is how many letters of a group are pending. It is all that is kept of a group that has become a part of others,
// for the letters of it that are followed.
type tally struct {
	pending int64
	into    *tally // the one that it has become a part of; nil: none
}

// followed is a letter that may change its state.
type followed struct {
	name    deadletter.Name
	twins   deadletter.Identity
	of      *tally
	pending bool
}

// NewWatch returns a watch that has seen nothing.
func NewWatch() *Watch {
	w := &Watch{keys: newCounts[causeKey](maxGroups), groups: map[causeKey]*group{}, others: &group{cause: Cause{Reason: others}, tally: &tally{}}}
	w.keys.dropped = w.fold
	return w
}

// Add counts a letter, and reports whether it did: it was not met before.
func (w *Watch) Add(e *deadletter.Entry, now time.Time) bool {
	twins := e.Letter.Identity()
	if w.met.Again(twins) {
		return false
	}
	cause := causeOf(e)
	app := cause.appID
	cause.appID = ""
	w.keys.add(cause)
	g := w.groups[cause]
	if g == nil {
		g = &group{cause: Cause{Reason: cause.reason, Ret: cause.ret, HTTPStatus: cause.httpStatus}, tally: &tally{}, apps: newCounts[string](maxApps)}
		if len(e.Letter.Violations) > 0 {
			g.cause.Pattern = &Pattern{cause.pattern.instance, cause.pattern.keyword, e.Letter.Violations[0].Message}
		}
		w.groups[cause] = g
	}
	at := now
	if consumer.Dated(e.Written) && e.Written.Before(now) {
		at = e.Written
	}
	w.letters++
	w.minute.add(at)
	g.letters++
	g.minute.add(at)
	if e.Foreign == "" {
		g.apps.add(app)
	}
	g.last, g.lastAt = Example{e.Name.String(), cmp.Or(e.Foreign, e.Letter.Detail)}, When(e)
	w.follow(followed{e.Name, twins, g.tally, e.State == deadletter.Pending})
	return true
}

// fold makes a group a part of the others.
func (w *Watch) fold(cause causeKey) {
	g := w.groups[cause]
	delete(w.groups, cause)
	w.others.letters += g.letters
	w.others.tally.pending += g.tally.pending
	g.tally.into = w.others.tally
	w.others.minute.join(&g.minute)
	if !g.lastAt.Before(w.others.lastAt) {
		w.others.last, w.others.lastAt = g.last, g.lastAt
	}
}

// follow follows a letter, in the place of the oldest where there are too many.
func (w *Watch) follow(f followed) {
	if f.pending {
		f.of.pending++
	}
	if len(w.followed) < maxFollowed {
		w.followed = append(w.followed, f)
		return
	}
	if old := &w.followed[w.oldest]; old.pending {
		w.left++
		old.become(false)
	}
	w.followed[w.oldest] = f
	w.oldest = (w.oldest + 1) % maxFollowed
}

// become notes whether the letter is pending.
func (f *followed) become(pending bool) {
	if f.pending == pending {
		return
	}
	f.pending = pending
	for f.of.into != nil {
		f.of = f.of.into
	}
	if pending {
		f.of.pending++
	} else {
		f.of.pending--
	}
}

// Recount asks of each letter of a dead-letter topic that is followed whether it is pending.
func (w *Watch) Recount(topic string, pending func(deadletter.Name, deadletter.Identity) bool) {
	for i := range w.followed {
		if f := &w.followed[i]; f.name.Topic == topic {
			f.become(pending(f.name, f.twins))
		}
	}
}

// Forget notes that all letters of a dead-letter topic that have come so far are gone.
func (w *Watch) Forget(topic string) {
	w.Recount(topic, func(deadletter.Name, deadletter.Identity) bool { return false })
	for i := range w.followed {
		if f := &w.followed[i]; f.name.Topic == topic {
			f.name.Topic = "" // others may have its name now
		}
	}
}

// Arrivals are the letters that have come since a watch began.
type Arrivals struct {
	Letters    int64
	Pending    int64 // of these, as far as they are followed
	Minute     int64 // of these, written in the last minute
	Unfollowed int64 // of these, pending when last looked at: the newest letters alone are followed
	Groups     []Group
}

// Group is the letters of one cause, whatever their app. The reason "others" is of those that were too many to be told
// apart.
type Group struct {
	Cause                    Cause
	Letters, Pending, Minute int64
	Apps                     []Count // not of others
	Last                     Example // the letter that came last
	LastAt                   time.Time
}

// Look returns what has come. First are the groups to which something came in the last minute, and of both kinds those with
// the most letters; the others come last.
func (w *Watch) Look(now time.Time) Arrivals {
	a := Arrivals{Letters: w.letters, Minute: w.minute.count(now), Unfollowed: w.left}
	for _, g := range w.groups {
		a.Groups = append(a.Groups, g.look(now))
	}
	slices.SortFunc(a.Groups, func(a, b Group) int {
		return cmp.Or(cmp.Compare(min(b.Minute, 1), min(a.Minute, 1)), cmp.Compare(b.Letters, a.Letters), strings.Compare(a.Cause.String(), b.Cause.String()))
	})
	if w.others.letters > 0 {
		a.Groups = append(a.Groups, w.others.look(now))
	}
	for _, g := range a.Groups {
		a.Pending += g.Pending
	}
	return a
}

func (g *group) look(now time.Time) Group {
	out := Group{Cause: g.cause, Letters: g.letters, Pending: g.tally.pending, Minute: g.minute.count(now), Last: g.last, LastAt: g.lastAt}
	if g.apps != nil {
		out.Apps = ranked(g.apps)
	}
	return out
}
