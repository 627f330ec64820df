package pipeline_test

import (
	"slices"
	"testing"
	"time"
)

func TestDelivers(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		want := []string{report("anna", 1), report("anna", 2)}
		w.publish("anna", want...)
		w.publish("ben", report("ben", 1))
		w.publish("ben", "no JSON")
		_, stop := w.start()
		w.until("3 delivered", time.Minute, func() bool { return w.msdk.Ledger.Len() == 3 })
		w.until("1 letter", time.Minute, func() bool { return len(w.letters()) == 1 })
		stop()
		if got := w.accepted("anna"); !slices.Equal(got, want) {
			w.t.Errorf("anna: got %q", got)
		}
		l := w.letters()[0]
		if string(l.Value) != "no JSON" || string(l.Key) != "ben" || header(l, "deadletter.reason") != "invalid_json" {
			w.t.Errorf("letter: %q %v", l.Value, l.Headers)
		}
	})
}
