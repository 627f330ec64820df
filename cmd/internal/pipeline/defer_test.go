package pipeline_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

const thirdApp = "wx0000000000000003"

// mixed produces n events of each of some apps, one after the other, of so many users an app.
func (w *world) mixed(n, users int, apps ...string) {
	w.t.Helper()
	w.mixedFrom(0, n, users, apps...)
}

// mixedFrom is mixed for events from a number on.
func (w *world) mixedFrom(from, n, users int, apps ...string) {
	w.t.Helper()
	var records []kafkatest.Record
	for i := from; i < from+n; i++ {
		for _, app := range apps {
			user := fmt.Sprintf("%s-%d", app[len(app)-1:], i%users)
			records = append(records, kafkatest.Record{
				Topic: w.topic, Partition: partitionOf(user), Key: []byte(user), Value: []byte(report(user, i)),
				Headers: []kafkatest.Header{{Key: "appid", Value: []byte(app)}},
			})
		}
		if len(records) > 5000 {
			w.Produce(w.t, records...)
			records = nil
		}
	}
	w.Produce(w.t, records...)
}

// expectOnceInOrder expects each of an app's n events, of so many users, to have been accepted once, and each user's in order.
func (w *world) expectOnceInOrder(app string, n, users int) {
	w.t.Helper()
	got := map[string][]string{}
	for _, r := range w.msdk.Ledger.App(app) {
		got[r.OpenID] = append(got[r.OpenID], string(r.Raw))
	}
	for u := range users {
		user := fmt.Sprintf("%s-%d", app[len(app)-1:], u)
		var want []string
		for i := u; i < n; i += users {
			want = append(want, report(user, i))
		}
		if !slices.Equal(got[user], want) {
			w.t.Fatalf("app %s, user %s: %d events accepted, %d were published; or out of order: %.600q", app, user, len(got[user]), len(want), got[user])
		}
	}
}

// deferred is how many records wait to be taken later.
func deferred(p *pipeline.Pipeline) (n int64) {
	for _, l := range p.Lag() {
		n += l.Deferred
	}
	return n
}

// inOneTopic runs a test of apps that share the topic, one of which is barred.
func inOneTopic(t *testing.T, test func(w *world, bar *msdktest.Outage)) {
	t.Helper()
	virtualWith(t, msdktest.Config{NoUserLimit: true, Apps: []msdktest.App{{ID: thirdApp, AppKey: appKey}}}, func(w *world) {
		w.cfg.Delivery.MaxPending = 400
		w.cfg.Delivery.MaxHold = 24 * time.Hour
		w.addApp(otherApp, w.topic)
		bar := new(msdktest.Outage)
		bar.Begin(msdktest.Answer{Ret: -502})
		w.msdk.SetRules(msdktest.ForApp(appID, bar.Rule))
		test(w, bar)
	})
}

// TestOthersOfAHeldAppsTopicHaveTheirThroughput compares, in virtual time, how long a healthy app's events take alone
// and among those of apps that are held.
func TestOthersOfAHeldAppsTopicHaveTheirThroughput(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("delivers 240,000 events")
	}
	const events = 40_000
	took := func(t *testing.T, pending int, barred ...string) (d time.Duration) {
		inOneTopic(t, func(w *world, bar *msdktest.Outage) {
			w.cfg.Delivery.MaxPending = pending
			w.cfg.Batch.MaxRecords = 10 // so that it takes long enough to see past the calls that fail at first
			if slices.Contains(barred, thirdApp) {
				w.addApp(thirdApp, w.topic)
			}
			rules := []msdktest.Rule{msdktest.Latency(400 * time.Millisecond)}
			for _, app := range barred {
				rules = append(rules, msdktest.ForApp(app, bar.Rule))
			}
			w.msdk.SetRules(rules...)
			w.mixed(events, events, append(slices.Clone(barred), otherApp)...)
			began := time.Now()
			p, stop := w.start()
			w.until("the healthy app's events are delivered", time.Hour, func() bool { return p.Stats().Delivered == events })
			d = time.Since(began)
			time.Sleep(time.Minute)
			if got := deferred(p); len(barred) > 0 && got < events*3/10 {
				w.t.Errorf("%d records are deferred", got)
			}
			stop()
		})
		return d
	}
	for rule, test := range map[string]struct {
		pending int
		barred  []string
		least   float64
	}{
		"of one app, with the limits as they are by default":                {20_000, []string{appID}, 0.9},
		"of two apps, with the limits as they are by default":               {20_000, []string{appID, thirdApp}, 0.9},
		"of one app, where there is room for hardly more than is in flight": {400, []string{appID}, 0.8},
	} {
		t.Run(rule, func(t *testing.T) {
			alone, beside := took(t, test.pending), took(t, test.pending, test.barred...)
			ratio := alone.Seconds() / beside.Seconds()
			t.Logf("alone %s, among the records of others %s: %.2f of the throughput", alone, beside, ratio)
			if ratio < test.least {
				t.Errorf("%.2f of the throughput is left, want at least %.2f", ratio, test.least)
			}
		})
	}
}

// What is deferred of a held app is delivered once it is let go, each event once and each player's in order: whatever
// happens meanwhile.
func TestWhatIsDeferredIsDeliveredOnceTheAppIsLetGo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	const n, users = 3000, 50
	for rule, meanwhile := range map[string]func(w *world, p *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()){
		"while nothing else happens": func(_ *world, p *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()) { return p, stop },
		"after deploys": func(w *world, p *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()) {
			for range 3 {
				stop()
				p, stop = w.start()
				time.Sleep(time.Minute)
				if got := deferred(p); got < n/2 {
					w.t.Errorf("after a deploy %d are deferred", got)
				}
			}
			return p, stop
		},
		"after one deploy behind the other": func(w *world, _ *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()) {
			for range 5 {
				stop()
				_, stop = w.start()
				time.Sleep(300 * time.Millisecond)
			}
			stop()
			return w.start()
		},
		"after a scale up and down": func(w *world, p *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()) {
			_, stopSecond := w.start()
			_, stopThird := w.start()
			time.Sleep(time.Minute)
			stop()
			time.Sleep(10 * time.Second)
			stopSecond()
			time.Sleep(10 * time.Second)
			return p, stopThird
		},
		"after the broker was gone": func(w *world, p *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()) {
			w.Sever()
			time.Sleep(30 * time.Second)
			w.Restore()
			time.Sleep(time.Minute)
			return p, stop
		},
		"after more was published": func(w *world, p *pipeline.Pipeline, stop func()) (*pipeline.Pipeline, func()) {
			for i := range 100 {
				w.mixedFrom(n+i, 1, users, otherApp)
				time.Sleep(time.Second)
			}
			return p, stop
		},
	} {
		t.Run(rule, func(t *testing.T) {
			inOneTopic(t, func(w *world, bar *msdktest.Outage) {
				w.mixed(n, users, appID, otherApp)
				p, stop := w.start()
				w.until("the healthy app's events are delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
				time.Sleep(time.Minute)
				if got := deferred(p); got < n*9/10 {
					w.t.Errorf("%d are deferred", got)
				}
				_, stop = meanwhile(w, p, stop)
				bar.End()
				all := int64(2 * n)
				if rule == "after more was published" {
					all += 100
				}
				w.until("all is committed", time.Hour, func() bool { return w.committed() == all })
				stop()
				w.expectOnceInOrder(appID, n, users)
				w.expectOnceInOrder(otherApp, int(all)-n, users)
				if letters := w.letters(); len(letters) > 0 {
					w.t.Errorf("%d letters", len(letters))
				}
			})
		})
	}
}

// While what was deferred is taken, there may be deploys, and more is published of both apps.
func TestWhatIsDeferredCatchesUpWithWhatIsPublished(t *testing.T) {
	t.Parallel()
	const n, users = 2000, 50
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		w.mixed(n, users, appID, otherApp)
		p, stop := w.start()
		w.until("the healthy app's events are delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
		w.msdk.SetRules(msdktest.Latency(50*time.Millisecond), msdktest.ForApp(appID, bar.Rule))
		bar.End()
		sent := n
		for i := range 300 { // a hundred a second
			w.mixedFrom(sent, 10, users, appID, otherApp)
			sent += 10
			if i%40 == 20 {
				stop()
				p, stop = w.start()
			}
			time.Sleep(100 * time.Millisecond)
		}
		w.until("nothing is deferred any more", time.Minute, func() bool { return deferred(p) == 0 })
		w.until("all is committed", time.Hour, func() bool { return w.committed() == int64(2*sent) })
		stop()
		w.expectOnceInOrder(appID, sent, users)
		w.expectOnceInOrder(otherApp, sent, users)
	})
}

// A crash repeats no more than what was settled since the last commit, whatever is deferred.
func TestACrashBesideWhatIsDeferredLosesNothing(t *testing.T) {
	t.Parallel()
	const n, users = 2000, 2000
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		w.mixed(n, users, appID, otherApp)
		w.cfg.Batch.MaxRecords = 10
		w.msdk.SetRules(msdktest.Latency(100*time.Millisecond), msdktest.ForApp(appID, bar.Rule))
		m := w.startCrashable()
		w.until("the healthy app's events are delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
		time.Sleep(time.Second)
		m.crash()
		m = w.startCrashable()
		w.until("it has joined", time.Minute, func() bool { return len(m.NotReady()) == 0 })
		time.Sleep(time.Minute)
		if got := len(w.msdk.Ledger.App(otherApp)); got != n {
			w.t.Errorf("the healthy app's %d events were delivered %d times", n, got)
		}
		bar.End()
		w.until("some of what was deferred is delivered", time.Minute, func() bool { return len(w.msdk.Ledger.App(appID)) > n/3 })
		m.crash()
		m = w.startCrashable()
		w.until("all is committed", time.Hour, func() bool { return w.committed() == 2*n })
		m.stop()
		got := map[string]bool{}
		for _, r := range w.msdk.Ledger.App(appID) {
			got[r.OpenID] = true
		}
		if again := len(w.msdk.Ledger.App(appID)) - n; len(got) != n || again > 1000 {
			w.t.Errorf("%d of %d delivered, %d again", len(got), n, again)
		}
	})
}

// Held records become letters when max_hold is over, those too that were deferred: no sooner, and not an hour later for
// each share of the room.
func TestWhatIsDeferredIsHeldNoLonger(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	const n = 3000
	inOneTopic(t, func(w *world, _ *msdktest.Outage) {
		w.cfg.Delivery.MaxHold = time.Hour
		w.mixed(n, n, appID, otherApp)
		p, stop := w.start()
		began := time.Now()
		w.until("the healthy app's events are delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
		time.Sleep(time.Until(began.Add(55 * time.Minute)))
		if got := p.Stats().DeadLetters["exhausted"]; got != 0 {
			w.t.Errorf("%d letters within the hour", got)
		}
		time.Sleep(10 * time.Minute)
		w.mixedFrom(n, 100, n, appID) // they have not waited yet
		time.Sleep(10 * time.Minute)
		if got := p.Stats().DeadLetters["exhausted"]; got != n {
			w.t.Errorf("%d letters of %d after it", got, n)
		}
		time.Sleep(time.Hour)
		if got := p.Stats().DeadLetters["exhausted"]; got != n+100 {
			w.t.Errorf("%d letters of %d an hour later", got, n+100)
		}
		w.until("all is committed", time.Minute, func() bool { return w.committed() == 2*n+100 })
		stop()
	})
}

// An app need not be held to be in the way of others.
func TestAnAppThatIsSlowLeavesTheOthersTheirThroughput(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("waits for hundreds of slow calls")
	}
	const n = 800
	for rule, slow := range map[string]msdktest.Rule{
		"since it is throttled":     msdktest.Random(1, 0.9, msdktest.Answer{HTTP: 429, RetryAfter: "1"}),
		"since its calls take long": msdktest.Latency(4 * time.Second),
	} {
		t.Run(rule, func(t *testing.T) {
			inOneTopic(t, func(w *world, _ *msdktest.Outage) {
				w.cfg.Batch.MaxRecords = 10
				w.msdk.SetRules(msdktest.ForApp(appID, slow))
				w.mixed(n, n, appID, otherApp)
				began := time.Now()
				_, stop := w.start()
				w.until("the other app's events are delivered", time.Hour, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
				if took := time.Since(began); took > 8*time.Second {
					w.t.Errorf("the other app's events took %s", took)
				}
				if got := len(w.msdk.Ledger.App(appID)); got > n/2 {
					w.t.Errorf("%d of the slow app's were delivered meanwhile", got)
				}
				w.until("all is committed", 10*time.Hour, func() bool { return w.committed() == 2*n })
				stop()
				w.expectOnceInOrder(appID, n, n)
				w.expectOnceInOrder(otherApp, n, n)
			})
		})
	}
}

// Where all apps of a topic are held there is nobody for whom to read on.
func TestNothingIsDeferredWhereNobodyElseCouldGoOn(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	const n = 2000
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		w.msdk.SetRules(bar.Rule)
		w.mixed(n, n, appID, otherApp)
		p, stop := w.start()
		time.Sleep(time.Hour)
		if got := deferred(p); got > 2*400 {
			w.t.Errorf("%d are deferred", got)
		}
		bar.End()
		w.until("all is committed", time.Hour, func() bool { return w.committed() == 2*n })
		stop()
		w.expectOnceInOrder(appID, n, n)
		w.expectOnceInOrder(otherApp, n, n)
	})
}

// Replayed letters of a held app leave those of others their room.
func TestReplayedLettersOfAHeldAppAreDeferredToo(t *testing.T) {
	t.Parallel()
	const n = 2000
	inOneTopic(t, func(w *world, bar *msdktest.Outage) {
		_, stop := w.start()
		w.until("the replay topic exists", time.Minute, func() bool { return w.log.contains("generation begun") })
		var records []kafkatest.Record
		for i := range n {
			for _, app := range []string{appID, otherApp} {
				user := fmt.Sprintf("%s-%d", app[len(app)-1:], i)
				r := w.replay(user, report(user, i), int64(i))
				r.Headers = append(r.Headers, kafkatest.Header{Key: "appid", Value: []byte(app)})
				records = append(records, r)
			}
		}
		w.Produce(w.t, records...)
		w.until("the healthy app's letters are delivered", 10*time.Minute, func() bool { return len(w.msdk.Ledger.App(otherApp)) == n })
		stop()
		p, stop := w.start()
		time.Sleep(time.Minute)
		if got := deferred(p); got < n*9/10 {
			w.t.Errorf("%d are deferred", got)
		}
		bar.End()
		w.until("all are delivered", time.Hour, func() bool { return len(w.msdk.Ledger.App(appID)) == n })
		stop()
		w.expectOnceInOrder(appID, n, n)
		w.expectOnceInOrder(otherApp, n, n)
	})
}

// TestWhatIsDeferredOutlastsDeploysOnKafka is on whatever brokers there are.
func TestWhatIsDeferredOutlastsDeploysOnKafka(t *testing.T) {
	const n, users = 3000, 100
	w := real(t)
	w.cfg.Delivery.MaxPending = 400
	w.addApp(otherApp, w.topic)
	bar := new(msdktest.Outage)
	bar.Begin(msdktest.Answer{Ret: -502})
	w.msdk.SetRules(msdktest.ForApp(appID, bar.Rule))
	w.mixed(n, users, appID, otherApp)
	p, stop := w.start()
	delivered := func(app string, n int) func() bool {
		return func() bool { return len(w.msdk.Ledger.App(app)) >= n }
	}
	w.until("the healthy app's events are delivered", 5*time.Minute, delivered(otherApp, n))
	for i := range 2 {
		stop()
		w.mixedFrom(n+100*i, 100, users, appID, otherApp)
		p, stop = w.start()
		w.until("those that came meanwhile, too", 5*time.Minute, delivered(otherApp, n+100*(i+1)))
	}
	w.until("what is deferred is known", 5*time.Minute, func() bool { return deferred(p) > n/2 })
	bar.End()
	w.until("all is committed", 5*time.Minute, func() bool { return w.committed() == 2*(n+200) })
	stop()
	w.expectOnceInOrder(appID, n+200, users)
	w.expectOnceInOrder(otherApp, n+200, users)
}
