package msdktest_test

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestRules(t *testing.T) {
	t.Parallel()
	down := msdktest.Answer{HTTP: 500}
	busy := msdktest.Answer{Ret: -306}
	for rule, tt := range map[string]struct {
		rules []msdktest.Rule
		calls []string // the users of each call
		want  string   // the outcomes
	}{
		"without rules all is accepted": {nil, []string{"a", "b"}, "0 0"},
		"a script is per user, wherever in the batch, and ends": {
			[]msdktest.Rule{msdktest.Script("a", down, msdktest.Answer{}, busy)},
			[]string{"a", "b", "b a", "a", "a"},
			"500 0 0 -306 0",
		},
		"the first objection is the answer, and every rule is asked": {
			[]msdktest.Rule{msdktest.Script("a", down), msdktest.Script("b", busy, busy)},
			[]string{"a b", "b", "b"},
			"500 -306 0",
		},
		"poison spoils every batch it is in": {
			[]msdktest.Rule{msdktest.Poison(msdktest.Answer{Ret: -1011}, "x", "y")},
			[]string{"a b", "a x", "y", "x y", "b"},
			"0 -1011 -1011 -1011 0",
		},
		"a rule for another app does not apply": {
			[]msdktest.Rule{msdktest.ForApp("wx2", msdktest.Always(down)), msdktest.ForApp("wx1", msdktest.Script("a", busy))},
			[]string{"a", "a"},
			"-306 0",
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(config)
			sim.SetRules(tt.rules...)
			got := make([]string, len(tt.calls))
			for i, users := range tt.calls {
				got[i] = outcome(sim, battle(strings.Fields(users)...))
			}
			if strings.Join(got, " ") != tt.want {
				t.Errorf("outcomes %v, want %s", got, tt.want)
			}
		})
	}
}

// outcome is the ret of the answer, or its HTTP status if that is not 200.
func outcome(sim *msdktest.Server, c *call) string {
	before := sim.Ledger.Outcomes()
	c.do(sim)
	for name, n := range sim.Ledger.Outcomes() {
		if n > before[name] {
			_, code, _ := strings.Cut(name, " ")
			return code
		}
	}
	return "none"
}

func TestRandomIsRepeatable(t *testing.T) {
	t.Parallel()
	run := func(seed uint64) (outcomes string, failures int) {
		sim := msdktest.New(config)
		sim.SetRules(msdktest.Random(seed, 0.25, msdktest.Answer{HTTP: 502}))
		for range 400 {
			outcomes += outcome(sim, battle("a")) + " "
		}
		return outcomes, sim.Ledger.Outcomes()["http 502"]
	}
	first, failures := run(1)
	again, _ := run(1)
	other, _ := run(2)
	if first != again || first == other {
		t.Error("the seed does not decide which calls fail")
	}
	if failures < 50 || failures > 150 {
		t.Errorf("%d of 400 calls failed, at a rate of 0.25", failures)
	}
}

func TestOutageBeginsAndEnds(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	var outage msdktest.Outage
	sim.SetRules(outage.Rule)
	got := []string{outcome(sim, battle("a"))}
	outage.Begin(msdktest.Answer{HTTP: 503, RetryAfter: "30"})
	got = append(got, outcome(sim, battle("a")))
	outage.Begin(msdktest.Answer{Ret: -307})
	got = append(got, outcome(sim, battle("a")))
	outage.End()
	got = append(got, outcome(sim, battle("a")))
	if strings.Join(got, " ") != "0 503 -307 0" {
		t.Errorf("outcomes %v", got)
	}
}

func TestLatencyDelaysAcceptance(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(config)
		sim.SetRules(msdktest.Latency(time.Second), msdktest.Latency(2*time.Second))
		began := time.Now()
		mustAnswer(t, sim, battle("a"), `{"ret":0`)
		if took := sim.Ledger.Reports()[0].Time.Sub(began); took != 3*time.Second {
			t.Errorf("accepted after %v, want 3s", took)
		}
	})
}
