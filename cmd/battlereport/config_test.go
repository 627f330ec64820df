package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestTheExamplePassesTheCheck(t *testing.T) {
	t.Setenv("MSDK_APPKEY", "k")
	example := invoke(t, "", "config", "example")
	if example.code != exitDone || example.stderr != "" {
		t.Fatalf("%+v", example)
	}
	path := write(t, "example.yaml", example.stdout)
	want := outcome{exitDone, path + ": ok: 1 app, 1 topic\n", ""}
	if got := invoke(t, "", "config", "check", "-c", path); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestConfigCheck(t *testing.T) {
	t.Parallel()
	broken := write(t, "broken.json", `{"type": 5}`)
	tests := map[string]struct {
		yaml           string
		code           int
		stdout, stderr string // FILE stands for the configuration's path
	}{
		"topics are counted once": {
			"apps:\n- {appid: wx1, appkey: k, topics: [a, b]}\n- {appid: wx2, appkey: k, topics: [b, c]}",
			exitDone, "FILE: ok: 2 apps, 3 topics\n", "",
		},
		"all faults are told, a line each": {
			"htpt: {}\napps:\n- {appid: wx1, appkey: hunter2, topics: [a], route: wxsocre}",
			exitCannot, "", "FILE:1: htpt: unknown key: want http\nFILE:3: apps[0].route: \"wxsocre\": want battle_report or wxscore\n",
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			path := write(t, "config.yaml", test.yaml)
			inFile := func(text string) string { return strings.ReplaceAll(text, "FILE", path) }
			want := outcome{test.code, inFile(test.stdout), inFile(test.stderr)}
			if got := invoke(t, "", "config", "check", "-c", path); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}

	path := write(t, "config.yaml", "apps: [{appid: wx1, appkey: k, topics: [a], schema: "+broken+"}]")
	if got := invoke(t, "", "config", "check", "-c", path); got.code != exitCannot || got.stdout != "" || got.stderr == "" {
		t.Errorf("a schema that does not compile: %+v", got)
	}
}

func TestConfigCheckWarnsOfASchemaThatDoesNotCheckWhatItSays(t *testing.T) {
	t.Parallel()
	misspelt := write(t, "own.json", `{"requried": ["baseinfo"]}`)
	path := write(t, "config.yaml", strings.ReplaceAll(`apps:
- {appid: wx1, appkey: k, topics: [a]}
- {appid: wx2, appkey: k, topics: [b], schema: OWN}
- {appid: wx3, appkey: k, topics: [c], schema: OWN}`, "OWN", misspelt))
	want := outcome{
		exitDone, path + ": ok: 3 apps, 3 topics\n",
		path + ": apps[1].schema: warning: " + misspelt + `: /requried: unknown keyword, nothing is checked; did you mean "required"?` + "\n",
	}
	if got := invoke(t, "", "config", "check", "-c", path); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestConfigCheckSaysWhatIsWrongWithOurCertificate(t *testing.T) {
	t.Parallel()
	authority := kafkatest.NewAuthority(t, "authority")
	for rule, test := range map[string]struct {
		life   time.Duration
		other  bool // the key is that of another certificate
		code   int
		stderr string // what is said, after the path and with the time for AT
	}{
		"nothing":                    {time.Hour, false, exitDone, ""},
		"it expires soon":            {10 * time.Second, false, exitDone, "kafka.tls.cert_file: warning: CERT: expires at AT"},
		"it has expired":             {-time.Second, false, exitCannot, "kafka.tls.cert_file: CERT: expired at AT: renew it"},
		"its key is that of another": {time.Hour, true, exitCannot, "kafka.tls: read TLS certificate CERT and key KEY: tls: private key does not match public key"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			cert, key := write(t, "client.pem", ""), write(t, "client.key", "")
			c := authority.Issue(t, "client", test.life)
			c.Write(t, cert)
			c.WriteKey(t, key)
			if test.other {
				authority.Issue(t, "client", test.life).WriteKey(t, key)
			}
			path := write(t, "config.yaml", fmt.Sprintf("kafka: {tls: {enabled: true, cert_file: %s, key_file: %s}}\napps: [{appid: wx1, appkey: k, topics: [a]}]", cert, key))
			want := outcome{code: test.code}
			if test.code == exitDone {
				want.stdout = path + ": ok: 1 app, 1 topic\n"
			} else {
				want.stderr = "battlereport: "
			}
			if test.stderr != "" {
				want.stderr += path + ": " + strings.NewReplacer("CERT", cert, "KEY", key, "AT", c.Leaf.NotAfter.UTC().Format(time.RFC3339)).Replace(test.stderr) + "\n"
			}
			if got := invoke(t, "", "config", "check", "-c", path); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestConfigSchemaIsJSON(t *testing.T) {
	t.Parallel()
	got := invoke(t, "", "config", "schema")
	if got.code != exitDone || !json.Valid([]byte(got.stdout)) {
		t.Errorf("%+v", got)
	}
}

func TestConfigCheckNamesTheProxyAndRefusesWhatIsNone(t *testing.T) {
	path := write(t, "config.yaml", "apps: [{appid: wx1, appkey: k, topics: [a]}]")
	t.Setenv("NO_PROXY", "")
	t.Setenv("HTTPS_PROXY", "http://me:hunter2@proxy.example:3128")
	want := outcome{exitDone, path + ": ok: 1 app, 1 topic, by proxy http://[redacted]@proxy.example:3128\n", ""}
	if got := invoke(t, "", "config", "check", "-c", path); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	t.Setenv("NO_PROXY", "tencent-cloud.net")
	want = outcome{exitDone, path + ": ok: 1 app, 1 topic\n", ""}
	if got := invoke(t, "", "config", "check", "-c", path); got != want {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	t.Setenv("HTTPS_PROXY", "http://me:hunter2@proxy.example:port")
	for _, command := range [][]string{{"config", "check"}, {"run"}} {
		got := invoke(t, "", append(command, "-c", path)...)
		if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, "HTTPS_PROXY") || strings.Contains(got.stderr, "hunter2") {
			t.Errorf("%v: %+v", command, got)
		}
	}
}
