package pipeline

import (
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/platform"
)

// deferrer leaves the records of apps for which there is no room for later, so that
// those of others pass. Safe for concurrent use.
type deferrer struct {
	apps   []*platform.App
	intake *intake
	log    *slog.Logger
	said   []atomic.Int64 // when it was last said of each app, see sayOnce
}

// stuck are the tenants for whose events the others of a piece need not wait: there is
// no room for them, and will not be soon, while another app of the topic could go on.
func (d *deferrer) stuck(from *admission.Feed, lacking []tenant, waited time.Duration) (stuck []tenant) {
	for _, t := range lacking {
		if t.app == nil || !t.app.Breaker.Held() && waited < patience {
			continue
		}
		if slices.ContainsFunc(from.Apps, func(a *admission.App) bool {
			other := tenant{d.apps[a.Index], from.Replayed}
			return other != t && d.couldGoOn(other)
		}) {
			stuck = append(stuck, t)
		}
	}
	return stuck
}

// couldGoOn tells whether there may be a use for more of the tenant's events: of one
// that is held, for the first alone.
func (d *deferrer) couldGoOn(t tenant) bool {
	if !t.app.Breaker.Held() {
		return d.intake.hasRoom(t)
	}
	return !d.intake.holds(t)
}

// leave has a partition leave for later what is stuck of a piece, and returns the
// strands. False: the partition cannot do that for all.
func (d *deferrer) leave(piece []arrival, stuck []tenant) (deferred []uint64, all bool) {
	all = true
	for _, a := range piece {
		if !slices.Contains(stuck, a.tenant()) {
			continue
		}
		strand := a.feed.Strand(a.record.Headers)
		if slices.Contains(deferred, strand) {
			continue
		}
		if !a.record.Partition.Defer(strand, a.record.Offset) {
			all = false
			continue
		}
		deferred = append(deferred, strand)
		d.say(a.event)
	}
	return deferred, all
}

// say says that an app's records are deferred, once a minute.
func (d *deferrer) say(ev *event) {
	if !sayOnce(&d.said[ev.app.Index]) {
		return
	}
	d.log.Warn("there is no room for more of the app's records: those to come are left for later, so that those of others flow",
		"appid", ev.app.AppID, "partition", ev.record.Partition.String(), "from", ev.record.Offset, "held", ev.app.Breaker.Held())
}
