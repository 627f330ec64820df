package pipeline_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func gzipped(text []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(text)
	_ = z.Close()
	return b.Bytes()
}

func TestAcceptedReportsArePostedOnceHoweverTheAnswerIsWritten(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]string{
		"with a control byte": "{\"ret\":0,\"msg\":\"ok \x14\"}",
		"in GBK":              "{\"msg\":\"\xd5\x5c\",\"ret\":0}",
		"in bad JSON":         `{"msg":"\x",,"ret":0.0};`,
		"cut off":             `{"ret":0,"msg":"succ`,
		"packed":              string(gzipped([]byte(`{"ret":0}`))),
	} {
		for _, route := range []string{"battle_report", "wxscore"} {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				virtual(t, func(w *world) {
					w.cfg.Apps[0].Route = route
					w.cfg.Delivery.Retry.MaxElapsed = 10 * time.Second
					w.msdk.SetRules(msdktest.Always(msdktest.Answer{Body: body, Accept: true}))
					w.publishMany("player", 10)
					p, stop := w.start()
					w.settled(p, 10, time.Minute)
					stop()
					most := map[string]int{"battle_report": 4, "wxscore": 10}[route] // a call of each partition's
					if calls := w.calls(); w.msdk.Ledger.Len() != 10 || calls > most || len(w.letters()) != 0 {
						w.t.Errorf("10 reports are %d in %d calls, and %d letters", w.msdk.Ledger.Len(), calls, len(w.letters()))
					}
				})
			})
		}
	}
}

func TestAPackedAnswerNobodyAskedForIsRead(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		asked := ""
		pipe := msdktest.NewPipe()
		server := &http.Server{Handler: http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			asked = r.Header.Get("Accept-Encoding")
			answer := httptest.NewRecorder()
			w.msdk.ServeHTTP(answer, r)
			packed := gzipped(answer.Body.Bytes())
			rw.Header().Set("Content-Encoding", "gzip")
			rw.Header().Set("Content-Length", strconv.Itoa(len(packed)))
			_, _ = rw.Write(packed)
		})}
		go func() { _ = server.Serve(pipe) }()
		w.opts.DialMSDK = pipe.DialContext
		w.publish("anna", report("anna", 1))
		p, stop := w.start()
		w.settled(p, 1, time.Minute)
		stop()
		_ = server.Close()
		if w.calls() != 1 || len(w.letters()) != 0 || asked != "identity" {
			w.t.Errorf("%d calls, %d letters, asked for %q", w.calls(), len(w.letters()), asked)
		}
	})
}

func TestABadRecordIsFoundHoweverTheAnswerIsWritten(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]msdktest.Answer{
		"with a control byte":       {Body: "{\"ret\":-10002,\"msg\":\"bad openid \x1b[31mo1\"}"},
		"in GBK":                    {Body: "{\"msg\":\"\xd5\x5c\",\"ret\":-10002}"},
		"with a code in msg":        {Body: "{\"msg\":\"40003,\x01\",\"ret\":-20000}"},
		"cut off":                   {Body: `{"ret":-10002,"msg":"bad`},
		"packed":                    {Body: string(gzipped([]byte(`{"ret":-10002}`)))},
		"under a status that fails": {HTTP: 500, Body: "{\"ret\":-10002,\"msg\":\"\x1b\"}"},
	} {
		for _, route := range []string{"battle_report", "wxscore"} {
			t.Run(name+", "+route, func(t *testing.T) {
				t.Parallel()
				virtual(t, func(w *world) {
					w.cfg.Apps[0].Route = route
					w.cfg.Batch.Linger = time.Second
					w.msdk.SetRules(msdktest.Poison(answer, "player-2"))
					w.publishMany("player", 4)
					p, stop := w.start()
					w.settled(p, 4, time.Minute)
					stop()
					letters := w.letters()
					if w.msdk.Ledger.Len() != 3 || len(letters) != 1 {
						w.t.Fatalf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(letters))
					}
					l := letters[0]
					if string(l.Key) != "player-2" || header(l, "deadletter.reason") != "rejected" || header(l, "deadletter.delivery") != "none" {
						w.t.Errorf("letter of %s: %v", l.Key, l.Headers)
					}
				})
			})
		}
	}
}

func TestAnAppIsHeldHoweverTheAnswerIsWritten(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		outage := new(msdktest.Outage)
		outage.Begin(msdktest.Answer{Body: "{\"msg\":\"\xd5\x5c\x1b\",\"ret\":-502}"})
		w.msdk.SetRules(outage.Rule)
		w.publishMany("player", 10)
		p, stop := w.start()
		w.until("the app is held", time.Minute, func() bool { return slices.Equal(p.Stats().Held, []string{appID}) })
		outage.End()
		w.settled(p, 10, time.Minute)
		stop()
		if w.msdk.Ledger.Len() != 10 || len(w.letters()) != 0 {
			w.t.Errorf("%d delivered, %d letters", w.msdk.Ledger.Len(), len(w.letters()))
		}
	})
}

func TestAnAnswerCutOffBeforeItsRetLeavesTheOutcomeUncertain(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.Retry.MaxElapsed = 10 * time.Second
		w.msdk.SetRules(msdktest.Poison(msdktest.Answer{Body: `{"msg":"success","re`, Accept: true}, "bad"))
		w.publish("good", report("good", 1))
		w.publish("bad", report("bad", 1))
		p, stop := w.start()
		w.settled(p, 2, time.Minute)
		stop()
		letters := w.letters()
		if len(letters) != 1 || header(letters[0], "deadletter.reason") != "exhausted" || header(letters[0], "deadletter.delivery") != "uncertain" {
			w.t.Errorf("letters: %v", letters)
		}
	})
}

// The platform's address changes under load.
func TestCallsFollowThePlatformToAnotherAddress(t *testing.T) {
	t.Parallel()
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		old := msdktest.New(msdktest.Config{NoUserLimit: true, Apps: []msdktest.App{{ID: appID, AppKey: appKey}}})
		w.t.Cleanup(old.Close)
		pipe := msdktest.NewPipe()
		old.Serve(pipe)
		for _, sim := range []*msdktest.Server{old, w.msdk} {
			sim.SetRules(msdktest.Latency(2500 * time.Millisecond)) // so that calls overlap
		}
		var moved atomic.Bool
		dial := w.opts.DialMSDK
		w.opts.DialMSDK = func(ctx context.Context, network, address string) (net.Conn, error) {
			if moved.Load() {
				return dial(ctx, network, address)
			}
			return pipe.DialContext(ctx, network, address)
		}
		p, stop := w.start()
		n := 0
		play := func(d time.Duration) {
			for end := time.Now().Add(d); time.Now().Before(end); n++ {
				user := fmt.Sprintf("player-%d", n)
				w.publish(user, report(user, n))
				time.Sleep(time.Second)
			}
		}
		play(30 * time.Second)
		moved.Store(true)
		play(5*time.Minute + 10*time.Second)
		before := old.Ledger.Len()
		play(time.Minute)
		w.settled(p, n, time.Minute)
		stop()
		if after := old.Ledger.Len(); after != before {
			w.t.Errorf("%d reports have gone to the old address after more than five minutes", after-before)
		}
		if got := old.Ledger.Len() + w.msdk.Ledger.Len(); got != n || len(w.letters()) != 0 {
			w.t.Errorf("%d reports are %d, and %d letters", n, got, len(w.letters()))
		}
	})
}
