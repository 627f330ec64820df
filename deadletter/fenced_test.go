package deadletter_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

func TestTheLastResolverFencesTheFormer(t *testing.T) {
	d := newDesk(loopback(t, 2, nil))
	all := letters(30, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	first := d.resolver("run 1")
	done, err := first.Replay(t.Context(), d.replays(entries[:10])...)
	d.expectDone(done, err, "resolved 10, skipped 0, refused 0, unknown 0, untouched 0")
	second := d.resolver("run 2")
	for range 2 { // it stays so
		done, err = first.Replay(t.Context(), d.replays(entries[10:20])...)
		if !errors.Is(err, resolve.ErrFenced) || len(done.Untouched) != 10 {
			t.Fatalf("%s, error %v", summary(done), err)
		}
	}
	done, err = second.Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 20, skipped 10, refused 0, unknown 0, untouched 0")
	d.expectOnce(all)
}

// replayAll replays the letters in many transactions.
func (d *desk) replayAll(run string, entries []deadletter.Entry) error {
	r, err := resolve.New(d.t.Context(), d.open(), resolve.Run{ID: run})
	if err != nil {
		return err
	}
	defer r.Close()
	for chunk := range slices.Chunk(entries, 100) {
		if _, err := r.Replay(d.t.Context(), d.replays(chunk)...); err != nil {
			return err
		}
	}
	return nil
}

func TestManyResolversAtOnceReplayEachLetterOnce(t *testing.T) {
	d := newDesk(loopback(t, 3, nil))
	all := letters(2000, 100)
	d.write(all...)
	entries := d.all(oldestFirst)
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 5 {
				err := d.replayAll(fmt.Sprint(i), entries)
				if err == nil {
					return
				}
				if !errors.Is(err, resolve.ErrFenced) {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := d.replayAll("last", entries); err != nil {
		t.Error(err)
	}
	d.expectOnce(all)
}

// The client asks for a new epoch by itself after a broken connection. That must
// not fence off whoever has come in between.
func TestAResolverInTroubleDoesNotFenceTheOneThatTookOver(t *testing.T) {
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("the fake broker gives a new epoch to whoever asks with an old one; needs " + kafkatest.BrokersVariable)
	}
	d := newDesk(loopback(t, 1, nil))
	all := letters(20, 50)
	d.write(all...)
	entries := d.all(oldestFirst)
	opened := make(chan *resolve.Resolver, 1)
	c := &cutter{broker: d.Broker, key: kmsg.EndTxn, first: func() { opened <- d.resolver("run 2") }}
	first := c.resolver(d, 1<<30)
	done, err := first.Replay(t.Context(), d.replays(entries[:10])...)
	if !errors.Is(err, resolve.ErrFenced) || len(done.Resolved) > 0 {
		t.Errorf("%s, error %v", summary(done), err)
	}
	done, err = (<-opened).Replay(t.Context(), d.replays(entries)...)
	d.expectDone(done, err, "resolved 20, skipped 0, refused 0, unknown 0, untouched 0")
	d.expectOnce(all)
}
