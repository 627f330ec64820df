package pipeline_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// keyFile has the world's app signed for with the key in a file, and returns what writes it.
func (w *world) keyFile(key string) (write func(key string)) {
	w.t.Helper()
	path := filepath.Join(w.t.TempDir(), "key")
	write = func(key string) {
		w.t.Helper()
		if err := os.WriteFile(path, []byte(key+"\n"), 0o600); err != nil {
			w.t.Fatal(err)
		}
	}
	write(key)
	w.cfg.Apps[0].AppKey, w.cfg.Apps[0].AppKeyFile = config.Secret(key), path
	return write
}

func TestAnAppThatIsHeldForItsKeyGoesOnOnceTheKeyIsMended(t *testing.T) {
	t.Parallel()
	for rule, n := range map[string]int{"from the start": 0, "after calls have succeeded": 50} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, func(w *world) {
				mend := w.keyFile(appKey)
				p, stop := w.start()
				w.begun()
				w.publishMany("before", n)
				w.settled(p, n, time.Minute)
				mend("wrong")
				w.publishMany("player", 50)
				w.until("it is held", time.Minute, func() bool { return w.log.contains("app is held") })
				w.Produce(w.t, w.replay("replayed", report("replayed", 1), 7))
				time.Sleep(time.Minute)
				mend(appKey)
				w.settled(p, n+51, w.cfg.Delivery.Breaker.Cooldown+5*time.Second)
				stop()
				if got := w.msdk.Ledger.Len(); got != n+51 || len(w.letters()) > 0 {
					w.t.Errorf("%d delivered, %d letters", got, len(w.letters()))
				}
			})
		})
	}
}

// The rule is the first thing that the platform does, before it looks at the signature.
func TestACallInFlightKeepsTheKeyItHasBegunWith(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		change := w.keyFile(appKey)
		w.msdk.SetRules(msdktest.Latency(3 * time.Second))
		p, stop := w.start()
		w.begun()
		w.publish("a", report("a", 1))
		w.until("it is under way", time.Minute, func() bool { return p.Stats().InFlight == 1 })
		change("wrong")
		w.settled(p, 1, time.Minute)
		change(appKey)
		stop()
		if w.msdk.Ledger.Len() != 1 || w.calls() != 1 {
			w.t.Errorf("%d delivered by %d calls", w.msdk.Ledger.Len(), w.calls())
		}
	})
}

func TestAKeyThatCannotBeUsedIsSaidAndTheOneBeforeSigns(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		change := w.keyFile(appKey)
		p, stop := w.start()
		w.begun()
		change("hunter2\t")
		time.Sleep(time.Minute)
		w.publishMany("player", 20)
		w.settled(p, 20, time.Minute)
		if !w.log.contains("a file cannot be used as it is now") || w.log.contains("hunter2") {
			w.t.Error("it is not said, or more than that")
		}
		change(appKey)
		w.until("it is said that it is well", time.Minute, func() bool { return w.log.contains("a file can be used again") })
		stop()
		if w.msdk.Ledger.Len() != 20 || w.log.contains("app is held") {
			w.t.Errorf("%d delivered", w.msdk.Ledger.Len())
		}
	})
}
