package main

import (
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestADryRunShowsTheRequestWithoutItsSecretsAndSendsNothing(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	picture := write(t, "b.png", "\x89PNG")
	got := p.call(t, "", "upload_wx", "-F", "binary=@"+picture, "--dry-run")
	head, body, _ := strings.Cut(got.stdout, "\n\n")
	if got.code != exitDone || got.stderr != "" || !strings.HasPrefix(head, "POST /share/upload_wx/?timestamp=") ||
		!strings.Contains(head, "&appid=wx1&sig=REDACTED&encode=1&conn=1&msdkExtInfo=") ||
		!strings.Contains(head, " HTTP/1.1\nHost: "+strings.TrimPrefix(p.URL, "http://")+"\nContent-Type: application/x-www-form-urlencoded\nUser-Agent: battlereport/") ||
		body != `{"flag":1,"appid":"wx1","secret":"REDACTED","access_token":"","type":"thumb","filename":"b.png","filelength":4,"content_type":"image/png","binary":"%89PNG"}`+"\n" {
		t.Errorf("%+v", got)
	}
	got = p.call(t, "", "upload_wx", "-F", "binary=@"+picture, "--dry-run", "--show-signature")
	if got.code != exitDone || strings.Contains(got.stdout, "REDACTED") || !strings.Contains(got.stdout, `"secret":"`+canary+`"`) {
		t.Errorf("%+v", got)
	}
	for rule, test := range map[string]struct{ key, body, want string }{
		"a key that stands in a text":                        {canary, `{"title":"of ` + canary + `"}`, `{"title":"of REDACTED"}`},
		"a key of another app's":                             {canary, `{"secret" : "a\"b","title":"t"}`, `{"secret" : "REDACTED","title":"t"}`},
		"a key too short to be one, but not what is like it": {"0", `{"secret":"0","expires":"0"}`, `{"secret":"REDACTED","expires":"0"}`},
	} {
		got := p.call(t, "", "wxscore", "-d", test.body, "--openid", "o1", "--dry-run", "--key-file", write(t, "key", test.key))
		if !strings.HasSuffix(got.stdout, "\n\n"+test.want+"\n") {
			t.Errorf("%s: %+v", rule, got)
		}
	}
	if len(p.calls) > 0 {
		t.Errorf("sent %+v", p.calls)
	}
}

func TestTheCommandOfCurlDoesTheSame(t *testing.T) {
	t.Parallel()
	p := newPlatform(t)
	large := "{\"openid\":\"o1\",\"binary\":\"" + strings.Repeat("%FF'", 50<<10) + "\"}"
	for rule, test := range map[string]struct{ stdin string }{
		"text":                        {`{"openid":"o1"}`},
		"quotes of all kinds":         {"{\"openid\":\"o'1 $HOME `id` \\\"\\\\ !! \\n\"}\n\n"},
		"bytes that are no UTF-8":     {"{\"openid\":\"\xff\xfe\"}\r\n"},
		"percent-encoding":            {`{"openid":"o1","binary":"%FF%20%2B+"}`},
		"what looks like a file":      {"@/etc/hostname"},
		"nothing":                     {""},
		"more than an argument holds": {large},
	} {
		shown := p.call(t, test.stdin, "check_token", "-d", "-", "--openid", "o 1'", "--curl", "--show-signature")
		if shown.code != exitDone || !strings.Contains(shown.stdout, "curl ") || strings.Contains(shown.stdout, canary) {
			t.Fatalf("%s: %.500s %s", rule, shown.stdout, shown.stderr)
		}
		redacted := p.call(t, test.stdin, "check_token", "-d", "-", "--openid", "o 1'", "--curl")
		if !strings.Contains(redacted.stdout, "&sig=REDACTED&openid=o%201%27&") {
			t.Errorf("%s: %.500s", rule, redacted.stdout)
		}
		if len(p.calls) > 0 {
			t.Fatalf("sent %.500s", p.calls)
		}
		if _, err := exec.LookPath("curl"); err != nil {
			t.Skip("needs curl: apt-get install curl")
		}
		sh := exec.CommandContext(t.Context(), "sh")
		sh.Stdin = strings.NewReader(shown.stdout)
		sh.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "no_proxy=*"}
		if out, err := sh.Output(); err != nil || string(out) != p.answer {
			t.Errorf("%s: %v %s", rule, err, out)
		}
		if got := p.last(t); got.body != test.stdin || got.contentType != "application/x-www-form-urlencoded" || !strings.Contains(shown.stdout, got.uri) {
			t.Errorf("%s: curl sent %.500q", rule, got.body)
		}
		p.calls = nil
	}
	if got := p.call(t, "\x00", "check_token", "-d", "-", "--curl"); got.code != exitCannot || !strings.Contains(got.stderr, "zero byte") {
		t.Errorf("%+v", got)
	}
}

func TestACommandOfCurlIsSignedAsTheStandInWantsIt(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("curl"); err != nil {
		t.Skip("needs curl: apt-get install curl")
	}
	sim := msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: canary}}})
	server := httptest.NewServer(sim)
	defer server.Close()
	key := write(t, "key", canary)
	shown := invoke(t, "", "msdk", "call", "wxbattle_report", "--base-url", server.URL, "--app", "wx1", "--key-file", key, "--example=many", "--curl", "--show-signature")
	sh := exec.CommandContext(t.Context(), "sh")
	sh.Stdin = strings.NewReader(shown.stdout)
	if out, err := sh.Output(); err != nil || !strings.HasPrefix(string(out), `{"ret":0`) || sim.Ledger.Len() < 2 {
		t.Errorf("%v %s: %+v", err, out, shown)
	}
}
