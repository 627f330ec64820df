package main

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestConfigCheckConnectSaysOfEachWhatWasFound(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	platform := msdktest.NewServer(t, msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "hunter2"}}})
	topic := b.Topic(t, 2)
	configuration := func(key string) string {
		return write(t, "battlereport.yaml", "kafka: {brokers: \""+strings.Join(b.Addrs(), ",")+"\"}\nmsdk: {base_url: '"+platform.URL+"'}\napps: [{appid: wx1, appkey: "+key+", topics: ["+topic+"]}]\n")
	}
	good, bad := configuration("hunter2"), configuration("hunter3")

	got := invoke(t, "", "config", "check", "--connect", "-c", good)
	if got.code != exitDone || got.stderr != "" || !strings.Contains(got.stdout, "ok       topic "+topic+": 2 partitions") || !strings.HasSuffix(got.stdout, " failed: run can work with it\n") {
		t.Errorf("%+v", got)
	}
	got = invoke(t, "", "config", "check", "--connect", "-c", bad)
	if got.code != exitNo || got.stderr != "" || strings.Contains(got.stdout, "hunter") ||
		!strings.Contains(got.stdout, "\nfailed   app wx1: msdk /auth/check_token: ret -502") || !strings.Contains(got.stdout, "\n         do: see apps[0].appkey, ") {
		t.Errorf("%+v", got)
	}
	got = invoke(t, "", "config", "check", "--connect", "-o", "json", "-c", bad)
	var report struct {
		OK                       bool
		Passed, Warnings, Failed int
		Findings                 []struct{ Check, Subject, State, Found, Do string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil || got.code != exitNo || got.stderr != "" {
		t.Fatalf("%+v, %v", got, err)
	}
	if n := len(report.Findings); report.OK || report.Failed != 1 || report.Passed+report.Warnings+report.Failed != n || report.Findings[n-1].Check != "app" || report.Findings[n-1].State != "failed" {
		t.Errorf("%+v", report)
	}
}

func TestConfigCheckConnectNeedsAConfigurationThatIsGood(t *testing.T) {
	t.Parallel()
	got := invoke(t, "", "config", "check", "--connect", "-c", write(t, "battlereport.yaml", "apps: []\n"))
	if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, "apps: an empty list") {
		t.Errorf("%+v", got)
	}
	got = invoke(t, "", "config", "check", "-o", "json", "-c", "none.yaml")
	if got.code != exitCannot || !strings.Contains(got.stderr, "--output goes with --connect") {
		t.Errorf("%+v", got)
	}
}

// What is cut short by Ctrl-C is no fault of what was asked.
func TestACheckThatIsInterruptedFindsNothing(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "kafka: {brokers: ['127.0.0.1:1']}\nmsdk: {base_url: 'http://127.0.0.1:1'}\napps: [{appid: wx1, appkey: k, topics: [t]}]")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr strings.Builder
	code := run(ctx, []string{"config", "check", "--connect", "-c", path}, strings.NewReader(""), &stdout, &stderr)
	if code != exitCannot || stdout.Len() > 0 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("exit code %d: %s%s", code, stdout.String(), stderr.String())
	}
}
