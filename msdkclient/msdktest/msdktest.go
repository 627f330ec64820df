// Package msdktest is a simulated MSDK: a server that checks calls as the real one does, keeps what it accepted on a
// [Ledger] and a [Leaderboard], and fails on command.
//
// A call is checked in this order, and refused with the first that applies:
//
//	HTTP 405  the method is not POST
//	-505      the path is neither /profile/wxbattle_report/ nor /profile/wxscore/, slash included
//	-504      the appid is missing or unknown
//	-901      the appid is a guest's (G_…)
//	-506      timestamp, sig, openid or encode is missing
//	-502      encode is neither 1 nor 2, sig is wrong, or timestamp is more than ten minutes off
//	HTTP 413  the body is longer than 32 MiB
//	-501      the body is empty
//	-304      the body is not JSON
//	-1011     a value is missing or of the wrong type; msg names the element, counted from 0
//	-503      the user in the URL was the subject of a good call less than a second ago
//
// What passes is put to the rules (see [Rule]), and accepted if none objects. A call is accepted as a whole or not at
// all. Time is that of package time, so that the server runs in virtual time inside a testing/synctest bubble; [Pipe]
// is the network for that.
//
// The simulator knows the two report calls alone, does no TLS, and does not play the platform's quotas beyond the one
// call per user and second.
package msdktest

import (
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// App is an app that the simulated platform knows.
type App struct {
	ID      string
	AppKey  string // signs calls with encode 1
	MSDKKey string // signs calls with encode 2; empty: they are refused
	Users   []User // those who can be asked about. Reports are taken about anybody.
}

// Config says how the simulator is to be. The zero value knows no app.
type Config struct {
	Apps []App
	// NoUserLimit switches the limit of one call per user and second off.
	NoUserLimit bool
	// CountsOnly keeps no report on the ledger, only how many there were. With it, memory grows with the number of
	// players (the leaderboard) and not with time.
	CountsOnly bool
	// OnAccept, if set, is called with each report put on the ledger, one at a time and in order. It holds up the
	// server, and must not call it.
	OnAccept func(Report)
}

// Server is the simulated MSDK. Its methods are safe for concurrent use, also while calls are served.
type Server struct {
	URL         string // of a server made by NewServer or Start
	Ledger      *Ledger
	Leaderboard *Leaderboard

	apps    map[string]App
	limiter *limiter // nil: no limit
	rules   atomic.Pointer[[]Rule]

	requests requestLog

	done chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	servers []*http.Server
	running sync.WaitGroup // accept loops and calls being served
}

// New makes a simulator that serves nowhere yet: it is an [http.Handler], and Serve gives it listeners.
func New(cfg Config) *Server {
	s := &Server{
		Ledger:      newLedger(cfg.CountsOnly, cfg.OnAccept),
		Leaderboard: newLeaderboard(),
		apps:        make(map[string]App, len(cfg.Apps)),
		done:        make(chan struct{}),
	}
	for _, app := range cfg.Apps {
		s.apps[app.ID] = app
	}
	if !cfg.NoUserLimit {
		s.limiter = &limiter{}
	}
	s.SetRules()
	return s
}

// TB is the part of [testing.TB] that NewServer needs.
type TB interface {
	Helper()
	Cleanup(func())
	Fatalf(format string, args ...any)
}

// NewServer makes a simulator for a test, serves it on a free loopback port, at URL, and closes it when the test is over.
// Without a Config it is that of [DefaultConfig].
func NewServer(t TB, cfg ...Config) *Server {
	t.Helper()
	switch len(cfg) {
	case 0:
		cfg = []Config{DefaultConfig()}
	case 1:
	default:
		t.Fatalf("msdktest: %d configurations for one server", len(cfg))
	}
	s := Start(cfg[0])
	t.Cleanup(s.Close)
	return s
}

// Start makes a simulator and serves it on a free loopback port, at URL, until Close. It panics if there is none.
func Start(cfg Config) *Server {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic("msdktest: " + err.Error())
	}
	s := New(cfg)
	s.URL = "http://" + l.Addr().String()
	s.Serve(l)
	return s
}

// SetRules puts rules in the place of those before. Calls being served keep the rules they began with.
func (s *Server) SetRules(rules ...Rule) {
	rules = append([]Rule(nil), rules...)
	s.rules.Store(&rules)
}

// Serve answers calls that come through l, until Close, which closes l. It returns at once.
func (s *Server) Serve(l net.Listener) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = l.Close()
		return
	}
	server := &http.Server{Handler: http.HandlerFunc(s.serveUntilClosed)}
	s.servers = append(s.servers, server)
	s.running.Go(func() { _ = server.Serve(l) })
}

func (s *Server) serveUntilClosed(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.running.Add(1)
	s.mu.Unlock()
	defer s.running.Done()
	s.ServeHTTP(w, r)
}

// Close ends all waiting, closes every listener and connection that came through Serve, and waits until the last call
// through them is over. The ledger and the leaderboard stay readable.
func (s *Server) Close() {
	s.mu.Lock()
	if !s.closed {
		s.closed = true
		close(s.done)
	}
	servers := s.servers
	s.servers = nil
	s.mu.Unlock()
	for _, server := range servers {
		_ = server.Close()
	}
	s.running.Wait()
}
