package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// A stand is a stand-in that the program serves.
type stand struct {
	url  string
	stop func() outcome // ends it, and returns what is left of its output; to be called once more does no harm
}

// serveStand has the program serve a stand-in on a free port.
func serveStand(t *testing.T, args ...string) *stand {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, stdout := io.Pipe()
	var stderr strings.Builder
	var code int
	var running sync.WaitGroup
	running.Go(func() {
		code = run(ctx, append([]string{"msdk", "serve", "--listen", "127.0.0.1:0"}, args...), strings.NewReader(""), stdout, &stderr)
		stdout.Close()
	})
	lines := bufio.NewReader(out)
	first, _ := lines.ReadString('\n')
	var rest strings.Builder
	running.Go(func() { _, _ = io.Copy(&rest, lines) })
	s := &stand{stop: sync.OnceValue(func() outcome {
		cancel()
		running.Wait()
		return outcome{code, first + rest.String(), stderr.String()}
	})}
	t.Cleanup(func() { s.stop() })
	_, url, found := strings.Cut(strings.TrimSpace(first), "http://")
	if !found {
		t.Fatalf("it does not say where it is: %+v", s.stop())
	}
	s.url = "http://" + url
	return s
}

// ask puts a request to the stand-in, and returns the status and the body.
func (s *stand) ask(t *testing.T, method, path, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func TestAStandInIsServedUntilItIsToEnd(t *testing.T) {
	t.Parallel()
	s := serveStand(t, "--app", "wx 1&=it's a key,another", "--app", "wx2=second", "--users", "7")
	if status, page := s.ask(t, "GET", "/", ""); status != 200 || !strings.Contains(page, "wx2") {
		t.Errorf("the page: %d %s", status, page)
	}
	s.ask(t, "POST", "/profile/wxscore/?appid=wx9&openid=o%1b", "{}")
	got := s.stop()
	for _, want := range []string{
		"A stand-in for MSDK is at " + s.url + "\n",
		"app   wx 1&   appkey it's a key   msdkkey another\n      7 users, such as player1\n",
		"app   wx2   appkey second\n",
		`KEY='it'\''s a key' TS=`,
		s.url + "/auth/check_token/?timestamp=$TS&appid=wx+1%26&sig=$SIG&openid=player1&encode=1",
	} {
		if !strings.Contains(got.stdout, want) {
			t.Errorf("no %q in %s", want, got.stdout)
		}
	}
	if got.code != exitDone {
		t.Errorf("it ends with %d", got.code)
	}
	if !strings.Contains(got.stderr, ` ret -504         POST /profile/wxscore/ wx9 o`) || strings.ContainsRune(got.stderr, '\x1b') || strings.Count(got.stderr, "\n") != 1 {
		t.Errorf("it logs %q", got.stderr)
	}
}

func TestAStandInEndsWhileACallHangs(t *testing.T) {
	t.Parallel()
	s := serveStand(t, "--app", "wx1=key", "--no-user-limit")
	s.ask(t, "POST", "/_/script", `{"rules":[{"answer":{"delay":"1h"}}]}`)
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, "POST /profile/wxscore/ HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{") // the rest never comes
	if got := s.stop(); got.code != exitDone {
		t.Errorf("it ends with %+v", got)
	}
}

func TestTheFlagsOfAStandInAreChecked(t *testing.T) {
	t.Parallel()
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { taken.Close() })
	script := write(t, "script.json", `{"rules":[{"answer":{"ret":"-1"}}]}`)
	for rule, tt := range map[string]struct {
		args []string
		want string // in standard error
	}{
		"a port is free":               {[]string{"--listen", taken.Addr().String()}, "--listen " + taken.Addr().String() + ": another program is there; port 0 is any free one"},
		"a port is one":                {[]string{"--listen", "127.0.0.1:x"}, "--listen 127.0.0.1:x: "},
		"a host has a port":            {[]string{"--listen", "127.0.0.1"}, "--listen 127.0.0.1: "},
		"an app has a key":             {[]string{"--app", "wx1"}, `--app "wx1": want APPID=APPKEY or APPID=APPKEY,MSDKKEY`},
		"that is not empty":            {[]string{"--app", "wx1="}, `--app "wx1=": want APPID=APPKEY`},
		"nor is the second":            {[]string{"--app", "wx1=a,"}, `--app "wx1=a,": want APPID=APPKEY`},
		"a guest is no app":            {[]string{"--app", "G_1=a"}, `and no guest's appid, G_…`},
		"an app is given once":         {[]string{"--app", "wx1=a", "--app", "wx1=b"}, `this appid is there already`},
		"there are users":              {[]string{"--users", "0"}, "--users 0: want 1 to 100000"},
		"not too many":                 {[]string{"--users", "100001"}, "--users 100001: want 1 to 100000"},
		"a share is none above 1":      {[]string{"--fail", "1.5"}, "--fail 1.5: want a share, 0 to 1"},
		"nor below 0":                  {[]string{"--throttle", "-0.1"}, "--throttle -0.1: want a share, 0 to 1"},
		"nor no number":                {[]string{"--timeout", "NaN"}, "--timeout NaN: want a share, 0 to 1"},
		"a latency is not negative":    {[]string{"--latency", "-1s"}, "--latency -1s: want 0 or more"},
		"a script is there":            {[]string{"--script", "/none.json"}, "--script /none.json: no such file or directory"},
		"and is checked with its name": {[]string{"--script", script}, "--script " + script + `: rules[0].answer.ret: "-1": want a whole number`},
		"nothing else is taken":        {[]string{"9700"}, `unexpected argument "9700"`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, "", append([]string{"msdk", "serve"}, tt.args...)...)
			if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, tt.want) {
				t.Errorf("got  %+v\nwant %s", got, tt.want)
			}
		})
	}
}

func TestAStandInBeginsWithItsScriptAndItsMoods(t *testing.T) {
	t.Parallel()
	script := write(t, "script.json", `{"rules":[{"times":1,"answer":{"ret":-307}}]}`)
	s := serveStand(t, "--script", script, "--fail", "1")
	if _, got := s.ask(t, "GET", "/_/script", ""); !strings.Contains(got, "-307") {
		t.Errorf("its script is %s", got)
	}
	s.ask(t, "DELETE", "/_/script", "")
	s.ask(t, "POST", "/_/reset", "")
	if _, got := s.ask(t, "GET", "/_/script", ""); !strings.Contains(got, "-307") {
		t.Errorf("after a reset its script is %s", got)
	}
}
