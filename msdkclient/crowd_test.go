//go:build !race

package msdkclient_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// The race detector knows no more than 8128 goroutines at once, so this runs without it.

func TestTenThousandCallsAtOnceEndEachWithAnAnswerOrAClearError(t *testing.T) {
	for rule, tt := range map[string]struct {
		calls, connections int32
	}{
		"where there are connections for a few": {10_000, 100},
		"where there are connections for all":   {2_000, 2_000}, // of 64 KiB each
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					time.Sleep(time.Second)
					_, _ = io.WriteString(w, success)
				}, func(dial dialer) dialer {
					var open atomic.Int32
					return func(ctx context.Context, network, addr string) (net.Conn, error) {
						if open.Add(1) > tt.connections {
							open.Add(-1)
							return nil, errors.New("too many open files")
						}
						conn, err := dial(ctx, network, addr)
						return &counted{Conn: conn, open: &open}, err
					}
				})
				var calls sync.WaitGroup
				var good, failed atomic.Int32
				for i := range tt.calls {
					calls.Go(func() {
						call := oneReport
						if i%2 == 0 {
							call = friends
						}
						err := call(c, t.Context())
						if err == nil {
							good.Add(1)
							return
						}
						failed.Add(1)
						if e := asError(t, err); e.Uncertain || e.Class.String() != "retry" || !strings.Contains(e.Error(), "too many open files") {
							t.Error(e)
						}
					})
				}
				calls.Wait()
				if good.Load() < tt.connections || good.Load()+failed.Load() != tt.calls {
					t.Errorf("%d good, %d failed", good.Load(), failed.Load())
				}
			})
		})
	}
}
