package consumer

import (
	"context"
	"slices"
	"time"
)

// groupSize is how many partitions are asked for together, at most: as many as a member
// has of a broker, as a rule.
const groupSize = 256

// group is partitions that are asked for together. One request waits at the broker for
// as long as FetchWait. Who comes while it does so is asked for by a second one, which
// waits for less: who comes next does not wait for long, and soon they are all in one
// again. Brokers answer as soon as they have something of one of them, so that those of
// which records come all the time would be asked for record by record, and all others
// with them, were requests not to wait a little before they go. Its fields are of the
// goroutine that runs it.
type group struct {
	key     groupKey
	g       *Generation
	members int // guarded by the fetcher

	wishes chan *wish    // put
	back   chan *request // answered

	waiting []*wish    // for a request to go
	gather  time.Time  // until when others are waited for
	asked   []*request // under way
	quiet   int        // requests in a row, of those that wait less, that have brought nothing
	silent  time.Time  // until when the broker wants no requests
}

const (
	lanes       = 2                     // requests of a group that are under way at once
	linger      = 5 * time.Millisecond  // the wait for others, before a request goes
	shortWait   = 5 * time.Millisecond  // of a second request; it doubles while it brings nothing,
	longestWait = 50 * time.Millisecond // up to this
)

// run asks for what is wished for until ctx ends.
func (f *group) run(ctx context.Context) {
	look := time.NewTimer(0)
	defer look.Stop()
	for {
		select {
		case w := <-f.wishes:
			f.waiting = append(f.waiting, w)
		case r := <-f.back:
			f.settle(r)
		case <-look.C:
		case <-ctx.Done():
			return
		}
		now := time.Now()
		wait, after := f.next(now)
		if wait > 0 {
			f.ask(ctx, now, wait)
		} else if after > 0 {
			look.Reset(after)
		}
	}
}

// next says how long the request is to wait at the broker that is to go now, if one is;
// if not, after which time to look again, unless something else happens before.
func (f *group) next(now time.Time) (wait, after time.Duration) {
	if len(f.waiting) == 0 || len(f.asked) == lanes {
		return 0, 0
	}
	if silence := f.silent.Sub(now); silence > 0 {
		return 0, silence
	}
	more := slices.ContainsFunc(f.waiting, func(w *wish) bool { return w.more })
	if left := f.gather.Sub(now); left > 0 && !more {
		return 0, left
	}
	longest := f.g.c.cfg.FetchWait
	if len(f.asked) == 0 {
		return longest, 0
	}
	wait = min(shortWait<<f.quiet, longestWait, longest)
	if left := f.asked[0].until.Sub(now); !more {
		if left > -linger && left <= linger {
			return 0, left + linger // it is about to come back, and they go together
		}
		if left > 0 {
			wait = min(wait, left)
		}
	}
	return wait, 0
}

// linger has others waited for.
func (f *group) linger() { f.gather = time.Now().Add(linger) }

// ask sends a request for all that wait.
func (f *group) ask(ctx context.Context, now time.Time, wait time.Duration) {
	r := f.g.c.newRequest(ctx, f, wait)
	r.until, r.second = now.Add(wait), len(f.asked) > 0
	f.waiting, f.asked = nil, append(f.asked, r)
	f.g.fetching.Go(func() {
		if r.run(); ctx.Err() != nil {
			return // the connection may be reading still
		}
		select {
		case f.back <- r:
		case <-ctx.Done():
		}
	})
}

// settle ends a request. Who has had nothing goes on waiting.
func (f *group) settle(r *request) {
	f.asked = slices.DeleteFunc(f.asked, func(one *request) bool { return one == r })
	switch {
	case r.brought:
		f.linger()
		f.quiet = 0
	case r.second:
		f.quiet = min(f.quiet+1, 4)
	}
	if r.throttled > 0 {
		f.silent = time.Now().Add(r.throttled + linger) // the connection is free then
	}
	for _, w := range r.wishes {
		switch {
		case w == nil: // it has its answer
		case r.err != nil:
			w.answer <- fetched{err: r.err}
		case r.throttled > 0: // then brokers leave out what they are asked for
			r.empty = append(r.empty, w)
		default:
			w.answer <- fetched{err: errAlone}
		}
	}
	now := time.Now()
	for _, w := range r.empty {
		w.records, w.more = nil, false // it may be long
		if now.Sub(w.looked) < lookEvery {
			f.waiting = append(f.waiting, w)
			continue
		}
		f.linger()
		w.answer <- fetched{err: errLook}
	}
}
