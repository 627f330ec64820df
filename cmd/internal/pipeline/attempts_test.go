package pipeline_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestALetterSaysHowManyCallsItsRecordWasIn holds the header against the calls
// that the platform saw.
func TestALetterSaysHowManyCallsItsRecordWasIn(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		answer  msdktest.Answer
		reason  string
		letters int
		config  func(*config.Config)
	}{
		"rejected, after its batch was split": {msdktest.Answer{Ret: -1011}, "rejected", 1, nil},
		"exhausted": {msdktest.Answer{HTTP: 500}, "exhausted", 8, func(c *config.Config) {
			c.Delivery.Breaker.Failures = 1000
		}},
		"expired between two calls": {msdktest.Answer{HTTP: 500}, "expired", 8, func(c *config.Config) {
			c.Delivery.Breaker.Failures, c.Delivery.MaxAge = 1000, time.Minute
		}},
		"held for too long": {msdktest.Answer{Ret: -504}, "exhausted", 8, func(c *config.Config) {
			c.Delivery.MaxHold = 10 * time.Minute
		}},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, func(w *world) {
				w.cfg.Batch.MaxRecords, w.cfg.Batch.Linger = 8, time.Second
				if test.config != nil {
					test.config(&w.cfg)
				}
				var calls []call
				w.watch(&calls, time.Millisecond, msdktest.Poison(test.answer, "player-0"))
				for i := range 8 {
					user := fmt.Sprintf("player-%d", i)
					w.publish(user, report(user, i))
				}
				if test.letters > 1 {
					w.watch(&calls, time.Millisecond, msdktest.Always(test.answer))
				}
				p, stop := w.start()
				w.settled(p, 8, 24*time.Hour)
				stop()
				letters := w.letters()
				if len(letters) != test.letters {
					w.t.Errorf("%d letters, want %d", len(letters), test.letters)
				}
				total := 0
				for _, l := range letters {
					in := 0
					for _, c := range calls {
						if slices.Contains(c.users, string(l.Key)) {
							in++
						}
					}
					total += in
					if got := header(l, "deadletter.attempts"); got != strconv.Itoa(in) || header(l, "deadletter.reason") != test.reason {
						w.t.Errorf("%s: %s after %s attempts, but it was in %d calls", l.Key, header(l, "deadletter.reason"), got, in)
					}
				}
				if total < 4 {
					w.t.Errorf("the letters' records were in %d calls: too few to tell anything", total)
				}
			})
		})
	}
}
