package pipeline

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
)

var laneEpoch = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// aLane is that of an app, with an event ready for each time a user is given.
func aLane(users ...string) *lane {
	cfg := config.Default()
	cfg.Batch.Linger = 0
	cfg.Apps = []config.App{{Route: config.RouteBattleReport, Schema: "builtin:any"}}
	directory, err := admission.New(&cfg)
	if err != nil {
		panic(err)
	}
	app := platform.NewApp(directory.Apps[0], cfg.Delivery.Breaker)
	live := newLanes(&cfg, []*platform.App{app})[0]
	for _, user := range users {
		ev := &event{user: []byte(user), app: app}
		live.add(laneEpoch, &arrival{event: ev, user: userNumber(ev.user), size: 100})
	}
	return live
}

// TestTakingABatchApartKeepsAUsersEventsTogetherAndInOrder: the parts are sent at
// the same time, and a user may be in one of them only.
func TestTakingABatchApartKeepsAUsersEventsTogetherAndInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var users []string
		for i, n := range rapid.SliceOfN(rapid.IntRange(1, 6), 1, 8).Draw(t, "events of each user") {
			users = append(users, slices.Repeat([]string{fmt.Sprint("user-", i)}, n)...)
		}
		l := aLane(users...)
		whole := l.fresh(l.batcher.First(len(users), l.class()))
		items := slices.Clone(whole.items)
		take := func(b *batch) *batch { return b.halve() }
		if rapid.Bool().Draw(t, "a probe") {
			take = func(b *batch) *batch { return b.first() }
		}
		other := take(whole)
		in := func(b *batch) (all []item) {
			if b == nil {
				return nil
			}
			all = append(all, b.items...)
			for _, rest := range slices.Backward(b.rest) {
				all = append(all, rest...)
			}
			return all
		}
		if got := append(in(whole), in(other)...); !slices.Equal(got, items) {
			t.Fatalf("%d events became %d, or others, or in another order", len(items), len(got))
		}
		for _, a := range in(whole) {
			for _, b := range in(other) {
				if a.User == b.User {
					t.Fatalf("%s is in both parts", a.Value.user)
				}
			}
		}
		if len(items) > 1 && len(whole.items) == len(items) {
			t.Fatal("it was not taken apart")
		}
		if len(whole.rest) > 0 && other == nil && whole.items[0].User != whole.items[len(whole.items)-1].User {
			t.Fatal("events of several users wait for each other")
		}
	})
}

// TestSuspectsGoBehindEverybodyElse: they take no more than every other call and
// an eighth of those at once, and all that is left when nobody else wants to.
func TestSuspectsGoBehindEverybodyElse(t *testing.T) {
	crowd := make([]string, 1000) // ten batches
	for i := range crowd {
		crowd[i] = fmt.Sprint("user-", i)
	}
	suspects := func(l *lane) {
		for i := range 10 {
			s := aLane(fmt.Sprint("suspect-", i))
			b := s.fresh(s.batcher.First(1, s.class()))
			b.app, b.suspect, b.due = l.App, true, laneEpoch
			l.put(b)
		}
	}
	calls := func(l *lane, n int) (order string) {
		for range n {
			b := l.next(laneEpoch)
			switch {
			case b == nil:
				return order
			case b.suspect:
				order += "s"
			default:
				order += "."
			}
			l.begin(b)
		}
		return order
	}
	for rule, test := range map[string]struct {
		crowd []string
		want  string
	}{
		"every other call, four of 32 at once": {crowd, "s.s.s.s......"},
		"alone, four at once":                  {nil, "ssss"},
	} {
		l := aLane(test.crowd...)
		suspects(l)
		if got := calls(l, 13); got != test.want {
			t.Errorf("%s: got %s, want %s", rule, got, test.want)
		}
	}
}
