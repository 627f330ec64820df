package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// canary is a part of each secret here, and may be in nothing that the program says. What else is in them means
// something to one of those that they pass through.
const canary = "correct-horse"

// runUntil runs the program until it ends, or has said the mark, and returns all that it said.
func runUntil(t *testing.T, mark, stdin string, args ...string) string {
	t.Helper()
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	defer end()
	out := markedText{mark: mark, seen: end}
	run(ctx, args, strings.NewReader(stdin), &out, &out)
	return out.String()
}

// markedText is a text that calls seen when the mark is in it.
type markedText struct {
	text
	mark string
	seen func()
}

func (w *markedText) Write(p []byte) (int, error) {
	n, err := w.text.Write(p)
	if strings.Contains(w.String(), w.mark) {
		w.seen()
	}
	return n, err
}

func TestAPasswordIsInNothingThatIsSaid(t *testing.T) {
	t.Parallel()
	password := write(t, "password", canary+` %s%d%!"'\{"a":[1]},${HOME}<<: *x, y=#`+"\n")
	hangUp := func(*kmsg.SASLAuthenticateRequest) (kmsg.Response, error) { return nil, errors.New("hang up") }
	refuse := func(req *kmsg.SASLAuthenticateRequest) (kmsg.Response, error) {
		resp := kmsg.NewPtrSASLAuthenticateResponse()
		resp.Version, resp.ErrorCode = req.Version, kerr.SaslAuthenticationFailed.Code
		return resp, nil
	}
	repeat := func(req *kmsg.SASLAuthenticateRequest) (kmsg.Response, error) {
		resp, err := refuse(req)
		resp.(*kmsg.SASLAuthenticateResponse).ErrorMessage = kmsg.StringPtr("no such user: " + string(req.SASLAuthBytes))
		return resp, err
	}
	echo := func(req *kmsg.SASLAuthenticateRequest) (kmsg.Response, error) {
		resp := kmsg.NewPtrSASLAuthenticateResponse()
		resp.Version, resp.SASLAuthBytes = req.Version, append([]byte("r=,e="), req.SASLAuthBytes...)
		return resp, nil
	}
	for name, test := range map[string]struct {
		mechanisms string
		answer     func(*kmsg.SASLAuthenticateRequest) (kmsg.Response, error)
		commands   string
		say        string // what is said at last, in some words
	}{
		"a broker that refuses it":    {"plain scram-sha-256 scram-sha-512", refuse, "run publish stats list", "refuses the user u"},
		"one that says what it was":   {"plain scram-sha-256", repeat, "run publish stats list", "refuses the user u"},
		"a broker that says it again": {"scram-sha-256 scram-sha-512", echo, "run publish stats list", "prove that it knows the password"},
		"a broker that hangs up":      {"plain scram-sha-256", hangUp, "run publish", "hangs up"},
	} {
		for mechanism := range strings.FieldsSeq(test.mechanisms) {
			t.Run(name+" "+mechanism, func(t *testing.T) {
				t.Parallel()
				b := kafkatest.Start(t, kfake.EnableSASL(), kfake.Superuser(strings.ToUpper(mechanism), "u", "another"))
				c := b.RequireKfake(t)
				c.ControlKey(kmsg.SASLAuthenticate.Int16(), func(req kmsg.Request) (kmsg.Response, error, bool) {
					c.KeepControl()
					resp, err := test.answer(req.(*kmsg.SASLAuthenticateRequest))
					return resp, err, true
				})
				path := write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], sasl: {mechanism: %s, username: u, password_file: %s}}
apps: [{appid: wx1, appkey: k, topics: [a]}]
http: {listen: ""}
telemetry: {log_level: debug}
`, strings.Join(b.Addrs(), ","), mechanism, password))
				for command := range strings.FieldsSeq(test.commands) {
					args := []string{command, "-c", path}
					if command == "stats" || command == "list" {
						args = append([]string{"deadletter"}, args...)
					}
					said := runUntil(t, test.say, reportOf("o1", 1), args...)
					if !strings.Contains(said, test.say) || strings.Contains(said, canary) {
						t.Errorf("%s: %s", command, said)
					}
				}
			})
		}
	}
}

func TestAnAppkeyIsInNothingThatIsSaid(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	msdk := msdktest.Start(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "another"}}})
	defer msdk.Close()
	topic := b.Topic(t, 1)
	b.Produce(t, kafkatest.Record{Topic: topic, Key: []byte("o1"), Value: []byte(reportOf("o1", 1))})
	path := write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: %s}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey_file: %s, topics: [%s]}]
http: {listen: 127.0.0.1:0}
telemetry: {log_level: debug, log_format: text}
`, strings.Join(b.Addrs(), ","), kafkatest.Name(t), msdk.URL, write(t, "key", canary+` %s%d%!"'\{"a":[1]},${HOME}<<: *x, y=#&sig=+`), topic))

	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	var log text
	done := make(chan struct{})
	go func() {
		defer close(done)
		run(ctx, []string{"run", "-c", path}, strings.NewReader(""), io.Discard, &log)
	}()
	address := log.await(t, "address=")
	log.await(t, "-502") // a wrong signature
	res, err := http.Get("http://" + address + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(res.Body)
	res.Body.Close()
	if err != nil {
		t.Fatal(err)
	}
	signal()
	<-done
	if said := log.String() + string(page); strings.Contains(said, canary) {
		t.Error(said)
	}
}
