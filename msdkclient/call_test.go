package msdkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

var testApp = App{ID: "wxcde873f99466f74a", Key: "sesame-open", Encode: 1}

// serve answers calls by handler, and returns a client for it.
func serve(t *testing.T, handler http.HandlerFunc) *Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return newClient(t, server.URL)
}

func newClient(t *testing.T, baseURL string, opts ...Option) *Client {
	t.Helper()
	c, err := New(Config{BaseURL: baseURL, Timeout: 5 * time.Second, ContentType: "text/x-test", MaxConns: 4}, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// failure makes a report and returns how it failed.
func failure(t *testing.T, c *Client) *Error {
	t.Helper()
	return asError(t, c.BattleReport(t.Context(), testApp, "o1", []byte(`{}`)))
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok {
		t.Fatalf("got %v, want an *Error", err)
	}
	return e
}

func TestNewRefusesAConfigItCannotUse(t *testing.T) {
	t.Parallel()
	good := Config{BaseURL: "https://msdk.example/prefix/", Timeout: time.Second, ContentType: "a/b", MaxConns: 1}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for rule, spoil := range map[string]func(*Config){
		"a base URL with a scheme":         func(c *Config) { c.BaseURL = "msdk.example" },
		"a base URL with a known scheme":   func(c *Config) { c.BaseURL = "ftp://msdk.example" },
		"a base URL with a host":           func(c *Config) { c.BaseURL = "http://:80/" },
		"a base URL that parses":           func(c *Config) { c.BaseURL = "http://a b" },
		"a base URL without a user":        func(c *Config) { c.BaseURL = "http://u:sesame@msdk.example" },
		"a base URL with a port":           func(c *Config) { c.BaseURL = "http://u:sesame@msdk.example:8%zz" },
		"a base URL that is all escaped":   func(c *Config) { c.BaseURL = "http://u:sesame/2@msdk.example" },
		"a base URL without a query":       func(c *Config) { c.BaseURL = "http://msdk.example/?a=b" },
		"a timeout":                        func(c *Config) { c.Timeout = 0 },
		"a content type":                   func(c *Config) { c.ContentType = "" },
		"at least one connection to keep":  func(c *Config) { c.MaxConns = 0 },
		"a base URL that is not left away": func(c *Config) { c.BaseURL = "" },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cfg := good
			spoil(&cfg)
			if _, err := New(cfg); err == nil || strings.Contains(err.Error(), "sesame") {
				t.Errorf("New(%+v): %v", cfg, err)
			}
			if _, err := ProxyFor(cfg.BaseURL, func(string) string { return "" }); err != nil && strings.Contains(err.Error(), "sesame") {
				t.Error(err)
			}
		})
	}
}

func TestNoReportIsRefusedUnsent(t *testing.T) {
	t.Parallel()
	c := newClient(t, "http://127.0.0.1:1", WithDialContext(func(context.Context, string, string) (net.Conn, error) {
		t.Error("dialled")
		return nil, errors.New("unwanted")
	}))
	e := asError(t, c.BattleReport(t.Context(), testApp, "o1"))
	if e.Class != Endpoint || e.Uncertain || e.Path != "/profile/wxbattle_report" {
		t.Errorf("%+v", e)
	}
}

func TestAnswersThatFail(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		handler http.HandlerFunc
		want    Error
		text    string
	}{
		"the platform's words and codes are kept": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"ret":-20000,"msg":"40031,invalid openid list"}`)
			},
			Error{Class: Record, HTTPStatus: 200, Ret: -20000, HasRet: true, Inner: 40031, Msg: "40031,invalid openid list"},
			`msdk /profile/wxbattle_report: ret -20000/40031, invalid openid list, "40031,invalid openid list" (record)`,
		},
		"a throttled call waits a second though nobody says so": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"ret":-503,"msg":"slow\ndown"}`)
			},
			Error{Class: Throttle, HTTPStatus: 200, Ret: -503, HasRet: true, Msg: "slow\ndown", RetryAfter: time.Second},
			`msdk /profile/wxbattle_report: ret -503, one user's requests come too often, "slow\ndown" (throttle)`,
		},
		"a status without a ret": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", "7")
				http.Error(w, "busy", http.StatusServiceUnavailable)
			},
			Error{Class: Retry, HTTPStatus: 503, RetryAfter: 7 * time.Second, Uncertain: true},
			`msdk /profile/wxbattle_report: HTTP 503 (retry, outcome uncertain)`,
		},
		"a redirect is not followed": {
			func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
			},
			Error{Class: Endpoint, HTTPStatus: 307, Uncertain: true},
			`msdk /profile/wxbattle_report: HTTP 307 (endpoint, outcome uncertain)`,
		},
		"an answer without ret": {
			func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `<html>`) },
			Error{Class: Retry, HTTPStatus: 200, Uncertain: true, Err: errUnreadable},
			`msdk /profile/wxbattle_report: answer is not a JSON object with a ret (retry, outcome uncertain)`,
		},
		"an answer that is too long": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"ret":0}`+strings.Repeat(" ", maxAnswer))
			},
			Error{Class: Retry, HTTPStatus: 200, Uncertain: true, Err: tooLong(maxAnswer)},
			`msdk /profile/wxbattle_report: answer is longer than 65536 bytes (retry, outcome uncertain)`,
		},
		"another request's answer": {
			func(w http.ResponseWriter, _ *http.Request) {
				_, _ = io.WriteString(w, `{"ret":0,"msdkExtInfo":"other_1"}`)
			},
			Error{Class: Retry, HTTPStatus: 200, Uncertain: true, Err: errNotOurs},
			`msdk /profile/wxbattle_report: answer carries the msdkExtInfo of another request (retry, outcome uncertain)`,
		},
		"a status whose page breaks off keeps its verdict": {
			func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				w.WriteHeader(http.StatusRequestEntityTooLarge)
				_, _ = io.WriteString(w, "too lar")
			},
			Error{Class: Record, HTTPStatus: 413, Err: io.ErrUnexpectedEOF},
			`msdk /profile/wxbattle_report: HTTP 413 read answer: unexpected EOF (record)`,
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := failure(t, serve(t, tt.handler))
			if tt.want.Err != nil && !errors.Is(got, tt.want.Err) {
				t.Errorf("error %v, want one that is %v", got.Err, tt.want.Err)
			}
			plain := *got
			plain.Err, tt.want.Err = nil, nil
			tt.want.Path = "/profile/wxbattle_report"
			if plain != tt.want {
				t.Errorf("got  %+v\nwant %+v", plain, tt.want)
			}
			if got.Error() != tt.text {
				t.Errorf("text %s\nwant %s", got, tt.text)
			}
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"120":                           2 * time.Minute,
		"-1":                            0,
		"1.5":                           0,
		"soon":                          0,
		"9223372036854775807":           9223372036 * time.Second,
		"99999999999999999999":          0,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute,
		"Fri, 02 Jan 2026 03:03:05 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
}

func TestNoErrorShowsKeyOrSignature(t *testing.T) {
	t.Parallel()
	hijack := func(w http.ResponseWriter, text string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.Close()
	}
	for rule, handler := range map[string]http.HandlerFunc{
		"when the platform repeats the URL in its message": func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprintf(w, `{"ret":-502,"msg":"%s %s"}`, testApp.Key, r.URL)
		},
		"when a broken server repeats it as status line": func(w http.ResponseWriter, r *http.Request) {
			hijack(w, r.RequestURI+" "+testApp.Key+"\r\n\r\n")
		},
		"when a broken server repeats it as header": func(w http.ResponseWriter, r *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\n"+r.RequestURI+"\r\n\r\n")
		},
		"when the connection breaks": func(w http.ResponseWriter, _ *http.Request) { hijack(w, "") },
		"when it is told to go":      func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.String(), http.StatusFound) },
		"when the answer does not end": func(w http.ResponseWriter, _ *http.Request) {
			hijack(w, "HTTP/1.1 200 OK\r\n"+"Content-Length: 9\r\n\r\n")
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			var sig string
			e := failure(t, serve(t, func(w http.ResponseWriter, r *http.Request) {
				sig = r.URL.Query().Get("sig")
				_, _ = io.Copy(io.Discard, r.Body)
				handler(w, r)
			}))
			shown := fmt.Sprintf("%v\n%+v\n%#v\n", e, *e, *e)
			for err := error(e); err != nil; err = errors.Unwrap(err) {
				shown += fmt.Sprintf("%v\n%+v\n%#v\n", err, err, err)
			}
			if sig == "" || strings.Contains(shown, sig) || strings.Contains(shown, testApp.Key) {
				t.Errorf("sig %q or key is shown:\n%s", sig, shown)
			}
		})
	}
}
