package main

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/expr-lang/expr"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

func theSpec(t *testing.T) *spec {
	t.Helper()
	s, err := readSpec()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheFormulaSays(t *testing.T) {
	t.Parallel()
	s := theSpec(t)
	for rule, c := range map[string]struct{ wanted, limited, want float64 }{
		"what the members want on average":                        {1.7, 0, 1.7},
		"fewer, where they want fewer":                            {0.5, 0, 0.5},
		"as it is, while the platform limits all":                 {1, 1, 1},
		"as it is, while it lets go of all for a moment":          {4, 1, 1},
		"not fewer, while it limits some and the others are idle": {0.7, 0.2, 1},
		"more, where those that it does not limit want as many":   {1.6, 0.2, 1.6},
	} {
		got, err := expr.Run(s.formula, map[string]float64{"wanted": c.wanted, "limited": c.limited})
		if err != nil || got != c.want {
			t.Errorf("%s: %v, %v, want %v", rule, got, err, c.want)
		}
	}
}

// playedOnce is each scenario, by its name: they take a second, and several tests look at them.
var playedOnce = sync.OnceValues(func() (map[string]*play, error) {
	s, err := readSpec()
	if err != nil {
		return nil, err
	}
	all := map[string]*play{}
	for _, scenario := range scenarios {
		if all[scenario.name], err = playOut(scenario, s); err != nil {
			return nil, fmt.Errorf("%s: %w", scenario.name, err)
		}
	}
	return all, nil
})

func played(t *testing.T) map[string]*play {
	t.Helper()
	all, err := playedOnce()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestNeverUpWhileThePlatformIsTheLimit(t *testing.T) {
	t.Parallel()
	limited := 0
	for name, p := range played(t) {
		for _, s := range p.steps {
			if s.limited && s.by > 0 {
				t.Errorf("%s: %+d at minute %d, while the platform takes no more", name, s.by, s.at/60)
			}
		}
		for _, m := range p.moments {
			if p.takes(float64(m.minute), 0) < plenty || p.quota > 0 {
				limited++
			}
		}
	}
	if limited < 300 {
		t.Errorf("the platform was the limit for %d minutes: the rule was hardly tried", limited)
	}
}

func TestNeverMoreThanPartitionsOrFewerThanTheLeast(t *testing.T) {
	t.Parallel()
	s := theSpec(t)
	if s.min < 2 || s.max > partitions {
		t.Errorf("from %d to %d replicas, with %d partitions", s.min, s.max, partitions)
	}
	reached := 0
	for name, p := range played(t) {
		for _, m := range p.moments {
			reached = max(reached, m.replicas)
			if m.replicas < s.min || m.replicas > partitions {
				t.Errorf("%s: %d replicas at minute %d", name, m.replicas, m.minute)
			}
		}
	}
	if reached < partitions {
		t.Errorf("there were never more than %d: the rule was hardly tried", reached)
	}
}

// TestShrinkingIsSlow: at most a quarter, or one, within ten minutes; and nothing for half an hour after more was wanted.
func TestShrinkingIsSlow(t *testing.T) {
	t.Parallel()
	shrunk := 0
	for name, p := range played(t) {
		for i, m := range p.moments {
			before := p.moments[max(0, i-9)].replicas
			if least := min(before-1, int(float64(before)*0.75)); m.replicas < least {
				t.Errorf("%s: from %d to %d replicas within the ten minutes to %d", name, before, m.replicas, m.minute)
			}
		}
		lastUp := math.MinInt / 2
		for _, s := range p.steps {
			if s.by > 0 {
				lastUp = s.at
			} else if shrunk++; s.at-lastUp < 30*60 {
				t.Errorf("%s: %+d at minute %d, %d minutes after there was need for more", name, s.by, s.at/60, (s.at-lastUp)/60)
			}
		}
	}
	if shrunk < 10 {
		t.Errorf("it shrank %d times: the rule was hardly tried", shrunk)
	}
}

func TestWhatComesOfIt(t *testing.T) {
	t.Parallel()
	all := played(t)
	for _, c := range []struct {
		rule, scenario string
		begin, end     int // minutes
		holds          func(p *play, of []moment) bool
	}{
		{"the peak waits for a minute at most", "an evening peak", 0, 420, func(_ *play, of []moment) bool { return longest(of) <= 60 }},
		{"the peak has what it needs, and half as much again at most", "an evening peak", 150, 240, func(_ *play, of []moment) bool {
			return least(of) >= 11 && most(of) <= 16
		}},
		{"after the peak there are few again", "an evening peak", 415, 420, func(_ *play, of []moment) bool { return most(of) <= 4 }},
		{"an evening is one way up and one way down", "an evening peak", 0, 420, func(p *play, _ []moment) bool { return turns(p) == 1 && len(p.steps) <= 16 }},
		{"an outage leaves the number as it is", "an outage of the platform as the evening begins", 91, 131, unchanged},
		{"what waited in an outage of 40 minutes is worked off within 35", "an outage of the platform as the evening begins", 165, 420, func(_ *play, of []moment) bool {
			return longest(of) <= 60
		}},
		{"a platform that is too small leaves the number as it is", "a platform that takes 6,000 a second and no more", 95, 360, unchanged},
		{"a quota leaves the number as it is", "a quota that is used up within each minute", 0, 240, unchanged},
		{"a held app keeps its members, though the others are idle", "an app of three partitions held in a quiet group", 0, 240, unchanged},
		{"a hot partition gets what the others need, and one more at most", "a hot partition", 0, 240, func(_ *play, of []moment) bool { return most(of) <= 6 }},
		{"a new group works off its backlog within twenty minutes", "a new group before a backlog", 20, 240, func(_ *play, of []moment) bool { return longest(of) <= 60 }},
		{"a deploy changes no number", "three deploys, the third in an outage", 0, 120, unchanged},
		{"nor does one in an outage", "three deploys, the third in an outage", 120, 150, unchanged},
		{"without Prometheus the number stays", "Prometheus away as the evening begins", 70, 120, unchanged},
		{"nor does it change while Prometheus knows of no member", "no member can be scraped for an hour", 0, 240, unchanged},
		{"and once it is back what waited is worked off within a quarter of an hour", "Prometheus away as the evening begins", 135, 420, func(_ *play, of []moment) bool {
			return longest(of) <= 60
		}},
	} {
		p := all[c.scenario]
		if p == nil {
			t.Fatalf("no scenario %q", c.scenario)
		}
		if of := p.moments[c.begin:c.end]; !c.holds(p, of) {
			t.Errorf("%s: not so: from %d to %d replicas, %d steps, records wait for %.0f s at most", c.rule, least(of), most(of), len(p.steps), longest(of))
		}
	}
	doubled := 0
	for _, m := range all["three deploys, the third in an outage"].moments {
		if m.pods == 2*m.replicas {
			doubled++
		}
	}
	if doubled == 0 {
		t.Error("no deploy had twice the pods: it was not tried")
	}
}

func unchanged(_ *play, of []moment) bool { return least(of) == most(of) }

func least(of []moment) int {
	n := math.MaxInt
	for _, m := range of {
		n = min(n, m.replicas)
	}
	return n
}

func most(of []moment) (n int) {
	for _, m := range of {
		n = max(n, m.replicas)
	}
	return n
}

// longest is how long what comes waits at most, in seconds of what came last.
func longest(of []moment) (seconds float64) {
	for _, m := range of {
		seconds = max(seconds, m.lag/m.arrivals)
	}
	return seconds
}

// turns is how often it went the other way.
func turns(p *play) (n int) {
	for i := 1; i < len(p.steps); i++ {
		if (p.steps[i].by > 0) != (p.steps[i-1].by > 0) {
			n++
		}
	}
	return n
}

func TestTheDrawingIsTheOneOfTheDocuments(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "scaling.svg")
	if err := run(file); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	committed, err := os.ReadFile(filepath.Join(render.Deploy, "kubernetes/scaling.svg"))
	if err != nil || string(committed) != string(got) {
		t.Errorf("deploy/kubernetes/scaling.svg is not what is drawn now (%v); to draw it anew:\n"+
			"\tgo -C .ci/kubernetes run ./scaling -o \"$PWD/deploy/kubernetes/scaling.svg\"", err)
	}
}
