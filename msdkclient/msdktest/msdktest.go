// Package msdktest is a stand-in for MSDK: a server with the twelve calls of the interface document, which checks them as
// the real one does, knows users, friends, tokens, pictures, messages and scores that hang together, and fails on command.
// [NewServer] serves one to a test:
//
//	sim := msdktest.NewServer(t) // closed when the test is over
//	client, err := msdkclient.New(msdkclient.Config{BaseURL: sim.URL})
//
// # What it checks
//
// A call is checked in this order, and refused with the first that applies. The answer's msg, and the [Entry] of the call,
// say in words what the usual cause is.
//
//	HTTP 405  the method is not POST
//	-505      the path is none of the twelve; a slash at its end makes no difference
//	-504      the appid is missing or unknown
//	-901      the appid is a guest's (G_…)
//	-506      timestamp, sig, openid or encode is missing; a picture is uploaded without openid too
//	-502      encode is neither 1 nor 2, sig is wrong, or timestamp is more than ten minutes off
//	-901      the openid is a guest's
//	-1011     msdkExtInfo is not of letters, digits and underscores
//	HTTP 413  the body is longer than 32 MiB
//	-501      the body is empty
//	-304      the body is not JSON in UTF-8
//	-1011     a field is missing, empty, of the wrong type or out of range; msg names it, and the element, counted from 0
//	-901      the body names a guest
//	-503      the user in the URL was the subject of a good call less than a second ago
//
// What a field must be is what msdkclient says of it ([msdkclient.Call.RequestFields]); fields that it does not know may be
// anything. null is no value. A call is accepted as a whole or not at all.
//
// What passes is put to the magic openids and the rules (see [Rule]), and, if none of them objects, carried out. Then it
// may still be refused, with ret -20000 and a code of WeChat at the head of msg, and with an err_type:
//
//	40001  no such access token was given out by this app, or secret is not the appkey
//	40003  the access token is another user's
//	40007  no picture of this app has that media id
//	40031  one of the openids is no user of this app
//	40032  no such refresh token was given out by this app
//	42001  the access token is older than two hours
//	42004  the refresh token is older than 30 days
//	43005  who is to receive a message is no friend of who sends it
//	45009  who is to receive a message of /share/wx has been sent five by this app today, by the platform's time (UTC+8)
//
// # What it remembers
//
// Reports are taken about anybody; all other calls are about the app's users ([App.Users]). A user begins with the access
// token at_OPENID and the refresh token rt_OPENID, given out when the server was made. /auth/refresh_token gives out new
// ones, which tell their time, such as at_player1.1767225600; the old ones stay good until their time is over. So
// at_player1.0 is a token that has expired. Who is made a friend by [Server.Befriend] shows up after an hour.
//
// The [Leaderboard] has each player's best score until it expires. Of pictures and messages the last are remembered, of
// requests the last 200, of accepted reports all, on the [Ledger], unless [Config].CountsOnly says otherwise.
//
// # Magic openids
//
// A good call that names an openid such as code_-20002_x, in the URL or anywhere in the body, is answered with that code,
// and nothing is carried out. What follows the second underscore may be anything.
//
//	code_-1011_x           ret -1011, as any code of the access and the logic layer
//	code_42001_x           ret -20000, "42001,access_token expired…", as any code of WeChat
//	code_qq-73_x           ret -10000, "-73,…", as any code of mobile QQ; its game center's too, or as code_gamecenter-4012_x
//	code_http503_x         HTTP 503
//
// A number that several layers have is that of the first of access, logic, wechat, qq and gamecenter, unless its layer is
// named: code_-1_x is WeChat's, code_qq-1_x that of mobile QQ.
//
// # Time
//
// Time is that of package time, so that the server runs in virtual time inside a testing/synctest bubble ([Pipe] is the
// network for that), and [Server.Advance] lets tokens and scores age. The server does no TLS, and knows no quotas beyond one
// call per user and second and five messages a day.
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
	// OnRequest, if set, is called with each request before it is answered. Calls are concurrent.
	OnRequest func(Entry)
}

// Server is a stand-in for MSDK. Its methods are safe for concurrent use, also while calls are served.
type Server struct {
	URL         string // of a server made by NewServer or Start
	Ledger      *Ledger
	Leaderboard *Leaderboard

	apps    map[string]App
	config  []App // as given, for Reset
	clock   clock
	world   atomic.Pointer[world]
	limiter *limiter // nil: no limit
	rules   atomic.Pointer[[]Rule]
	script  script

	requests  requestLog
	onRequest func(Entry)

	done chan struct{} // closed by Close

	mu      sync.Mutex
	closed  bool
	servers []*http.Server
	running sync.WaitGroup // accept loops and calls being served
}

// New makes a simulator that serves nowhere yet: it is an [http.Handler], and Serve gives it listeners.
func New(cfg Config) *Server {
	s := &Server{
		Ledger:    newLedger(cfg.CountsOnly, cfg.OnAccept),
		config:    cfg.Apps,
		apps:      make(map[string]App, len(cfg.Apps)),
		onRequest: cfg.OnRequest,
		done:      make(chan struct{}),
	}
	s.Leaderboard = newLeaderboard(s.Now)
	s.world.Store(newWorld(cfg.Apps, s.Now()))
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

// SetRules puts rules in the place of those before. Calls being served keep the rules they began with. A script, which
// programs give by POST /_/script, is asked first.
func (s *Server) SetRules(rules ...Rule) {
	rules = append([]Rule{s.script.rule}, rules...)
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
