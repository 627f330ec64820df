package pipeline

import (
	"math"
	"testing"
	"time"
)

func TestHowManyMembersAreWanted(t *testing.T) {
	t.Parallel()
	member := standing{joined: true, partitions: 4, known: true}
	const capacity = 1000.0 // records a second, of a member that is busy all the time
	work := func(busy float64, partitions ...flow) demand {
		return demand{busy: busy, settled: busy * capacity, partitions: partitions}
	}
	even := func(arrivals, backlog float64) []flow {
		return []flow{{arrivals, backlog}, {arrivals, backlog}, {arrivals, backlog}, {arrivals, backlog}}
	}
	with := func(change func(*standing)) standing {
		s := member
		change(&s)
		return s
	}
	overloaded := work(1, even(750, 0)...)
	for rule, test := range map[string]struct {
		standing standing
		demand   demand
		want     float64
	}{
		"work that takes 80 % of a member wants one":                             {member, work(.8, even(200, 0)...), 1},
		"work that takes all of a member wants a little more":                    {member, work(1, even(250, 0)...), 1.25},
		"three times the work wants three times that":                            {member, work(1, even(750, 0)...), 3.75},
		"of a partition no more than one member can work":                        {member, work(1, even(9000, 0)...), 4},
		"a hot partition wants one, and those beside it what is theirs":          {member, work(1, flow{9000, 1e7}, flow{20, 0}, flow{20, 0}, flow{0, 0}), 1.05},
		"a backlog is to be worked off in five minutes":                          {member, work(1, even(50, 30_000)...), 4 * 150 / capacity / target},
		"what a member has left over of its capacity works off a backlog":        {member, work(.3, even(50, 15_000)...), max(idleMember, 4*100/capacity/target)},
		"little work wants half a member, so that a group shrinks bit by bit":    {member, work(.01, even(2, 0)...), idleMember},
		"nothing to do likewise":                                                 {member, work(0, even(0, 0)...), idleMember},
		"work that is refused at the check takes no calls, and no members":       {member, demand{settled: 100, partitions: even(25, 0)}, idleMember},
		"where nothing is settled it is not known what would help":               {member, demand{busy: 1, partitions: even(100, 1e6)}, 1},
		"nothing settled since nothing came":                                     {member, demand{partitions: even(0, 0)}, idleMember},
		"while the platform is the limit there are to be as many as there are":   {with(func(s *standing) { s.limited = true }), overloaded, 1},
		"while letters cannot be written likewise":                               {with(func(s *standing) { s.blocked = true }), overloaded, 1},
		"who is joining counts as itself":                                        {with(func(s *standing) { s.joined, s.partitions = false, 0 }), overloaded, 1},
		"who has worked for some seconds only does not know yet":                 {with(func(s *standing) { s.known = false }), overloaded, 1},
		"who has no partition is not wanted":                                     {with(func(s *standing) { s.partitions = 0 }), demand{}, 0},
		"who has none is not wanted either where it knows nothing of the others": {with(func(s *standing) { s.partitions, s.known = 0, false }), demand{}, 0},
	} {
		if got := membersWanted(test.standing, test.demand); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", rule, got, test.want)
		}
	}
}

func TestWhenThePlatformIsTheLimit(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		waiting waiting
		members float64 // that the work of the others wants
		want    bool
	}{
		"nothing waits":                                     {waiting{}, 0, false},
		"all that waits is of limited apps":                 {waiting{limited: 1}, 0, true},
		"most of what waits is":                             {waiting{limited: 501, others: 500}, .4, true},
		"half of what waits is":                             {waiting{limited: 500, others: 500}, .4, false},
		"most is, and one member does the others' work":     {waiting{limited: 1e6, others: 2000}, 1, true},
		"most is, and the others' work wants more than one": {waiting{limited: 1e6, others: 2000}, 1.1, false},
		"all that waits is of apps that are answered":       {waiting{others: 1e6}, 4, false},
	} {
		if got := isLimited(test.waiting, test.members); got != test.want {
			t.Errorf("%s: %v", rule, got)
		}
	}
	for rule, test := range map[string]struct {
		app  appCondition
		want bool
	}{
		"answered":                             {appCondition{}, false},
		"held":                                 {appCondition{held: true}, true},
		"told to wait once in a while":         {appCondition{throttled: .05}, false},
		"told to wait a tenth of the time":     {appCondition{throttled: .1}, true},
		"every fourth call fails":              {appCondition{failing: .25}, false},
		"every other call fails":               {appCondition{failing: .5}, true},
		"a slow platform, whose calls succeed": {appCondition{}, false},
	} {
		if got := test.app.isLimited(); got != test.want {
			t.Errorf("%s: %v", rule, got)
		}
	}
}

func TestALatchTurnsWithinHalfAMinuteAndDoesNotFlap(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		is    func(at time.Duration) bool
		turns []time.Duration // at which it has turned, on first
	}{
		"never":                      {func(time.Duration) bool { return false }, nil},
		"a single look":              {func(at time.Duration) bool { return at == time.Minute }, nil},
		"every other look":           {func(at time.Duration) bool { return at%(2*lookEvery) == 0 }, []time.Duration{10 * time.Second}},
		"every fifth look":           {func(at time.Duration) bool { return at%(5*lookEvery) == 0 }, nil},
		"from the third minute on":   {func(at time.Duration) bool { return at > 2*time.Minute }, []time.Duration{135 * time.Second}},
		"for two minutes":            {func(at time.Duration) bool { return at > time.Minute && at <= 3*time.Minute }, []time.Duration{75 * time.Second, 215 * time.Second}},
		"from the first look on":     {func(time.Duration) bool { return true }, []time.Duration{lookEvery}},
		"but for a look each minute": {func(at time.Duration) bool { return at%time.Minute != 0 }, []time.Duration{lookEvery}},
	} {
		var l latch
		var turns []time.Duration
		for at := lookEvery; at <= 10*time.Minute; at += lookEvery {
			was := l.on
			l.add(test.is(at), lookEvery, quickSpan)
			if l.on != was {
				turns = append(turns, at)
			}
		}
		if len(turns) != len(test.turns) {
			t.Errorf("%s: it turned at %v, want %v", rule, turns, test.turns)
			continue
		}
		for i, at := range turns {
			if at != test.turns[i] {
				t.Errorf("%s: it turned at %v, want %v", rule, turns, test.turns)
			}
		}
	}
}

func TestAWindowForgetsByTimeHoweverOftenItIsFilled(t *testing.T) {
	t.Parallel()
	for _, every := range []time.Duration{time.Second, 5 * time.Second, 15 * time.Second} {
		var w window
		if w.rate() != 0 {
			t.Error("it knows something")
		}
		fill := func(rate float64, d time.Duration) {
			for range d / every {
				w.add(rate*every.Seconds(), every, time.Minute)
			}
		}
		fill(100, 5*time.Minute)
		if r := w.rate(); math.Abs(r-100) > 1e-6 {
			t.Errorf("filled every %v: a steady 100 a second are %v", every, r)
		}
		fill(0, time.Minute)
		if r := w.rate(); r < 30 || r > 42 {
			t.Errorf("filled every %v: a minute after they ended, 100 a second are %v", every, r)
		}
		fill(0, 10*time.Minute)
		if r := w.rate(); r > .01 {
			t.Errorf("filled every %v: long after they ended, they are %v", every, r)
		}
	}
}
