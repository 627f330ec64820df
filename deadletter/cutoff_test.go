package deadletter_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/deadletter"
)

func TestAWriteThatIsCutOffAndAnotherOfTheSameLettersLeaveOneOfEach(t *testing.T) {
	for rule, between := range map[string][]deadletter.Letter{
		"at once":                    nil,
		"after letters of others":    numbered(100, 3),
		"after more than one batch":  numbered(100, 300),
		"after some of them already": numbered(4, 1),
	} {
		for fate, fails := range map[string]func(w *world, n *network){
			"the answer is late":             func(_ *world, n *network) { n.late.Store(1) },
			"the request has not arrived":    func(w *world, _ *network) { w.fault(kerr.NotLeaderForPartition, 20) },
			"the replicas do not all answer": func(w *world, _ *network) { w.fault(kerr.RequestTimedOut, 20) },
		} {
			t.Run(rule+", "+fate, func(t *testing.T) {
				virtual(t, 1, nil, func(w *world) {
					n := &network{delay: time.Minute}
					w.over(n)
					w.write(numbered(0, 3)...)
					fails(w, n)
					w.cutOff(4*time.Second, numbered(3, 3)...)
					w.write(between...)
					again := numbered(3, 5) // and others
					if rule == "after some of them already" {
						again = slices.Delete(again, 1, 2)
					}
					for i := range again {
						again[i].Detail, again[i].Time = "in other words", time.Now()
					}
					w.write(again...)
					w.expectEachOnce(slices.Concat(numbered(0, 3), between, again))
				})
			})
		}
	}
}

// cutOff writes for so long, which must not be enough, and returns what is left.
func (w *world) cutOff(after time.Duration, letters ...deadletter.Letter) []deadletter.Letter {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), after)
	defer cancel()
	left, err := w.Write(ctx, w.topic, letters...)
	if !errors.Is(err, context.DeadlineExceeded) {
		w.t.Fatalf("got error %v", err)
	}
	return chosen(letters, left)
}

func chosen(letters []deadletter.Letter, which []int) (chosen []deadletter.Letter) {
	for _, i := range which {
		chosen = append(chosen, letters[i])
	}
	return chosen
}

// Whoever takes over has written it meanwhile.
func TestALetterOfAWriteThatWasCutOffIsNotWrittenLater(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		w.write(numbered(0, 1)...)
		w.fault(kerr.NotEnoughReplicas, 20)
		w.cutOff(4*time.Second, numbered(1, 1)...)
		w.write(numbered(2, 1)...)
		time.Sleep(time.Hour)
		w.write(numbered(3, 1)...)
		for _, r := range w.ReadAll(w.t, w.topic) {
			if string(r.Value) == "value 1" {
				w.t.Error("it is")
			}
		}
	})
}
