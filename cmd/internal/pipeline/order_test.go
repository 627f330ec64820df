package pipeline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestScriptedAnswers gives each of 50 players 40 reports and a platform that
// answers the calls with them by script. Every report arrives once, in order.
func TestScriptedAnswers(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		const players, reports = 50, 40
		w.cfg.Batch.MaxRecords = 20
		w.cfg.Delivery.Breaker.Failures = 1000 // the scripts fail a lot; this is not about health
		scripts := [][]msdktest.Answer{
			{},
			{{HTTP: 500}, {HTTP: 500}},
			{{Fault: msdktest.Hang}},
			{{Fault: msdktest.Reset}, {}, {HTTP: 503}},
			{{Ret: -503}, {Ret: -306}},
			{{HTTP: 429, RetryAfter: "3"}, {HTTP: 200, Body: "<html>"}},
			{{Ret: -20000, Msg: "45009,too fast"}, {}, {Ret: -1}},
		}
		want := map[string][]string{}
		var rules []msdktest.Rule
		for i := range players {
			user := fmt.Sprintf("player-%02d", i)
			for n := range reports {
				want[user] = append(want[user], report(user, n))
			}
			w.publish(user, want[user]...)
			rules = append(rules, msdktest.Script(user, scripts[i%len(scripts)]...))
		}
		w.msdk.SetRules(rules...)
		p, stop := w.start()
		w.settled(p, players*reports, time.Hour)
		stop()
		for user, reports := range want {
			if got := w.accepted(user); !slices.Equal(got, reports) {
				w.t.Errorf("%s: accepted %d, want %d in order", user, len(got), len(reports))
			}
		}
		if l := w.letters(); len(l) > 0 {
			w.t.Errorf("%d letters: %v", len(l), l[0].Headers)
		}
	})
}

func TestUserIsNeverInTwoCallsAtOnce(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = 3, 0
		var calls []call
		w.watch(&calls, 200*time.Millisecond)
		n := 0
		for i := range 60 {
			w.publish(fmt.Sprintf("player-%d", i%4), report(fmt.Sprintf("player-%d", i%4), i))
			n++
		}
		p, stop := w.start()
		w.settled(p, n, time.Hour)
		stop()
		for i, a := range calls {
			for _, b := range calls[:i] {
				if a.began.Before(b.ended) && b.began.Before(a.ended) && slices.ContainsFunc(a.users, func(u string) bool { return slices.Contains(b.users, u) }) {
					w.t.Fatalf("two calls at once share a user: %+v and %+v", a, b)
				}
			}
		}
	})
}
