package pipeline_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// ownAnswers are what a platform, or a gateway before it, may answer to a single
// record that it does not like.
var ownAnswers = map[string]msdktest.Answer{
	"400":             {HTTP: 400},
	"401":             {HTTP: 401},
	"403":             {HTTP: 403},
	"404":             {HTTP: 404},
	"429":             {HTTP: 429},
	"500":             {HTTP: 500},
	"no answer":       {Fault: msdktest.Hang},
	"a reset":         {Fault: msdktest.Reset},
	"a page":          {Body: "<html>"},
	"not JSON":        {Ret: -304},
	"wrong signature": {Ret: -502},
	"internal error":  {Ret: -306},
	"stale token":     {Ret: -20000, Msg: "42001,access_token expired"},
}

// TestABadRecordHurtsOnlyItselfWhateverItIsAnswered lets a quiet and a busy app
// play beside one record that never goes through: it alone becomes a letter,
// after some retries. Only those in its batch wait until it is found, which takes
// some calls, or their timeouts, one after the other.
func TestABadRecordHurtsOnlyItselfWhateverItIsAnswered(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	for name, answer := range ownAnswers {
		for pace, every := range map[string]time.Duration{"quiet": time.Second, "busy": 10 * time.Millisecond} {
			t.Run(name+", "+pace, func(t *testing.T) {
				var (
					mu    sync.Mutex
					got   = map[string]time.Time{}
					bad   int
					worst time.Duration
				)
				virtualWith(t, msdktest.Config{NoUserLimit: true, OnAccept: func(r msdktest.Report) {
					mu.Lock()
					defer mu.Unlock()
					got[r.OpenID] = time.Now()
				}}, func(w *world) {
					w.cfg.Batch.MaxRecords = 20
					w.cfg.Delivery.Retry.MaxElapsed = time.Minute
					w.msdk.SetRules(msdktest.Latency(30*time.Millisecond), func(r *msdktest.Request) msdktest.Answer {
						if r.Names("bad") {
							mu.Lock()
							defer mu.Unlock()
							bad++
							return answer
						}
						return msdktest.Answer{}
					})
					p, stop := w.start()
					defer stop()
					sent := map[string]time.Time{}
					end := time.Now().Add(2 * time.Minute)
					for i := 0; time.Now().Before(end); i++ {
						if i == 20 {
							w.publish("bad", report("bad", 0))
						}
						user := fmt.Sprintf("player-%d", i)
						w.publish(user, report(user, i))
						sent[user] = time.Now()
						time.Sleep(every)
						if i == 1000 { // busy for ten seconds
							every = 200 * time.Millisecond
						}
					}
					w.settled(p, len(sent)+1, 10*time.Minute)
					letters := w.letters()
					if len(letters) != 1 || string(letters[0].Key) != "bad" || header(letters[0], "deadletter.reason") != "exhausted" {
						w.t.Errorf("letters: %v", letters)
					}
					mu.Lock()
					defer mu.Unlock()
					for user, at := range sent {
						worst = max(worst, got[user].Sub(at))
					}
					if len(got) != len(sent) || worst > time.Minute {
						w.t.Errorf("%d of %d others delivered, one after %s", len(got), len(sent), worst)
					}
					if bad > 60 {
						w.t.Errorf("%d calls with the bad record", bad)
					}
					w.t.Logf("%d calls with the bad record; the others waited for %s at most; held %d times", bad, worst, strings.Count(w.log.text(), "app is held"))
				})
			})
		}
	}
}

// TestCompanyOfABadRecordInAnAppWithNothingElseIsDelivered leaves nobody to
// compare with but those of its own batch.
func TestCompanyOfABadRecordInAnAppWithNothingElseIsDelivered(t *testing.T) {
	t.Parallel()
	for name, answer := range ownAnswers {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && (name == "429" || name == "404" || name == "stale token") {
				t.Skip("waits long, and is isolated as the others are")
			}
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = 10, time.Second
				w.cfg.Delivery.Retry.MaxElapsed = time.Minute
				w.msdk.SetRules(msdktest.Poison(answer, "player-3"))
				w.publishMany("player", 10)
				p, stop := w.start()
				w.settled(p, 10, 3*time.Hour)
				stop()
				if letters := w.letters(); w.msdk.Ledger.Len() != 9 || len(letters) != 1 || string(letters[0].Key) != "player-3" {
					w.t.Errorf("%d delivered, letters %v", w.msdk.Ledger.Len(), letters)
				}
			})
		})
	}
}

// TestAServerOfThreeWithAStaleKeyLosesNothing: a third of the calls are told
// that the app is barred.
func TestAServerOfThreeWithAStaleKeyLosesNothing(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]msdktest.Answer{"wrong signature": {Ret: -502}, "403": {HTTP: 403}, "refused": {Ret: -20000, Msg: "40001,invalid credential"}} {
		t.Run(name, func(t *testing.T) {
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				const n = 5000
				var calls []call
				w.cfg.Batch.MaxRecords = 20
				w.watch(&calls, 50*time.Millisecond, msdktest.Random(1, 1./3, answer))
				w.produceMany(w.topic, "player", n)
				p, stop := w.start()
				w.settled(p, n, 10*time.Minute)
				stop()
				if w.msdk.Ledger.Len() != n || len(w.letters()) != 0 {
					w.t.Errorf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(w.letters()))
				}
				if most := 2 * n / 20; len(calls) > most {
					w.t.Errorf("%d calls, want at most %d: batches were taken apart", len(calls), most)
				}
			})
		})
	}
}

// TestWhoRefusesEverybodyIsHeld: refusals of one player after the other, with no
// success between them, are not the records' fault.
func TestWhoRefusesEverybodyIsHeld(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]msdktest.Answer{"a bad element": {Ret: -1011}, "stale token": {Ret: -20000, Msg: "42001,access_token expired"}, "422": {HTTP: 422}} {
		for _, route := range []string{"battle_report", "wxscore"} {
			t.Run(name+", "+route, func(t *testing.T) {
				if testing.Short() && (name == "422") == (route == "wxscore") {
					t.Skip("refuses two thousand events, as the others do")
				}
				virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
					const n = 2000
					w.cfg.Apps[0].Route = route
					outage := new(msdktest.Outage)
					outage.Begin(answer)
					w.msdk.SetRules(outage.Rule)
					w.produceMany(w.topic, "player", n)
					p, stop := w.start()
					time.Sleep(10 * time.Minute)
					if held := p.Stats().Held; !slices.Equal(held, []string{appID}) {
						w.t.Errorf("held: %v", held)
					}
					if calls := w.calls(); calls > 400 { // one for each probe, and what it takes to see single records refused
						w.t.Errorf("%d calls in ten minutes", calls)
					}
					outage.End()
					w.settled(p, n, 10*time.Minute)
					stop()
					if w.msdk.Ledger.Len() != n || len(w.letters()) != 0 {
						w.t.Errorf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(w.letters()))
					}
				})
			})
		}
	}
}

// TestManyBadRecordsAreRejectedOneByOne: a share of the players is refused, which
// holds nobody.
func TestManyBadRecordsAreRejectedOneByOne(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		const n = 2000
		isBad := func(user string) bool { return strings.HasSuffix(user, "7") }
		w.msdk.SetRules(msdktest.Latency(20*time.Millisecond), func(r *msdktest.Request) msdktest.Answer {
			if slices.ContainsFunc(r.Reports, func(rep msdktest.Report) bool { return isBad(rep.OpenID) }) {
				return msdktest.Answer{Ret: -1011}
			}
			return msdktest.Answer{}
		})
		w.produceMany(w.topic, "player", n)
		p, stop := w.start()
		w.settled(p, n, 10*time.Minute)
		stop()
		letters := w.letters()
		if len(letters) != n/10 || slices.ContainsFunc(letters, func(l kafkatest.Record) bool {
			return !isBad(string(l.Key)) || header(l, "deadletter.reason") != "rejected"
		}) {
			w.t.Errorf("%d letters", len(letters))
		}
		if w.log.contains("app is held") {
			w.t.Error("the app was held")
		}
	})
}

// TestBadRecordsThatAreLeftOverHoldNobody: those in their batches are through first,
// and no success follows.
func TestBadRecordsThatAreLeftOverHoldNobody(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		const n = 600
		isBad := func(user string) bool { return strings.HasSuffix(user, "7") }
		w.cfg.Delivery.MaxInFlight = 100
		w.msdk.SetRules(msdktest.Latency(20*time.Millisecond), func(r *msdktest.Request) msdktest.Answer {
			if !slices.ContainsFunc(r.Reports, func(rep msdktest.Report) bool { return isBad(rep.OpenID) }) {
				return msdktest.Answer{}
			}
			if len(r.Reports) == 1 {
				r.Wait(2 * time.Second)
			}
			return msdktest.Answer{Ret: -1011}
		})
		w.produceMany(w.topic, "player", n)
		p, stop := w.start()
		w.settled(p, n, time.Minute)
		stop()
		if w.msdk.Ledger.Len() != n-n/10 || len(w.letters()) != n/10 {
			w.t.Errorf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(w.letters()))
		}
		if w.log.contains("app is held") {
			w.t.Error("the app was held")
		}
	})
}

// TestWhoBeginsToRefuseEverybodyAmidASplitIsHeld: that others have succeeded since a
// record's batch was refused says nothing of what comes after.
func TestWhoBeginsToRefuseEverybodyAmidASplitIsHeld(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		const n = 3000
		isBad := func(user string) bool { return strings.HasSuffix(user, "77") }
		outage := new(msdktest.Outage)
		var refused atomic.Int64
		w.msdk.SetRules(msdktest.Latency(20*time.Millisecond), outage.Rule, func(r *msdktest.Request) msdktest.Answer {
			if !slices.ContainsFunc(r.Reports, func(rep msdktest.Report) bool { return isBad(rep.OpenID) }) {
				return msdktest.Answer{}
			}
			if refused.Add(1) == 20 {
				outage.Begin(msdktest.Answer{Ret: -1011})
			}
			return msdktest.Answer{Ret: -1011}
		})
		w.produceMany(w.topic, "player", n)
		p, stop := w.start()
		w.until("the app is held", time.Minute, func() bool { return slices.Equal(p.Stats().Held, []string{appID}) })
		time.Sleep(5 * time.Minute)
		outage.End()
		w.settled(p, n, 10*time.Minute)
		stop()
		good := 0
		for _, l := range w.letters() {
			if !isBad(string(l.Key)) {
				good++
			}
		}
		if most := w.cfg.Delivery.Breaker.Failures; good >= most || w.msdk.Ledger.Len() != n-len(w.letters()) {
			w.t.Errorf("%d delivered, %d letters, %d of them good, want less than %d", w.msdk.Ledger.Len(), len(w.letters()), good, most)
		}
	})
}

// TestADoubtedRefusalIsCarriedOutOnceOthersSucceed, and not before it has been
// waited with.
func TestADoubtedRefusalIsCarriedOutOnceOthersSucceed(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.msdk.SetRules(msdktest.Poison(msdktest.Answer{Ret: -1011}, "bad"))
		p, stop := w.start()
		w.publish("bad", report("bad", 1))
		w.until("a call", time.Minute, func() bool { return w.calls() == 1 })
		refused := time.Now()
		time.Sleep(200 * time.Millisecond)
		if n := settled(p.Stats()); n != 0 {
			w.t.Errorf("%d events are settled, and nothing has succeeded", n)
		}
		w.publish("good", report("good", 1))
		w.settled(p, 2, time.Minute)
		if took := time.Since(refused); took > 500*time.Millisecond {
			w.t.Errorf("it took %s", took)
		}
		stop()
	})
}
