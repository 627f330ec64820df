package deadletter_test

import (
	"context"
	"errors"
	"sync"
	"testing"
)

// TestWhoGivesUpWaitingTouchesNothing is for the race detector.
func TestWhoGivesUpWaitingTouchesNothing(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	d.write(letters(20, 50)...)
	resolver, replays := d.resolver("run 1"), d.replays(d.all(oldestFirst))
	over, cancel := context.WithCancel(t.Context())
	cancel()
	stop := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if _, err := resolver.Replay(over, replays...); !errors.Is(err, context.Canceled) {
				t.Error(err)
				return
			}
		}
	})
	defer func() {
		close(stop)
		wg.Wait()
	}()
	for _, replay := range replays {
		done, err := resolver.Replay(t.Context(), replay)
		d.expectDone(done, err, "resolved 1, skipped 0, refused 0, unknown 0, untouched 0")
	}
}
