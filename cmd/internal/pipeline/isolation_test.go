package pipeline_test

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestOnlyThePoisonBecomesALetter(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		const players = 100
		w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = players, time.Minute
		var calls []call
		w.watch(&calls, 0, msdktest.Poison(msdktest.Answer{Ret: -1011, Msg: "bad element"}, "player-037"))
		for i := range players {
			user := fmt.Sprintf("player-%03d", i)
			w.publish(user, report(user, i))
		}
		p, stop := w.start()
		w.settled(p, players, time.Hour)
		stop()
		if n := w.msdk.Ledger.Len(); n != players-1 {
			w.t.Errorf("%d delivered, want %d", n, players-1)
		}
		letters := w.letters()
		if len(letters) != 1 || string(letters[0].Key) != "player-037" {
			w.t.Fatalf("letters: %v", letters)
		}
		for key, want := range map[string]string{
			"deadletter.reason": "rejected", "deadletter.ret": "-1011", "deadletter.http_status": "200",
			"deadletter.delivery": "none", "deadletter.appid": appID, "deadletter.route": "battle_report",
			"deadletter.source.topic": w.topic, "deadletter.replays": "0",
			"deadletter.attempts": callsWith("player-037", calls),
		} {
			if got := header(letters[0], key); got != want {
				w.t.Errorf("%s: got %q, want %q", key, got, want)
			}
		}
		extra := w.calls() - 1
		if bound := int(2*math.Log2(players)) + 2; extra > bound {
			w.t.Errorf("%d calls beyond the first, want at most %d", extra, bound)
		}
	})
}

func TestSplitKeepsTheOrderOfAUser(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Batch.Linger = time.Minute
		w.cfg.Batch.MaxRecords = 9
		w.msdk.SetRules(msdktest.Poison(msdktest.Answer{Ret: -1011}, "bad"))
		var want []string
		for i := range 4 {
			want = append(want, report("anna", i))
		}
		w.publish("anna", want[:2]...)
		w.publish("bad", report("bad", 0))
		w.publish("anna", want[2:]...)
		w.publish("bad", report("bad", 1))
		w.publish("ben", report("ben", 0))
		p, stop := w.start()
		w.settled(p, 7, time.Hour)
		stop()
		if got := w.accepted("anna"); fmt.Sprint(got) != fmt.Sprint(want) {
			w.t.Errorf("anna: got %q", got)
		}
		if l := w.letters(); len(l) != 2 {
			w.t.Errorf("%d letters, want the 2 of bad", len(l))
		}
	})
}

func TestNeverSplitForWhatStrikesEverybody(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]msdktest.Answer{
		"server error":   {HTTP: 500},
		"timeout":        {Fault: msdktest.Hang},
		"internal error": {Ret: -306},
		"wrong key":      {Ret: -502},
		"no such path":   {HTTP: 404},
		"throttled":      {HTTP: 429},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(w *world) {
				var calls []call
				outage := new(msdktest.Outage)
				outage.Begin(answer)
				w.watch(&calls, 0, outage.Rule)
				w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = 10, time.Minute
				for i := range 10 {
					user := fmt.Sprintf("player-%d", i)
					w.publish(user, report(user, i))
				}
				p, stop := w.start()
				time.Sleep(2 * time.Minute)
				outage.End()
				w.settled(p, 10, time.Hour)
				stop()
				// An app or endpoint failure opens the breaker, whose probe is a
				// single record; nothing else may be smaller than the batch.
				small := 0
				for _, c := range calls {
					if len(c.users) < 10 {
						small++
					}
				}
				held := answer.Ret == -502 || answer.HTTP == 404
				if !held && small > 0 {
					w.t.Errorf("%d of %d calls had less than the batch", small, len(calls))
				}
				if w.msdk.Ledger.Len() != 10 || len(w.letters()) != 0 {
					w.t.Errorf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(w.letters()))
				}
			})
		})
	}
}

// TestServerErrorForBadContent: a server that fails on bad content with a 5xx
// looks like an outage, but for the others that succeed meanwhile.
func TestServerErrorForBadContent(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = 16, 100*time.Millisecond
		w.cfg.Delivery.Retry.MaxElapsed = time.Minute
		var calls []call
		w.watch(&calls, 0, msdktest.Poison(msdktest.Answer{HTTP: 500}, "bad"))
		w.publish("bad", report("bad", 0))
		for i := range 15 {
			user := fmt.Sprintf("player-%d", i)
			w.publish(user, report(user, i))
		}
		p, stop := w.start()
		for i := range 600 { // others go on playing
			user := fmt.Sprintf("later-%d", i)
			w.publish(user, report(user, i))
			time.Sleep(200 * time.Millisecond)
		}
		w.settled(p, 616, time.Hour)
		stop()
		letters := w.letters()
		if len(letters) != 1 || string(letters[0].Key) != "bad" || header(letters[0], "deadletter.reason") != "exhausted" {
			w.t.Fatalf("letters: %v", letters)
		}
		if got, want := header(letters[0], "deadletter.attempts"), callsWith("bad", calls); got != want {
			w.t.Errorf("the letter says %s attempts, it was in %s calls", got, want)
		}
		if n := w.msdk.Ledger.Len(); n != 615 {
			w.t.Errorf("%d delivered, want 615", n)
		}
	})
}

// TestOnePoisonAmongTenThousand: the others are delivered, and finding the
// culprit costs what a binary search costs.
func TestOnePoisonAmongTenThousand(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		const players = 10_000
		w.msdk.SetRules(msdktest.Poison(msdktest.Answer{Ret: -1011}, "player-04711"))
		var records []kafkatest.Record
		for i := range players {
			user := fmt.Sprintf("player-%05d", i)
			records = append(records, kafkatest.Record{Topic: w.topic, Partition: partitionOf(user), Key: []byte(user), Value: []byte(report(user, i))})
		}
		w.Produce(w.t, records...)
		var calls []call
		w.watch(&calls, 20*time.Millisecond, msdktest.Poison(msdktest.Answer{Ret: -1011}, "player-04711"))
		p, stop := w.start()
		w.settled(p, players, time.Hour)
		stop()
		letters := w.letters()
		if n := w.msdk.Ledger.Len(); n != players-1 || len(letters) != 1 || string(letters[0].Key) != "player-04711" {
			w.t.Fatalf("%d delivered, letters %v", n, letters)
		}
		poisoned, refused := map[string]bool{}, 0
		for _, c := range calls {
			if slices.Contains(c.users, "player-04711") {
				refused++
				for _, u := range c.users {
					poisoned[u] = true
				}
			}
		}
		extra := refused - 1 // and the healthy halves:
		for _, c := range calls {
			if poisoned[c.users[0]] && !slices.Contains(c.users, "player-04711") {
				extra++
			}
		}
		w.t.Logf("%d calls for %d players; a batch of %d was refused, %d calls more than the first for it", len(calls), players, len(poisoned), extra)
		if bound := int(2*math.Log2(100)) + 2; extra > bound {
			w.t.Errorf("%d extra calls, want at most %d", extra, bound)
		}
	})
}
