package msdktest_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestAnswersAreSentAsTold(t *testing.T) {
	t.Parallel()
	sim := msdktest.Start(config)
	t.Cleanup(sim.Close)
	for rule, tt := range map[string]struct {
		answer     msdktest.Answer
		status     int
		body       string
		retryAfter string
	}{
		"a bare status comes without ret":    {msdktest.Answer{HTTP: 503}, 503, "Service Unavailable", ""},
		"Retry-After is set":                 {msdktest.Answer{HTTP: 429, RetryAfter: "7"}, 429, "Too Many Requests", "7"},
		"a status may come with ret":         {msdktest.Answer{HTTP: 500, Ret: -1011}, 500, `{"ret":-1011,"msg":"failure","msdkExtInfo":"s_1"}`, ""},
		"a ret may come with a message":      {msdktest.Answer{Ret: -20000, Msg: "40001,x"}, 200, `{"ret":-20000,"msg":"40001,x","msdkExtInfo":"s_1"}`, ""},
		"a body is sent word for word":       {msdktest.Answer{Body: "<html>"}, 200, "<html>", ""},
		"a body in drops arrives in the end": {msdktest.Answer{Ret: -307, Fault: msdktest.Drip}, 200, `{"ret":-307,"msg":"failure","msdkExtInfo":"s_1"}`, ""},
	} {
		t.Run(rule, func(t *testing.T) { // one after another: they set the rules
			sim.SetRules(msdktest.Always(tt.answer))
			resp, body, err := battle("a").post(t, sim.URL)
			if err != nil {
				t.Fatal(err)
			}
			if resp.StatusCode != tt.status || body != tt.body || resp.Header.Get("Retry-After") != tt.retryAfter {
				t.Errorf("answered %d %q, Retry-After %q", resp.StatusCode, body, resp.Header.Get("Retry-After"))
			}
		})
	}
	if sim.Ledger.Len() != 0 {
		t.Errorf("%d reports taken", sim.Ledger.Len())
	}
}

func TestResetIsATCPReset(t *testing.T) {
	t.Parallel()
	sim := msdktest.Start(config)
	t.Cleanup(sim.Close)
	sim.SetRules(msdktest.Always(msdktest.Answer{Fault: msdktest.Reset, Accept: true}))
	if _, _, err := battle("a").post(t, sim.URL); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("ended with %v, want a reset", err)
	}
	if sim.Ledger.Len() != 1 {
		t.Error("the report was not taken")
	}
}

func TestACutAnswerBreaksOff(t *testing.T) {
	t.Parallel()
	sim := msdktest.Start(config)
	t.Cleanup(sim.Close)
	sim.SetRules(msdktest.Always(msdktest.Answer{Body: "abcdefgh", Fault: msdktest.Cut, Accept: true}))
	resp, body, err := battle("a").post(t, sim.URL)
	if resp == nil || body != "abcd" || err == nil {
		t.Errorf("answered %q, %v", body, err)
	}
	if outcomes := sim.Ledger.Outcomes(); outcomes["cut"] != 1 || sim.Requests()[0].HTTP != 200 {
		t.Errorf("counted %v", outcomes)
	}
}

func TestWaitingEndsWithTheServer(t *testing.T) {
	t.Parallel()
	for rule, r := range map[string]msdktest.Rule{
		"while it hangs":            msdktest.Always(msdktest.Answer{Fault: msdktest.Hang}),
		"while it takes its time":   msdktest.Latency(time.Hour),
		"while the answer drips in": msdktest.Always(msdktest.Answer{Fault: msdktest.Drip, Every: time.Hour}),
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sim, client, hangUp := overPipe(t)
				sim.SetRules(r)
				began := time.Now()
				time.AfterFunc(time.Minute, sim.Close)
				resp, err := client.RoundTrip(battle("a").request())
				if err == nil {
					_, err = io.ReadAll(resp.Body)
				}
				if took := time.Since(began); err == nil || took != time.Minute {
					t.Errorf("ended after %v with %v", took, err)
				}
				if sim.Ledger.Len() != 0 {
					t.Error("a report was taken")
				}
				hangUp()
			})
		})
	}
}

func TestWaitingEndsWithTheClient(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim, client, hangUp := overPipe(t)
		sim.SetRules(msdktest.Latency(time.Hour))
		var ended sync.WaitGroup
		ended.Go(func() {
			if _, err := client.RoundTrip(battle("a").request()); err == nil {
				t.Error("answered")
			}
		})
		time.Sleep(time.Minute)
		hangUp()
		ended.Wait()
		synctest.Wait()
		if sim.Ledger.Outcomes()["reset"] != 1 || sim.Ledger.Len() != 0 {
			t.Errorf("the call goes on: %v", sim.Ledger.Outcomes())
		}
		sim.Close()
	})
}

// overPipe makes a simulator that is reached in memory, and a client of it; hangUp ends the client's connections.
func overPipe(t *testing.T) (sim *msdktest.Server, client *oneConn, hangUp func()) {
	t.Helper()
	sim = msdktest.New(config)
	pipe := msdktest.NewPipe()
	sim.Serve(pipe)
	conn, err := pipe.DialContext(t.Context(), "tcp", "msdk.test:80")
	if err != nil {
		t.Fatal(err)
	}
	return sim, &oneConn{conn}, func() { _ = conn.Close() }
}

// oneConn is the least that can be called an HTTP client: it hangs up when told to and no earlier.
type oneConn struct{ conn net.Conn }

func (c *oneConn) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := r.Write(c.conn); err != nil {
		return nil, err
	}
	return readResponse(c.conn, r)
}

func TestPipeRefusesOnceClosed(t *testing.T) {
	t.Parallel()
	pipe := msdktest.NewPipe()
	sim := msdktest.New(config)
	sim.Serve(pipe)
	sim.Close()
	if _, err := pipe.DialContext(t.Context(), "tcp", "x:1"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dialled a closed pipe: %v", err)
	}
	if _, err := pipe.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepted from a closed pipe: %v", err)
	}
}

func TestCloseIsFinal(t *testing.T) {
	t.Parallel()
	sim := msdktest.Start(config)
	if _, _, err := battle("a").post(t, sim.URL); err != nil {
		t.Fatal(err)
	}
	sim.Close()
	sim.Close()
	late := msdktest.NewPipe()
	sim.Serve(late)
	if _, err := late.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a closed server serves: %v", err)
	}
	if _, _, err := battle("a").post(t, sim.URL); err == nil {
		t.Error("a closed server answers")
	}
	if sim.Ledger.Len() != 1 {
		t.Error("the ledger is gone")
	}
}

func TestCloseWaitsForTheCallsItEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim, client, hangUp := overPipe(t)
		over := false
		sim.SetRules(func(r *msdktest.Request) msdktest.Answer {
			r.Wait(time.Hour)
			time.Sleep(time.Minute) // a rule that is slow to notice
			over = true
			return msdktest.Answer{Fault: msdktest.Reset}
		})
		var ended sync.WaitGroup
		ended.Go(func() { _, _ = client.RoundTrip(battle("a").request()) })
		synctest.Wait()
		sim.Close()
		if !over {
			t.Error("closed while a call was being served")
		}
		hangUp()
		ended.Wait()
	})
}
