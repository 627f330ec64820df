package pipeline_test

import (
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// scraped is what a scrape has seen of what an autoscaler goes by.
type scraped struct {
	at      time.Duration // since the test began
	limited bool
	members float64
}

// scaled runs a member that can deliver 20 records in the time of often. It returns a
// function that has so many come in that time, by their app and spread over so many
// partitions, for as long as it says, and returns what is scraped meanwhile; and one that
// restarts the member after a pause.
func (w *world) scaled(rules ...msdktest.Rule) (during func(d time.Duration, partitions int, rates map[string]int) []scraped, restart func(pause time.Duration)) {
	w.t.Helper()
	w.cfg.Batch.MaxRecords, w.cfg.Delivery.MaxInFlight, w.cfg.Delivery.MaxPending = 2, 2, 40
	w.cfg.Delivery.MaxHold = 24 * time.Hour
	w.msdk.SetRules(append(rules, msdktest.Latency(time.Second))...)
	began, all, next, turn := time.Now(), w.meter(), 0, 0
	_, stop := w.start()
	during = func(d time.Duration, partitions int, rates map[string]int) (seen []scraped) {
		for until := time.Now().Add(d); time.Now().Before(until); {
			var records []kafkatest.Record
			for app, rate := range rates {
				for range rate {
					user := fmt.Sprint("player-", next)
					records = append(records, kafkatest.Record{
						Topic: w.topic, Partition: int32(next % partitions), Key: []byte(user), Value: []byte(report(user, next)),
						Headers: []kafkatest.Header{{Key: "appid", Value: []byte(app)}},
					})
					next++
				}
			}
			if len(records) > 0 {
				w.Produce(w.t, records...)
			}
			time.Sleep(often)
			if turn++; turn%3 == 0 {
				values := all()
				seen = append(seen, scraped{time.Since(began), values["limited{}"] == 1, values["members_wanted{}"]})
			}
		}
		return seen
	}
	restart = func(pause time.Duration) {
		stop()
		time.Sleep(pause)
		all = w.meter()
		_, stop = w.start()
	}
	return during, restart
}

// expectScraped expects of all that was scraped, but for so much at the beginning, that
// the platform was the limit, or not, and that so many members were wanted.
func (w *world) expectScraped(what string, seen []scraped, but time.Duration, limited bool, least, most float64) {
	w.t.Helper()
	seen = seen[int(but/(3*often)):]
	if len(seen) == 0 {
		w.t.Fatalf("%s: nothing was scraped", what)
	}
	for _, s := range seen {
		if s.limited != limited || s.members < least || s.members > most {
			w.t.Errorf("%s: after %s limited is %v and %.3g members are wanted, want %v and %g to %g", what, s.at, s.limited, s.members, limited, least, most)
		}
	}
}

func of(rate int) map[string]int { return map[string]int{appID: rate} }

const often = 5 * time.Second // records come, and it is scraped every third time

const settling = 45 * time.Second // until what has changed is seen

func TestAnOutageOfThePlatformAsksForNoMembersAndItsEndDoes(t *testing.T) {
	t.Parallel()
	for rule, answer := range map[string]msdktest.Answer{
		"it fails":        {HTTP: 503},
		"it bars the app": {Ret: -502},
		"it asks to wait": {HTTP: 503, RetryAfter: "20"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && answer.Ret != -502 {
				t.Skip("takes long, by ways that shorter tests go")
			}
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				outage := new(msdktest.Outage)
				during, _ := w.scaled(outage.Rule)
				w.expectScraped("before", during(2*time.Minute, 4, of(8)), settling, false, .4, .8)
				outage.Begin(answer)
				// until its calls have failed often enough, in the worst case each by its timeout
				w.expectScraped("meanwhile", during(10*time.Minute, 4, of(8)), 2*time.Minute, true, 1, 1)
				outage.End()
				w.expectScraped("after", during(150*time.Second, 4, of(8)), 75*time.Second, false, 1.05, 4)
			})
		})
	}
}

// The platform takes a call a second, which is half of what the member could make, and three quarters of what it has to.
func TestAThrottleByThePlatformAsksForNoMembers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		var second atomic.Int64
		during, _ := w.scaled(func(*msdktest.Request) msdktest.Answer {
			if now := time.Now().Unix(); second.Swap(now) == now {
				return msdktest.Answer{Ret: -20000, Msg: "45009,reach max api limit"}
			}
			return msdktest.Answer{}
		})
		w.expectScraped("throttled, and nothing is late", during(5*time.Minute, 4, of(5)), 2*time.Minute, false, .4, 1)
		w.expectScraped("throttled", during(10*time.Minute, 4, of(15)), 2*time.Minute, true, 1, 1)
		during(15*time.Minute, 4, nil)
		w.expectScraped("and all is delivered", during(2*time.Minute, 4, nil), 0, false, .5, .5)
	})
}

func TestASlowPlatformAsksForAsManyMembersAsHaveCallsEnough(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		rate, partitions int
		least, most      float64
	}{
		"less than one member does":                            {10, 4, .5, .75},
		"what takes two and a half, and some for the backlog":  {40, 4, 2.4, 3.8},
		"more than as many members could do as are partitions": {200, 4, 4, 4},
		"a hot partition": {200, 1, 1, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if testing.Short() && test.rate != 40 {
				t.Skip("takes long, by ways that shorter tests go")
			}
			virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
				during, _ := w.scaled()
				w.expectScraped(rule, during(5*time.Minute, test.partitions, of(test.rate)), 90*time.Second, false, test.least, test.most)
			})
		})
	}
}

func TestAnIdleMemberIsWantedByHalf(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	virtual(t, func(w *world) {
		during, _ := w.scaled()
		w.expectScraped("joining", during(15*time.Second, 4, nil), 0, false, 1, 1)
		w.expectScraped("idle", during(10*time.Minute, 4, nil), settling, false, .5, .5)
	})
}

func TestADeployAsksForNoMembers(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		during, restart := w.scaled()
		w.expectScraped("before", during(3*time.Minute, 4, of(8)), settling, false, .4, .8)
		restart(40 * time.Second)
		w.expectScraped("after", during(5*time.Minute, 4, of(8)), 0, false, .4, 1)
	})
}

func TestRecordsOfAHeldAppAskForNoMembersAndThoseOfAnotherDo(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.addApp(otherApp, w.topic)
		bar := new(msdktest.Outage)
		bar.Begin(msdktest.Answer{Ret: -502})
		during, _ := w.scaled(msdktest.ForApp(appID, bar.Rule))
		keepsUp := during(10*time.Minute, 4, map[string]int{appID: 30, otherApp: 8})
		w.expectScraped("the other keeps up", keepsUp, 2*time.Minute, true, 1, 1)
		behind := during(5*time.Minute, 4, map[string]int{appID: 30, otherApp: 50})
		w.expectScraped("the other falls behind", behind, 2*time.Minute, false, 2.4, 4)
	})
}
