package msdkclient_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func friends(c *Client, ctx context.Context) error {
	_, err := c.FriendsProfile(ctx, testApp, FriendsProfileRequest{OpenID: user, AccessToken: access})
	return err
}

func oneReport(c *Client, ctx context.Context) error {
	return c.BattleReport(ctx, testApp, user, report)
}

// friendList is an answer about so many friends, of 280 bytes each.
func friendList(n int) string {
	var b strings.Builder
	b.WriteString(`{"ret":0,"msg":"success","lists":[`)
	for i := range n {
		fmt.Fprintf(&b, `{"nickName":"player %d","sex":%d,"picture":"http://wx.qlogo.cn/mmhead/%s%05d/","provice":"Guangdong","city":"Shenzhen","openid":"o%027d","country":"CN","language":"zh_CN"},`,
			i, i%3, strings.Repeat("Q3auHgzwzM", 8), i, i)
	}
	return strings.TrimSuffix(b.String(), ",") + `]}`
}

func TestThousandsOfFriendsAreRead(t *testing.T) {
	t.Parallel()
	list := friendList(5000)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := io.WriteString(w, list); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	for rule, answer := range map[string]string{"as they are": list, "packed": packed.String()} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := serving(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
			got, err := c.FriendsProfile(t.Context(), testApp, FriendsProfileRequest{OpenID: user, AccessToken: access})
			if err != nil || len(got.Profiles) != 5000 || got.Profiles[4999].OpenID != fmt.Sprintf("o%027d", 4999) {
				t.Errorf("%v of %d bytes", err, len(list))
			}
		})
	}
}

// It measures memory, and so runs by itself.
func TestAnAnswerWithoutEndTakesNoMoreThanItsCallAllows(t *testing.T) {
	const whole = 100 << 20
	chunk := bytes.Repeat([]byte(`{"openid":"o1"},`), 1<<12)
	for rule, tt := range map[string]struct {
		call  func(*Client, context.Context) error
		limit int
	}{
		"a list":   {friends, 4 << 20},
		"a report": {oneReport, 64 << 10},
	} {
		for kind, begin := range map[string]string{"of text": `{"ret":0,"lists":[`, "of headers": ""} {
			t.Run(rule+" "+kind, func(t *testing.T) {
				var written atomic.Int64
				ended := make(chan struct{}, 1)
				c := serving(t, func(w http.ResponseWriter, r *http.Request) {
					defer func() { ended <- struct{}{} }()
					_, _ = io.Copy(io.Discard, r.Body)
					conn, _, err := http.NewResponseController(w).Hijack()
					if err != nil {
						panic(err)
					}
					defer conn.Close()
					_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n")
					if begin != "" {
						_, _ = io.WriteString(conn, "Content-Length: "+strconv.Itoa(whole)+"\r\n\r\n"+begin)
					} else {
						_, _ = io.WriteString(conn, "X: ")
					}
					for written.Load() < whole {
						n, err := conn.Write(chunk)
						written.Add(int64(n))
						if err != nil {
							return
						}
					}
				})
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				e := asError(t, tt.call(c, t.Context()))
				runtime.ReadMemStats(&after)
				if grown, most := after.TotalAlloc-before.TotalAlloc, uint64(8*tt.limit+2<<20); grown > most {
					t.Errorf("%d bytes allocated, want %d at most", grown, most)
				}
				says := fmt.Sprintf("answer is longer than %d bytes", tt.limit)
				if begin == "" {
					says = "headers exceeded 65536 bytes"
				}
				if e.Class != Retry || !e.Uncertain || e.HasRet || !strings.Contains(e.Error(), says) || !strings.Contains(e.Error(), e.Path) {
					t.Errorf("%v, want an uncertain retry as %s", e, says)
				}
				if <-ended; written.Load() >= whole {
					t.Error("all was taken")
				}
			})
		}
	}
}

func TestAListThatBreaksOffIsAnUncertainRetry(t *testing.T) {
	t.Parallel()
	list := friendList(2000)
	c := serving(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(len(list)))
		_, _ = io.WriteString(w, list[:len(list)/2])
		panic(http.ErrAbortHandler)
	})
	if e := asError(t, friends(c, t.Context())); e.Class != Retry || !e.Uncertain || !e.HasRet || e.Ret != 0 || !errors.Is(e, io.ErrUnexpectedEOF) {
		t.Errorf("%+v", e)
	}
}

func TestAListThatComesInDropsEndsInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
			for _, drop := range []byte(friendList(100)) {
				_, _ = w.Write([]byte{drop})
				_ = http.NewResponseController(w).Flush()
				select {
				case <-time.After(time.Second):
				case <-r.Context().Done():
					return
				}
			}
		}, nil)
		began := time.Now()
		e := asError(t, friends(c, t.Context()))
		if e.Class != Retry || !e.Uncertain || !errors.Is(e, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%+v after %v", e, time.Since(began))
		}
	})
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// inMemory answers calls by handler, in virtual time, over connections that open makes of those there are.
func inMemory(t *testing.T, handler http.HandlerFunc, open func(dialer) dialer) *Client {
	t.Helper()
	pipe := msdktest.NewPipe()
	server := &http.Server{Handler: handler}
	go func() { _ = server.Serve(pipe) }()
	dial := pipe.DialContext
	if open != nil {
		dial = open(dial)
	}
	c := newClient(t, "http://msdk.test", WithDialContext(dial))
	t.Cleanup(func() { c.Close(); _ = server.Close() })
	return c
}
