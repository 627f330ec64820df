package msdkclient_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// tripper is a transport of the caller's.
type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// reply is an answer with the text.
func reply(status int, text string) *http.Response {
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(text))}
}

func TestACallOverTheCallersTransportIsStillTheClients(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		transport tripper
		want      *Error // nil: success
		says      string
	}{
		"signed, named and with a time limit": {func(r *http.Request) (*http.Response, error) {
			q := r.URL.Query()
			if _, limited := r.Context().Deadline(); !limited || q.Get("sig") != Sign(testApp.Key, q.Get("timestamp")) || r.UserAgent() != "battlereport" {
				t.Errorf("%v, %v", r.URL, r.Header)
			}
			body, err := io.ReadAll(r.Body)
			if err != nil || string(body) != `{"appid":"`+testApp.ID+`","openid":"o1","json":[`+string(report)+`]}` {
				t.Errorf("%s, %v", body, err)
			}
			return reply(200, `{"ret":0}`), nil
		}, nil, ""},
		"classified": {func(*http.Request) (*http.Response, error) {
			return reply(200, `{"ret":-1011}`), nil
		}, &Error{Class: Record, HTTPStatus: 200, Ret: -1011, HasRet: true}, "ret -1011"},
		"not redirected": {func(r *http.Request) (*http.Response, error) {
			answer := reply(307, "")
			answer.Header.Set("Location", r.URL.String())
			return answer, nil
		}, &Error{Class: Endpoint, HTTPStatus: 307, Uncertain: true}, "HTTP 307"},
		"bounded": {func(*http.Request) (*http.Response, error) {
			return reply(200, `{"ret":0,`+strings.Repeat(" ", 64<<10)), nil
		}, &Error{Class: Retry, HTTPStatus: 200, Uncertain: true}, "answer is longer than 65536 bytes"},
		"without secrets and users in its errors": {func(r *http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("post %s with %s", r.URL, testApp.Key)
		}, &Error{Class: Retry, Uncertain: true}, "&sig=[sig]&openid=[openid]&"},
		"failed if there is neither answer nor error": {func(*http.Request) (*http.Response, error) {
			return nil, nil
		}, &Error{Class: Retry, Uncertain: true}, "neither an answer nor an error"},
		"failed if the answer has no body": {func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200}, nil
		}, &Error{Class: Retry, Uncertain: true}, "neither an answer nor an error"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			err := newClient(t, "http://msdk.test", WithTransport(tt.transport)).BattleReport(t.Context(), testApp, "o1", report)
			if tt.want == nil {
				if err != nil {
					t.Error(err)
				}
				return
			}
			e := asError(t, err)
			if e.Class != tt.want.Class || e.HTTPStatus != tt.want.HTTPStatus || e.Ret != tt.want.Ret || e.HasRet != tt.want.HasRet ||
				e.Uncertain != tt.want.Uncertain || !strings.Contains(e.Error(), tt.says) || strings.Contains(e.Error(), testApp.Key) {
				t.Errorf("%+v, want %+v with %q", e, tt.want, tt.says)
			}
		})
	}
}

func TestACallOverTheCallersTransportIsUncertainUnlessThatSaysThatItHadNoConnection(t *testing.T) {
	t.Parallel()
	down := errors.New("down")
	refused := &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) { return nil, syscall.ECONNREFUSED }}
	tell := func(r *http.Request) *httptrace.ClientTrace { return httptrace.ContextClientTrace(r.Context()) }
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for rule, tt := range map[string]struct {
		ctx       context.Context
		transport http.RoundTripper
		uncertain bool
	}{
		"which it does not say": {t.Context(), tripper(func(*http.Request) (*http.Response, error) { return nil, down }), true},
		"which it says":         {t.Context(), refused, false},
		"which is so before it is asked": {cancelled, tripper(func(*http.Request) (*http.Response, error) {
			t.Error("asked")
			return nil, down
		}), false},
		"and if it had one, whether it says that it has written or not": {t.Context(), tripper(func(r *http.Request) (*http.Response, error) {
			tell(r).GetConn("h")
			tell(r).GotConn(httptrace.GotConnInfo{})
			return nil, down
		}), true},
		"and has not sent the request at another try": {t.Context(), tripper(func(r *http.Request) (*http.Response, error) {
			tell(r).GetConn("h")
			tell(r).WroteHeaders()
			return refused.RoundTrip(r)
		}), true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			e := failureOf(t, newClient(t, "http://msdk.test", WithTransport(tt.transport)), tt.ctx)
			if e.Class != Retry || e.Uncertain != tt.uncertain || e.HTTPStatus != 0 {
				t.Errorf("%+v, want uncertain %v", e, tt.uncertain)
			}
		})
	}
}

func TestTheCallersTransportMayReadABodyAfterItsAnswer(t *testing.T) {
	t.Parallel()
	var late []func() string
	c := newClient(t, "http://msdk.test", WithTransport(tripper(func(r *http.Request) (*http.Response, error) {
		trace := httptrace.ContextClientTrace(r.Context())
		trace.GetConn("h")
		trace.WroteRequest(httptrace.WroteRequestInfo{}) // so it says
		late = append(late, func() string { body, _ := io.ReadAll(r.Body); return string(body) })
		return reply(200, `{"ret":0}`), nil
	})))
	for i := range 20 {
		if err := c.BattleReport(t.Context(), testApp, fmt.Sprintf("o%02d", i), report); err != nil {
			t.Fatal(err)
		}
	}
	for i, body := range late {
		if body, openid := body(), fmt.Sprintf(`"openid":"o%02d"`, i); !strings.Contains(body, openid) {
			t.Errorf("want %s in %s", openid, body)
		}
	}
}

// idling counts how often its idle connections are closed.
type idling struct {
	tripper
	closed int
}

func (i *idling) CloseIdleConnections() { i.closed++ }

func TestTheConnectionsOfTheCallersTransportAreClosedIfTheyAreOutOfStepAndNotByClose(t *testing.T) {
	t.Parallel()
	answer := `{"ret":0}`
	transport := &idling{tripper: func(*http.Request) (*http.Response, error) { return reply(200, answer), nil }}
	c := newClient(t, "http://msdk.test", WithTransport(transport))
	if err := c.ReportScore(t.Context(), testApp, aScore); err != nil {
		t.Fatal(err)
	}
	if c.Close(); transport.closed != 0 {
		t.Error("closed by Close")
	}
	answer = `{"ret":0,"msdkExtInfo":"other_1"}`
	if e := failureOf(t, c, t.Context()); !e.Uncertain || transport.closed != 1 {
		t.Errorf("%v, closed %d times", e, transport.closed)
	}
}

// The trace of a connection by which a call is known to be certain or not, over net/http's own transport.
func TestTheSimulatedPlatformIsCalledOverTheCallersTransport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}, NoUserLimit: true})
		pipe := msdktest.NewPipe()
		sim.Serve(pipe)
		transport := &http.Transport{DialContext: pipe.DialContext}
		c := newClient(t, "http://msdk.test", WithTransport(transport))
		if err := c.BattleReport(t.Context(), testApp, "o1", report); err != nil {
			t.Error(err)
		}
		sim.SetRules(msdktest.Always(msdktest.Answer{Fault: msdktest.Hang}))
		began := time.Now()
		if e := failureOf(t, c, t.Context()); !e.Uncertain || !errors.Is(e, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
		transport.CloseIdleConnections()
		sim.Close()
	})
}

func TestNewRefusesOptionsThatDoNotFit(t *testing.T) {
	t.Parallel()
	transport := WithTransport(http.DefaultTransport)
	for rule, tt := range map[string]struct {
		opts []Option
		cfg  func(*Config)
		want string
	}{
		"a dialer beside a transport":              {[]Option{transport, WithDialContext((&net.Dialer{}).DialContext)}, nil, "msdk transport: "},
		"a proxy beside a transport":               {[]Option{WithProxy(nil), transport}, nil, "msdk transport: "},
		"a file of authorities beside a transport": {[]Option{transport}, func(c *Config) { c.CAFile = "ca.pem" }, "msdk transport: "},
		"a name of the program that is no header":  {[]Option{WithUserAgent("a\nb")}, nil, `msdk user agent "a\nb": `},
		"a content type that is no header":         {nil, func(c *Config) { c.ContentType = "a/b\r\n" }, `msdk content type "a/b\r\n": `},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cfg := DefaultConfig()
			if tt.cfg != nil {
				tt.cfg(&cfg)
			}
			if _, err := New(cfg, tt.opts...); err == nil || !strings.HasPrefix(err.Error(), tt.want) {
				t.Errorf("%v, want %s", err, tt.want)
			}
		})
	}
}

func TestTheDefaultsAreThoseOfTheDocument(t *testing.T) {
	want := Config{
		BaseURL: "https://msdk.tencent-cloud.net", Timeout: 5 * time.Second,
		ContentType: "application/x-www-form-urlencoded", MaxConns: 32,
	}
	if got := DefaultConfig(); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	t.Setenv("HTTPS_PROXY", "http://me:hunter2@b:port")
	for rule, tt := range map[string]struct {
		noProxy string
		opts    []Option
		works   bool
	}{
		"a proxy that cannot be used is found at the start":     {"", nil, false},
		"… also where it would be passed by":                    {"*", nil, false},
		"unless the caller says that there is to be none":       {"", []Option{WithProxy(nil)}, true},
		"or has a way of its own to the network":                {"", []Option{WithTransport(http.DefaultTransport)}, true},
		"or of its own to open connections, as it has had ever": {"", []Option{WithDialContext((&net.Dialer{}).DialContext)}, true},
	} {
		t.Setenv("NO_PROXY", tt.noProxy)
		_, err := New(DefaultConfig(), tt.opts...)
		if (err == nil) != tt.works || err != nil && (!strings.Contains(err.Error(), "HTTPS_PROXY") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: %v", rule, err)
		}
	}
}

func TestTheProxyIsTheOneThatTheCallerNames(t *testing.T) {
	var asked, credentials string
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked, credentials = r.Host, r.Header.Get("Proxy-Authorization")
		_, _ = io.WriteString(w, `{"ret":0}`)
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1")
	t.Setenv("NO_PROXY", "msdk.example")
	p, err := ParseProxy("me:hunter2@" + proxy.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://[redacted]@" + proxy.Listener.Addr().String(); p.String() != want {
		t.Errorf("%v, want %s", p, want)
	}
	c := newClient(t, "http://msdk.example", WithProxy(p))
	if err := c.ReportScore(t.Context(), testApp, aScore); err != nil || asked != "msdk.example" || credentials == "" {
		t.Errorf("asked for %q with %q: %v", asked, credentials, err)
	}
	direct := newClient(t, proxy.URL, WithProxy(nil))
	if err := direct.ReportScore(t.Context(), testApp, aScore); err != nil || asked != proxy.Listener.Addr().String() {
		t.Errorf("asked for %q: %v", asked, err)
	}
	for _, wrong := range []string{"", "http://me:hunter2@b:port", "ftp://hunter2@b", "http://b/hunter2", "hunter2 b"} {
		if p, err := ParseProxy(wrong); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v, %v", wrong, p, err)
		}
	}
}

func TestWhenAnAnswerWasWrittenIsTold(t *testing.T) {
	t.Parallel()
	for date, want := range map[string]string{
		"Wed, 01 Jan 2020 00:00:09 GMT": "2020-01-01T00:00:09Z",
		"yesterday":                     "",
		"":                              "",
	} {
		for _, text := range []string{`{"ret":0}`, `{"ret":-502}`, `nothing`} {
			told := ""
			transport := tripper(func(*http.Request) (*http.Response, error) {
				answer := reply(200, text)
				answer.Header.Set("Date", date)
				return answer, nil
			})
			client, err := New(DefaultConfig(), WithTransport(transport), WithDate(func(at time.Time) { told += at.UTC().Format(time.RFC3339) }))
			if err != nil {
				t.Fatal(err)
			}
			_ = client.CheckToken(t.Context(), testApp, CheckTokenRequest{AccessToken: "t", OpenID: "o"})
			if told != want {
				t.Errorf("%q before %s: told %q, want %q", date, text, told, want)
			}
		}
	}
}
