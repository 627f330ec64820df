package main

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// lettersOf writes letters whose calls go to a stand-in, and returns the configuration.
func lettersOf(t *testing.T, p *post, baseURL, route string, changes ...func(int, *deadletter.Letter)) string {
	t.Helper()
	p.letters(t, 4, changes...)
	return write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s]}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey: %s, topics: [%s], route: %s}]
`, strings.Join(p.Addrs(), ","), baseURL, canary, p.source, route))
}

func TestTheRequestOfALetterIsMadeByteForByteAndResolvesNothing(t *testing.T) {
	t.Parallel()
	p, msdk := newPost(t, 1), newPlatform(t)
	config := lettersOf(t, p, msdk.URL, "battle_report", func(i int, l *deadletter.Letter) {
		if i == 2 {
			l.Value = []byte(`{"baseinfo" : {"openid":"\u006f2","platid":1},` + "\n" + ` "battleinfo":{"score":12345678901234567890.0}, "x":1.50}`)
		}
	})
	for i, openid := range []string{"user-0", "user-1", "o2"} {
		name := fmt.Sprintf("%s/0/%d", p.dlq, i)
		value := string(p.ReadAll(t, p.dlq)[i].Value)
		want := fmt.Sprintf(`{"appid":"wx1","openid":%q,"json":[%s]}`, openid, value)
		got := invoke(t, "", "msdk", "call", "-c", config, "--letter", name)
		if got.code != exitDone || msdk.last(t).body != want || !strings.Contains(msdk.last(t).uri, "/profile/wxbattle_report/?") || !strings.Contains(msdk.last(t).uri, "&openid="+openid+"&") {
			t.Errorf("%s: %+v\nsent %s\nwant %s", name, got, msdk.last(t).body, want)
		}
		if !strings.Contains(got.stderr, "letter "+name+" is pending as before") {
			t.Errorf("it is not said that the letter stays: %s", got.stderr)
		}
		if refused := strings.Contains(got.stderr, "the pipeline would not send this: schema_violation: /baseinfo/platid"); refused != (i == 1) {
			t.Errorf("%s: %s", name, got.stderr)
		}
	}
	if pending := p.names(t, "pending"); len(pending) != 4 {
		t.Errorf("pending are %v", pending)
	}
	name := p.dlq + "/0/0"
	if got := invoke(t, "", "msdk", "call", "wxbattle_report", "-c", config, "--letter", name, "--dry-run"); got.code != exitDone || got.stderr != "" || !strings.HasSuffix(got.stdout, "]}\n") {
		t.Errorf("%+v", got)
	}
	if got := invoke(t, "", "msdk", "call", "wxscore", "-c", config, "--letter", name); got.code != exitCannot || !strings.Contains(got.stderr, name+" goes to /profile/wxbattle_report, not to /profile/wxscore") {
		t.Errorf("%+v", got)
	}
	if got := invoke(t, "", "msdk", "call", "-c", config, "--letter", name, "--openid", "other"); got.code != exitDone || !strings.Contains(msdk.last(t).uri, "&openid=other&") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "discard", name, "--because", "test", "--yes"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if got := invoke(t, "", "msdk", "call", "-c", config, "--letter", name); got.code != exitDone || !strings.Contains(got.stderr, "letter "+name+" stays discarded") {
		t.Errorf("%+v", got)
	}
}

func TestTheRequestOfALetterIsTheOneThatThePipelineMade(t *testing.T) {
	t.Parallel()
	for _, route := range []string{"battle_report", "wxscore"} {
		b, msdk := kafkatest.Start(t), newPlatform(t)
		msdk.answer = `{"ret":-1011,"msg":"no"}`
		topic := b.Topic(t, 1)
		b.Produce(t, kafkatest.Record{Topic: topic, Key: []byte("o1"), Value: []byte(`{"baseinfo" :{"openid":"\u006f/<1>","platid":0}, "battleinfo":{"score":9007199254740993, "x":1.50}}`)})
		config := write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: %s}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey: %s, topics: [%s], route: %s, score_expires: "%s"}]
http: {listen: ""}
`, strings.Join(b.Addrs(), ","), kafkatest.Name(t), msdk.URL, canary, topic, route, map[string]string{"battle_report": "0", "wxscore": "1893456000"}[route]))
		ctx, stop := context.WithCancel(t.Context())
		var log text
		done := make(chan int)
		go func() { done <- run(ctx, []string{"run", "-c", config}, strings.NewReader(""), io.Discard, &log) }()
		log.await(t, "records are dead-lettered")
		stop()
		if code := <-done; code != exitDone {
			t.Fatal(code)
		}
		want := msdk.last(t)
		got := invoke(t, "", "msdk", "call", "-c", config, "--letter", topic+".dlq/0/0")
		if got.code != 12 || got.stdout != msdk.answer || len(msdk.calls) != 2 || msdk.last(t).body != want.body || unsigned(msdk.last(t).uri) != unsigned(want.uri) || msdk.last(t).contentType != want.contentType {
			t.Errorf("%s: %+v\nsent %+v\nwant %+v", route, got, msdk.last(t), want)
		}
	}
}

// unsigned is a URL without what each call has of its own.
func unsigned(uri string) string {
	return regexp.MustCompile(`(timestamp|sig|msdkExtInfo)=[^&]*`).ReplaceAllString(uri, "")
}

func TestTheRequestOfALetterOfTheOldRouteHasItsScore(t *testing.T) {
	t.Parallel()
	p, msdk := newPost(t, 1), newPlatform(t)
	config := lettersOf(t, p, msdk.URL, "wxscore, score_expires: \"1893456000\"", func(i int, l *deadletter.Letter) {
		l.Route = "wxscore"
		switch i {
		case 0:
			l.Value = []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"score":1.0e3}}`)
		case 2:
			l.Value = []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`)
		}
	})
	for i, want := range []string{
		`{"appid":"wx1","grantType":"client_credential","openid":"o1","score":"1000","expires":"1893456000"}`,
		`{"appid":"wx1","grantType":"client_credential","openid":"user-1","score":"2","expires":"1893456000"}`, // which the schema refuses
	} {
		got := invoke(t, "", "msdk", "call", "-c", config, "--letter", fmt.Sprintf("%s/0/%d", p.dlq, i))
		if got.code != exitDone || msdk.last(t).body != want || !strings.HasPrefix(msdk.last(t).uri, "/profile/wxscore/?") {
			t.Errorf("%+v\nsent %s\nwant %s", got, msdk.last(t).body, want)
		}
	}
	moved := write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s]}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey: %s, topics: [%s]}]
`, strings.Join(p.Addrs(), ","), msdk.URL, canary, p.source))
	if got := invoke(t, "", "msdk", "call", "-c", moved, "--letter", p.dlq+"/0/0"); got.code != exitDone || !strings.HasPrefix(msdk.last(t).uri, "/profile/wxscore/?") {
		t.Errorf("a letter goes where it was going, whatever the app's route is now: %+v", got)
	}
	name := p.dlq + "/0/2"
	if got := invoke(t, "", "msdk", "call", "-c", config, "--letter", name); got.code != exitCannot || !strings.Contains(got.stderr, name+" has no battleinfo.score that is an integer") {
		t.Errorf("%+v", got)
	}
}

func TestALetterOfWhichNoRequestCanBeMadeIsToldOf(t *testing.T) {
	t.Parallel()
	p, msdk := newPost(t, 1), newPlatform(t)
	config := lettersOf(t, p, msdk.URL, "battle_report", func(i int, l *deadletter.Letter) {
		switch i {
		case 0:
			l.AppID, l.Route, l.Reason = "", "", deadletter.UnknownApp
		case 1:
			l.Value, l.Omitted.Value = nil, true
		case 2:
			l.Value = nil
		case 3:
			l.AppID = "wx9"
		}
	})
	for i, want := range []string{
		"is of no app that is known (unknown_app): --app APPID says whose it is",
		"has no value: it was too large for the letter, and lies in " + p.source + ", partition 0, offset 1",
		"has no value to be posted",
		`app "wx9" is not in the configuration: want wx1`,
	} {
		got := invoke(t, "", "msdk", "call", "-c", config, "--letter", fmt.Sprintf("%s/0/%d", p.dlq, i))
		if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("%+v\nwant %s", got, want)
		}
	}
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Key: []byte("o1"), Value: []byte(reportOf("o1", 1))})
	if got := invoke(t, "", "msdk", "call", "-c", config, "--app", "wx1", "--letter", p.dlq+"/0/4"); got.code != exitCannot || !strings.Contains(got.stderr, "/0/4 is no letter of ours: ") {
		t.Errorf("%+v", got)
	}
	if got := invoke(t, "", "msdk", "call", "-c", config, "--letter", p.dlq+"/0/99"); got.code != exitNone || !strings.Contains(got.stderr, "there is no such letter") {
		t.Errorf("%+v", got)
	}
	if len(msdk.calls) > 0 {
		t.Errorf("sent %+v", msdk.calls)
	}
	for i := range 4 {
		if i == 1 || i == 2 {
			continue
		}
		got := invoke(t, "", "msdk", "call", "-c", config, "--letter", fmt.Sprintf("%s/0/%d", p.dlq, i), "--app", "wx1")
		if got.code != exitDone || !strings.HasPrefix(msdk.last(t).body, `{"appid":"wx1",`) {
			t.Errorf("%+v", got)
		}
	}
}
