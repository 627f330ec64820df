package msdkclient_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	. "github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

var testApp = App{ID: "wxcde873f99466f74a", Key: "sesame-open", Encode: 1}

func newClient(t *testing.T, baseURL string, opts ...Option) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: baseURL, Timeout: 5 * time.Second, ContentType: "text/x-test", MaxConns: 4}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// aScore is one that may be sent.
var aScore = ReportScoreRequest{OpenID: "o1", Score: "7"}

// serving answers calls by handler, and returns a client for it.
func serving(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, server.URL)
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func mustJSON(s string) []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return text
}

var report = []byte(`{"baseinfo":{"openid":"o1","platid":0},"battleinfo":{"score":7}}`)

// simulate runs test in virtual time with a simulated MSDK that obeys rules, and a client of it that waits 5 s.
func simulate(t *testing.T, test func(t *testing.T, sim *msdktest.Server, c *Client), rules ...msdktest.Rule) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(msdktest.Config{
			Apps:        []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key, MSDKKey: "other"}},
			NoUserLimit: true,
		})
		sim.SetRules(rules...)
		pipe := msdktest.NewPipe()
		sim.Serve(pipe)
		c := newClient(t, "http://msdk.test", WithDialContext(pipe.DialContext))
		test(t, sim, c)
		c.Close()
		sim.Close()
	})
}

func TestSimulatedPlatformAcceptsWhatTheClientSends(t *testing.T) {
	t.Parallel()
	simulate(t, func(t *testing.T, sim *msdktest.Server, c *Client) {
		if err := c.BattleReport(t.Context(), testApp, "o1", report, report); err != nil {
			t.Error(err)
		}
		legacy := App{ID: testApp.ID, Key: "other", Encode: 2}
		if err := c.ReportScore(t.Context(), legacy, ReportScoreRequest{OpenID: "o1", Score: "8"}); err != nil {
			t.Error(err)
		}
		got := sim.Ledger.Player(testApp.ID, "o1")
		if len(got) != 3 || string(got[1].Raw) != string(report) {
			t.Errorf("ledger %+v", got)
		}
		time.Sleep(time.Hour) // the connection has long been given up
		if err := c.BattleReport(t.Context(), testApp, "o1", report); err != nil {
			t.Error(err)
		}
		time.Sleep(11 * time.Minute) // a signature does not last so long
		if err := c.BattleReport(t.Context(), testApp, "o1", report); err != nil {
			t.Error(err)
		}
	})
}

func TestTimeoutEndsACall(t *testing.T) {
	t.Parallel()
	for rule, answer := range map[string]msdktest.Answer{
		"that is never answered":       {Fault: msdktest.Hang},
		"that is accepted in silence":  {Fault: msdktest.Hang, Accept: true},
		"whose answer comes in drops":  {Fault: msdktest.Drip, Every: time.Second},
		"whose failure comes in drops": {HTTP: 500, Fault: msdktest.Drip, Every: time.Second},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T, _ *msdktest.Server, c *Client) {
				began := time.Now()
				e := failureOf(t, c, t.Context())
				if took := time.Since(began); took != 5*time.Second {
					t.Errorf("ended after %v, want 5s", took)
				}
				if e.Class != Retry || !e.Uncertain || e.HasRet || !errors.Is(e, context.DeadlineExceeded) {
					t.Errorf("%+v, want an uncertain retry past the deadline", e)
				}
			}, msdktest.Always(answer))
		})
	}
}

func failureOf(t *testing.T, c *Client, ctx context.Context) *Error {
	t.Helper()
	return asError(t, c.BattleReport(ctx, testApp, "o1", report))
}

var errStop = errors.New("stop")

func TestCancellationIsUncertainOnceTheRequestIsOut(t *testing.T) {
	t.Parallel()
	for rule, answer := range map[string]msdktest.Answer{
		"before the answer":     {Fault: msdktest.Hang},
		"in the answer's midst": {Fault: msdktest.Drip, Every: time.Second},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T, _ *msdktest.Server, c *Client) {
				ctx, cancel := context.WithCancelCause(t.Context())
				time.AfterFunc(2*time.Second, func() { cancel(errStop) })
				e := failureOf(t, c, ctx)
				if e.Class != Retry || !e.Uncertain || !errors.Is(e, context.Canceled) || !errors.Is(e, errStop) || IsRetryable(e) {
					t.Errorf("%+v, want an uncertain, cancelled retry", e)
				}
			}, msdktest.Always(answer))
		})
	}
}

func TestNothingIsUncertainBeforeTheRequestIsOut(t *testing.T) {
	t.Parallel()
	hang := func(ctx context.Context, _, _ string) (net.Conn, error) {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	for rule, tt := range map[string]struct {
		ctx  func(context.Context) context.Context
		dial func(context.Context, string, string) (net.Conn, error)
		want error
	}{
		"cancelled before the call": {
			func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancel(ctx)
				cancel()
				return ctx
			},
			hang, context.Canceled,
		},
		"cancelled before the call for a cause": {
			func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancelCause(ctx)
				cancel(errStop)
				return ctx
			},
			hang, context.Canceled,
		},
		"cancelled while dialling": {
			func(ctx context.Context) context.Context {
				ctx, cancel := context.WithCancel(ctx)
				time.AfterFunc(time.Second, cancel)
				return ctx
			},
			hang, context.Canceled,
		},
		"timed out while dialling": {
			func(ctx context.Context) context.Context { return ctx },
			hang, context.DeadlineExceeded,
		},
		"refused": {
			func(ctx context.Context) context.Context { return ctx },
			func(context.Context, string, string) (net.Conn, error) {
				return nil, &net.OpError{Op: "dial", Err: syscall.ECONNREFUSED}
			},
			syscall.ECONNREFUSED,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newClient(t, "http://msdk.test", WithDialContext(tt.dial))
				e := failureOf(t, c, tt.ctx(t.Context()))
				if e.Class != Retry || e.Uncertain || e.HTTPStatus != 0 || !errors.Is(e, tt.want) {
					t.Errorf("%+v, want a certain retry for %v", e, tt.want)
				}
			})
		})
	}
}

// dyingConn takes nothing more once it is dead, and hears nothing of it: like one that a firewall has forgotten.
type dyingConn struct {
	net.Conn
	dead *atomic.Bool
}

func (c dyingConn) Write(b []byte) (int, error) {
	if c.dead.Load() {
		return 0, syscall.EPIPE
	}
	return c.Conn.Write(b)
}

func TestADeadConnectionIsReplacedUnnoticed(t *testing.T) {
	t.Parallel()
	for rule, refused := range map[string]error{
		"by a new one": nil,
		"and if there is none, it is certain that nothing was sent": syscall.ECONNREFUSED,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sim := msdktest.New(msdktest.Config{
					Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}, NoUserLimit: true,
				})
				pipe := msdktest.NewPipe()
				sim.Serve(pipe)
				var dead atomic.Bool
				dials := 0
				c := newClient(t, "http://msdk.test", WithDialContext(
					func(ctx context.Context, network, addr string) (net.Conn, error) {
						dials++
						if dials > 1 {
							if refused != nil {
								return nil, refused
							}
							return pipe.DialContext(ctx, network, addr)
						}
						conn, err := pipe.DialContext(ctx, network, addr)
						return dyingConn{conn, &dead}, err
					}))
				if err := c.BattleReport(t.Context(), testApp, "o1", report); err != nil {
					t.Fatal(err)
				}
				dead.Store(true)
				err := c.BattleReport(t.Context(), testApp, "o1", report)
				if refused == nil {
					if err != nil || sim.Ledger.Len() != 2 {
						t.Errorf("%v, %d reports taken", err, sim.Ledger.Len())
					}
				} else if e := asError(t, err); e.Uncertain || !errors.Is(e, refused) {
					t.Errorf("%+v, want a certain failure to connect", e)
				}
				if dials != 2 {
					t.Errorf("dialled %d times", dials)
				}
				c.Close()
				sim.Close()
			})
		})
	}
}

func TestAServerOfUnknownCertificateIsACertainRetry(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.StartTLS()
	t.Cleanup(server.Close)
	if e := failureOf(t, newClient(t, server.URL), t.Context()); e.Class != Retry || e.Uncertain {
		t.Errorf("%+v, want a certain retry", e)
	}
}

func TestAResetIsUncertainAndNotRepeated(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		answer msdktest.Answer
		taken  int
	}{
		"before it was accepted": {msdktest.Answer{Fault: msdktest.Reset}, 0},
		"after it was accepted":  {msdktest.Answer{Fault: msdktest.Reset, Accept: true}, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.Start(msdktest.Config{
				Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}, NoUserLimit: true,
			})
			t.Cleanup(sim.Close)
			c := newClient(t, sim.URL)
			if err := c.BattleReport(t.Context(), testApp, "o0", report); err != nil {
				t.Fatal(err) // the next call finds a connection in use before
			}
			sim.SetRules(msdktest.Always(tt.answer))
			e := failureOf(t, c, t.Context())
			if e.Class != Retry || !e.Uncertain || e.HTTPStatus != 0 {
				t.Errorf("%+v, want an uncertain retry", e)
			}
			if n := sim.Ledger.Outcomes()["reset"]; n != 1 || sim.Ledger.Len() != 1+tt.taken {
				t.Errorf("%d calls reset, %d reports taken", n, sim.Ledger.Len())
			}
		})
	}
}

// It does not matter how an answer ends whose ret has come.
func TestAnAnswerThatBreaksOffIsUncertainUnlessItsRetHasCome(t *testing.T) {
	t.Parallel()
	endings := map[string]func(net.Conn){
		"by a reset": func(conn net.Conn) { _ = conn.(*net.TCPConn).SetLinger(0); _ = conn.Close() },
		"too early":  func(conn net.Conn) { _ = conn.Close() },
	}
	for text, want := range map[string]*Error{
		`{"ret":0,"msg":"suc`: nil,
		`{"msg":"suc`:         {Class: Retry, Uncertain: true},
		`{"ret":-1`:           {Class: Retry, Uncertain: true}, // of what?
		`{"ret":-1011,"msg":`: {Class: Record, Ret: -1011, HasRet: true},
	} {
		for how, end := range endings {
			t.Run(text+" "+how, func(t *testing.T) {
				t.Parallel()
				c := serving(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body) // or the close is a reset, which may overtake the answer
					conn, rw, err := http.NewResponseController(w).Hijack()
					if err != nil {
						panic(err)
					}
					_, _ = rw.WriteString("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + text)
					_ = rw.Flush()
					end(conn)
				})
				err := c.BattleReport(t.Context(), testApp, "o1", []byte(`{}`))
				if want == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}
				if e := asError(t, err); e.Class != want.Class || e.Uncertain != want.Uncertain || e.HasRet != want.HasRet ||
					e.Ret != want.Ret || (e.Err == nil) != want.HasRet {
					t.Errorf("%+v, want %+v", e, want)
				}
			})
		}
	}
}

func TestAConnectionOutOfStepIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	var conns atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte(`{"ret":0,"msdkExtInfo":"other_1"}`))
	}))
	server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			conns.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	c := newClient(t, server.URL)
	for range 3 {
		failureOf(t, c, t.Context())
	}
	if n := conns.Load(); n != 3 {
		t.Errorf("%d connections for 3 calls", n)
	}
}

func TestPlatformRefusals(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		app   App
		class Class
		ret   int
	}{
		"a wrong key is the app's fault": {App{testApp.ID, "wrong", 1}, AppClass, -502},
		"an unknown appid is the app's":  {App{"wx0", "k", 1}, AppClass, -504},
		"a guest is refused here":        {App{"G_1", "k", 1}, Endpoint, 0},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			simulate(t, func(t *testing.T, _ *msdktest.Server, c *Client) {
				e := asError(t, c.BattleReport(t.Context(), tt.app, "o1", report))
				if e.Class != tt.class || e.Ret != tt.ret || e.Uncertain {
					t.Errorf("%+v", e)
				}
			})
		})
	}
}

// It runs in virtual time, since net/http gives up a connection whose request it has not finished writing, for all it
// knows, 50 ms after the answer: on a busy machine that happens.
func TestSequentialCallsShareOneConnection(t *testing.T) {
	t.Parallel()
	for rule, answer := range map[string]string{
		"after success":                         `{"ret":0}`,
		"after failure":                         `{"ret":-1011}`,
		"after nonsense of the greatest length": strings.Repeat("x", 64<<10),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				pipe := msdktest.NewPipe()
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					_, _ = io.WriteString(w, answer)
				})}
				go func() { _ = server.Serve(pipe) }()
				var opened atomic.Int32
				c := newClient(t, "http://msdk.test", WithDialContext(func(ctx context.Context, network, addr string) (net.Conn, error) {
					opened.Add(1)
					return pipe.DialContext(ctx, network, addr)
				}))
				for range 100 {
					_ = c.BattleReport(t.Context(), testApp, "o1", []byte(`{}`))
				}
				if n := opened.Load(); n != 1 {
					t.Errorf("%d connections for 100 calls", n)
				}
				c.Close()
				_ = server.Close()
			})
		})
	}
}

func TestReportsArriveAsTheyWereGiven(t *testing.T) {
	t.Parallel()
	sim := msdktest.Start(msdktest.Config{
		Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}, NoUserLimit: true,
	})
	t.Cleanup(sim.Close)
	c := newClient(t, sim.URL)
	rapid.Check(t, func(t *rapid.T) {
		openids := rapid.SliceOfN(rapid.StringN(1, 20, -1), 1, 5).Draw(t, "openids")
		space := rapid.SampledFrom([]string{"", " ", "\n\t"})
		reports := make([][]byte, len(openids))
		for i, openid := range openids {
			reports[i] = fmt.Appendf(nil, `{%s"baseinfo":{"openid":%s,"platid":%s0}}`,
				space.Draw(t, "space"), mustJSON(openid), space.Draw(t, "space"))
		}
		before := sim.Ledger.Len()
		if err := c.BattleReport(t.Context(), testApp, openids[0], reports...); err != nil {
			t.Fatal(err)
		}
		got := sim.Ledger.Reports()[before:]
		if len(got) != len(reports) {
			t.Fatalf("%d reports arrived, %d were given", len(got), len(reports))
		}
		for i, r := range got {
			if r.OpenID != openids[i] || r.URLOpenID != openids[0] || !bytes.Equal(r.Raw, reports[i]) {
				t.Fatalf("report %d arrived as %+v", i, r)
			}
		}
	})
}
