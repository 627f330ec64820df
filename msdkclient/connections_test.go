package msdkclient_test

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// moving is a name that leads to one of two addresses, each with a simulated platform.
type moving struct {
	sims  [2]*msdktest.Server
	pipes [2]*msdktest.Pipe
	at    atomic.Int32
	dials atomic.Int32
}

func newMoving(rules ...msdktest.Rule) *moving {
	m := &moving{}
	for i := range m.sims {
		m.sims[i] = msdktest.New(msdktest.Config{
			Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}, NoUserLimit: true, CountsOnly: true,
		})
		m.sims[i].SetRules(rules...)
		m.pipes[i] = msdktest.NewPipe()
		m.sims[i].Serve(m.pipes[i])
	}
	return m
}

func (m *moving) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	m.dials.Add(1)
	return m.pipes[m.at.Load()].DialContext(ctx, network, addr)
}

func (m *moving) close() {
	for _, sim := range m.sims {
		sim.Close()
	}
}

func TestCallsFollowANameThatMoves(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		callers int
		takes   time.Duration
		pause   time.Duration
	}{
		"one call after the other":              {1, 2 * time.Second, 0},
		"now and then a call":                   {1, 10 * time.Millisecond, 20 * time.Second},
		"so many that no connection ever idles": {4, 4900 * time.Millisecond, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				m := newMoving(msdktest.Latency(tt.takes))
				c := newClient(t, "http://msdk.test", WithDialContext(m.dial))
				ctx, cancel := context.WithCancel(t.Context())
				var callers sync.WaitGroup
				for range tt.callers {
					callers.Go(func() {
						for ctx.Err() == nil {
							if err := c.BattleReport(t.Context(), testApp, "o1", report); err != nil {
								t.Error(err)
							}
							time.Sleep(tt.pause)
						}
					})
				}
				time.Sleep(10 * time.Second)
				m.at.Store(1)
				time.Sleep(Lifetime + 5*time.Second) // the last call on an old connection has ended
				old := m.sims[0].Ledger.Len()
				time.Sleep(10 * time.Minute)
				if n := m.sims[0].Ledger.Len(); n != old || m.sims[1].Ledger.Len() == 0 {
					t.Errorf("%d calls to the old address after %v, %d to the new one", n-old, Lifetime, m.sims[1].Ledger.Len())
				}
				if most := int32(tt.callers * 6); m.dials.Load() > most { // in fifteen minutes, of more than three each
					t.Errorf("%d connections, want %d at most", m.dials.Load(), most)
				}
				cancel()
				callers.Wait()
				c.Close()
				m.close()
			})
		})
	}
}

func TestARenewalClosesTheOldConnections(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := newMoving(func(r *msdktest.Request) msdktest.Answer {
			if r.OpenID == "slow" {
				r.Wait(4 * time.Second)
			}
			return msdktest.Answer{}
		})
		var open atomic.Int32
		c := newClient(t, "http://msdk.test", WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
			conn, err := m.dial(ctx, network, addr)
			open.Add(1)
			return &counted{Conn: conn, open: &open}, err
		}))
		call := func(openid string) {
			if err := c.BattleReport(t.Context(), testApp, openid, report); err != nil {
				t.Error(err)
			}
		}
		call("quick")
		for range 24 { // never idle for long
			time.Sleep(10 * time.Second)
			call("quick")
		}
		var slow sync.WaitGroup
		slow.Go(func() { call("slow") })
		time.Sleep(time.Second)
		call("quick")
		c.RenewNow()
		call("quick")
		if n := open.Load(); n != 2 {
			t.Errorf("%d connections while an old one is in use, want that and a new one", n)
		}
		slow.Wait()
		synctest.Wait()
		if n := open.Load(); n != 1 {
			t.Errorf("%d connections once it is not, want the new one alone", n)
		}
		c.Close()
		m.close()
	})
}

// counted is a connection that says when it is closed.
type counted struct {
	net.Conn
	open *atomic.Int32
	once sync.Once
}

func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

func TestProcessesThatBeginTogetherDoNotRenewTogether(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		renewals := map[time.Time]bool{}
		for range 10 {
			c := newClient(t, "http://msdk.test")
			renewal := c.Renewal()
			renewals[renewal] = true
			if left := time.Until(renewal); left > Lifetime || left < Lifetime/2 {
				t.Errorf("renewed in %v", left)
			}
		}
		if len(renewals) < 5 {
			t.Errorf("10 clients renew at %d moments", len(renewals))
		}
	})
}
