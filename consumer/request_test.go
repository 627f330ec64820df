package consumer

import (
	"context"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// The connection is cut: nobody waits for what it reads.
func TestARequestEndsWithItsContext(t *testing.T) {
	t.Parallel()
	for rule, answer := range map[string][]byte{"before an answer": nil, "within an answer": {0, 0, 0, 100, 0, 0}} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				r := asked(t, 13)
				var ended atomic.Bool
				ctx, cancel := context.WithCancel(t.Context())
				r.ctx = ctx
				near, far := net.Pipe()
				go func() {
					_, err := r.RawExchange(near)
					ended.Store(err != nil)
				}()
				go func() { _, _ = io.Copy(io.Discard, far) }()
				go func() { _, _ = far.Write(answer) }()
				synctest.Wait()
				if ended.Load() {
					t.Fatal("it has ended before")
				}
				cancel()
				synctest.Wait()
				if !ended.Load() {
					t.Error("it has not ended")
				}
				_ = near.Close()
				_ = far.Close()
			})
		})
	}
}

// deadlines is a connection that tells what deadline is set before it is.
type deadlines struct {
	net.Conn
	set func(time.Time)
}

func (d *deadlines) SetDeadline(t time.Time) error {
	d.set(t)
	return d.Conn.SetDeadline(t)
}

func TestARequestEndsWithItsContextWhateverItIsAbout(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		r := asked(t, 13)
		ctx, cancel := context.WithCancel(t.Context())
		r.ctx = ctx
		near, far := net.Pipe()
		began := time.Now()
		_, err := r.RawExchange(&deadlines{near, func(t time.Time) {
			if t.After(began) {
				cancel()
				time.Sleep(time.Millisecond) // what cuts the connection comes first
			}
		}})
		if took := time.Since(began); err == nil || took > time.Second {
			t.Errorf("it has ended after %s, error %v", took, err)
		}
		_ = near.Close()
		_ = far.Close()
	})
}

// Others use it next.
func TestAConnectionIsLeftWithoutADeadline(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	var last time.Time
	r := asked(t, 4)
	res := kmsg.NewPtrFetchResponse()
	res.Version = 4
	go func() {
		_, _ = far.Read(make([]byte, 1<<10))
		_, _ = far.Write(wiretest.Answer(res))
	}()
	if _, err := r.RawExchange(&deadlines{near, func(t time.Time) { last = t }}); err != nil || !last.IsZero() {
		t.Errorf("its deadline is %s, error %v", last, err)
	}
	_ = near.Close()
	_ = far.Close()
}
