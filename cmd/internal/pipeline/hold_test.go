package pipeline_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestAPlayersLettersAreWrittenInOrderWhenTheyWereHeldForTooLong: a replay takes the
// letters in the order in which they were written.
func TestAPlayersLettersAreWrittenInOrderWhenTheyWereHeldForTooLong(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	for rule, test := range map[string]struct {
		replayed, before, after int // published before the first call, and while it is under way
		cooldown                time.Duration
	}{
		"one has been sent, others gather":            {0, 1, 2, 10 * time.Second},
		"all have been sent, the first is the probe":  {0, 3, 0, 10 * time.Second},
		"some have been sent, others gather":          {0, 2, 2, 10 * time.Second},
		"the probe is under way":                      {0, 1, 2, 50 * time.Millisecond},
		"a replayed one has been sent, others gather": {1, 0, 2, 10 * time.Second},
		"a replayed one is under way as the probe":    {1, 0, 2, 50 * time.Millisecond},
		"replayed ones have been sent, others gather": {3, 0, 2, 10 * time.Second},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, func(w *world) {
				w.cfg.Delivery.MaxHold = 10 * time.Minute
				w.cfg.Delivery.Breaker.Cooldown = test.cooldown
				w.msdk.SetRules(msdktest.Latency(time.Second), msdktest.Always(msdktest.Answer{Ret: -502}))
				publish := func(n int) {
					for range n {
						w.publish("player", report("player", 0))
					}
				}
				const former = 1000
				if err := w.CreateTopic(w.t.Context(), w.topic+".replay", 4, nil); err != nil {
					w.t.Fatal(err)
				}
				for i := range test.replayed {
					w.Produce(w.t, w.replay("player", report("player", 0), int64(former+i)))
				}
				publish(test.before)
				p, stop := w.start()
				time.Sleep(700 * time.Millisecond) // the first call is under way
				publish(test.after)
				w.settled(p, test.replayed+test.before+test.after, time.Hour)
				stop()
				for i, l := range w.letters() {
					want := former + i
					if i >= test.replayed {
						want = i - test.replayed
					}
					if got := header(l, "deadletter.source.offset"); got != strconv.Itoa(want) {
						w.t.Errorf("letter %d is of the record at %s, want %d", i, got, want)
					}
				}
			})
		})
	}
}
