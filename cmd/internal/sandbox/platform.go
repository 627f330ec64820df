package sandbox

import (
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// The games of the sandbox.
const (
	gameID   = "wxcde873f99466f74a"
	gameKey  = "sandbox-appkey"
	scoreID  = "wx4ba1a8d1c8b2b0e5" // on the old score interface
	scoreKey = "sandbox-old-appkey"
)

// platform is the simulated MSDK with its faults. It tells the book what it accepts.
type platform struct {
	*msdktest.Server
	url     string
	foreign atomic.Int64 // reports accepted that are not of this run
	away    atomic.Bool
	stop    chan struct{}
	running sync.WaitGroup
}

// startPlatform serves MSDK on loopback until close. The players in poisoned are refused.
func startPlatform(o *options, run string, book *audit.Book, delays *delays, poisoned map[string]bool) (*platform, error) {
	listener, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", o.MSDKPort))
	if err != nil {
		return nil, fmt.Errorf("listen for MSDK calls: %w", err)
	}
	p := &platform{url: "http://" + listener.Addr().String(), stop: make(chan struct{})}
	p.Server = msdktest.New(msdktest.Config{
		Apps:       []msdktest.App{{ID: gameID, AppKey: gameKey}, {ID: scoreID, AppKey: scoreKey}},
		CountsOnly: true,
		OnAccept: func(r msdktest.Report) {
			posted := r.Raw
			number, ok := traffic.ReportNumber(r.Raw, run)
			if r.Path == msdktest.PathScore {
				var score string
				score, number, ok = traffic.ScoreNumber(r.Raw, run)
				posted = []byte(score)
			}
			if !ok {
				p.foreign.Add(1)
				return
			}
			book.Accept(number, posted)
			delays.end(number, r.Time)
		},
	})
	var down msdktest.Outage
	p.SetRules(p.rules(o, poisoned, &down)...)
	if o.Outage.every > 0 {
		p.running.Go(func() { p.comeAndGo(o.Outage, &down) })
	}
	p.Serve(listener)
	return p, nil
}

// rules are the faults that o asks for.
func (p *platform) rules(o *options, poisoned map[string]bool, down *msdktest.Outage) []msdktest.Rule {
	moods := msdktest.Moods{Latency: o.Latency, Fail: o.Fail, Throttle: o.Throttle, Timeout: o.Timeout, Seed: o.Seed}
	rules := append([]msdktest.Rule{down.Rule}, moods.Rules()...)
	if len(poisoned) > 0 {
		rules = append(rules, func(r *msdktest.Request) msdktest.Answer {
			for i := range r.Reports {
				if poisoned[r.Reports[i].OpenID] {
					return msdktest.Answer{Ret: -20002, Msg: "illegal openid"}
				}
			}
			return msdktest.Answer{}
		})
	}
	return rules
}

// comeAndGo has outages until close.
func (p *platform) comeAndGo(o outage, down *msdktest.Outage) {
	pause := func(d time.Duration) (stopped bool) {
		select {
		case <-time.After(d):
			return false
		case <-p.stop:
			return true
		}
	}
	for !pause(o.every - o.length) {
		down.Begin(msdktest.Answer{HTTP: http.StatusServiceUnavailable})
		p.away.Store(true)
		stopped := pause(o.length)
		down.End()
		p.away.Store(false)
		if stopped {
			return
		}
	}
}

func (p *platform) close() {
	close(p.stop)
	p.running.Wait()
	p.Close()
}
