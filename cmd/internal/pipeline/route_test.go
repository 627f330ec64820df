package pipeline_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestScoreRoute(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Apps[0].Route, w.cfg.Apps[0].ScoreExpires = "wxscore", "1900000000"
		w.publish("anna", report("anna", 12345678901234567), report("anna", -3))
		w.publish("ben", `{"baseinfo":{"openid":"ben","platid":1},"userdefined":{"gold":{"name":"gold","value":3}}}`)
		p, stop := w.start()
		w.settled(p, 3, time.Minute)
		stop()
		want := []string{
			`{"appid":"wxcde873f99466f74a","grantType":"client_credential","openid":"anna","score":"12345678901234567","expires":"1900000000"}`,
			`{"appid":"wxcde873f99466f74a","grantType":"client_credential","openid":"anna","score":"-3","expires":"1900000000"}`,
		}
		if got := w.accepted("anna"); fmt.Sprint(got) != fmt.Sprint(want) {
			w.t.Errorf("got  %s\nwant %s", got, want)
		}
		l := w.letters()
		if len(l) != 1 || header(l[0], "deadletter.reason") != "schema_violation" || header(l[0], "deadletter.route") != "wxscore" {
			w.t.Fatalf("letters: %v", l)
		}
	})
}

func TestHeaderPicksTheApp(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.addApp(otherApp, w.topic)
		w.produce(w.topic, appID, "anna", 1)
		w.produce(w.topic, otherApp, "ben", 2)
		w.produce(w.topic, "wx9999999999999999", "carl", 3)
		w.publish("dora", report("dora", 4)) // no header: which of the two?
		twice := kafkatest.Record{
			Topic: w.topic, Key: []byte("emil"), Value: []byte(report("emil", 5)),
			Headers: []kafkatest.Header{{Key: "appid", Value: []byte(appID)}, {Key: "appid", Value: []byte(appID)}},
		}
		w.Produce(w.t, twice)
		p, stop := w.start()
		w.settled(p, 5, time.Minute)
		stop()
		if a, b := len(w.msdk.Ledger.App(appID)), len(w.msdk.Ledger.App(otherApp)); a != 1 || b != 1 {
			w.t.Errorf("delivered %d and %d, want 1 each", a, b)
		}
		for _, l := range w.letters() {
			if header(l, "deadletter.reason") != "unknown_app" || header(l, "deadletter.appid") != "" {
				w.t.Errorf("letter of %s: %v", l.Key, l.Headers)
			}
		}
		if n := len(w.letters()); n != 3 {
			w.t.Errorf("%d letters, want 3", n)
		}
	})
}

func TestReplayTopicIsReadBesideTheAppsTopics(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.msdk.SetRules(msdktest.Poison(msdktest.Answer{Ret: -1011}, "again"))
		_, stop := w.start()
		w.until("the topics exist", time.Minute, func() bool { return w.log.contains("generation begun") })
		replay := func(user string, headers ...kafkatest.Header) {
			w.Produce(w.t, kafkatest.Record{Topic: w.topic + ".replay", Key: []byte(user), Value: []byte(report(user, 1)), Headers: headers})
		}
		origin := []kafkatest.Header{
			{Key: "trace", Value: []byte("x")},
			{Key: "deadletter.reason", Value: []byte("exhausted")},
			{Key: "deadletter.source.topic", Value: []byte(w.topic)},
			{Key: "deadletter.source.partition", Value: []byte("3")},
			{Key: "deadletter.source.offset", Value: []byte("42")},
			{Key: "deadletter.source.timestamp", Value: []byte("2000-01-01T00:00:00.123Z")},
			{Key: "deadletter.replays", Value: []byte("2")},
		}
		replay("fine", origin...)
		replay("again", origin...)
		replay("foreign")
		w.until("one delivered, two letters", time.Minute, func() bool { return w.msdk.Ledger.Len() == 1 && len(w.letters()) == 2 })
		stop()
		for _, l := range w.letters() {
			want := map[string]string{
				"again": "rejected " + w.topic + "/3@42 2000-01-01T00:00:00.123Z replays 2",
			}[string(l.Key)]
			got := fmt.Sprintf("%s %s/%s@%s %s replays %s", header(l, "deadletter.reason"), header(l, "deadletter.source.topic"),
				header(l, "deadletter.source.partition"), header(l, "deadletter.source.offset"), header(l, "deadletter.source.timestamp"), header(l, "deadletter.replays"))
			if want != "" && got != want {
				w.t.Errorf("letter of %s:\ngot  %s\nwant %s", l.Key, got, want)
			}
			if string(l.Key) == "foreign" && header(l, "deadletter.reason") != "unknown_app" {
				w.t.Errorf("letter of a foreign record: %v", l.Headers)
			}
			if string(l.Key) == "again" && header(l, "trace") != "x" {
				w.t.Errorf("its own header is gone: %v", l.Headers)
			}
		}
	})
}

func TestOldRecordsExpireUnsent(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxAge = time.Hour
		w.publish("old", report("old", 1))
		time.Sleep(2 * time.Hour)
		w.publish("new", report("new", 1))
		p, stop := w.start()
		w.settled(p, 2, time.Minute)
		stop()
		if n := w.msdk.Ledger.Len(); n != 1 {
			w.t.Errorf("%d delivered, want 1", n)
		}
		if l := w.letters(); len(l) != 1 || header(l[0], "deadletter.reason") != "expired" || header(l[0], "deadletter.attempts") != "0" {
			w.t.Errorf("letters: %v", l)
		}
	})
}

func TestEventsExpireWhileHeld(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		w.cfg.Delivery.MaxAge = 10 * time.Minute
		w.cfg.Delivery.MaxHold = 24 * time.Hour
		outage := new(msdktest.Outage)
		outage.Begin(msdktest.Answer{Ret: -504})
		w.msdk.SetRules(outage.Rule)
		w.publishMany("player", 5)
		p, stop := w.start()
		time.Sleep(11 * time.Minute)
		outage.End()
		w.settled(p, 5, time.Hour)
		stop()
		if n := w.msdk.Ledger.Len(); n != 0 {
			w.t.Errorf("%d delivered that are too old", n)
		}
	})
}

// TestATopicThatDoesNotExistYet holds up nobody, is mentioned, and is taken up
// once it exists.
func TestATopicThatDoesNotExistYet(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		later := w.topic + "-later"
		w.addApp(otherApp, later)
		w.publish("anna", report("anna", 1))
		p, stop := w.start()
		w.settled(p, 1, time.Minute)
		if !w.log.contains("topics do not exist") {
			w.t.Error("the log does not mention it")
		}
		if err := w.CreateTopic(w.t.Context(), later, 3, nil); err != nil {
			w.t.Fatal(err)
		}
		w.Produce(w.t, kafkatest.Record{Topic: later, Key: []byte("ben"), Value: []byte(report("ben", 2))})
		w.Produce(w.t, kafkatest.Record{Topic: later, Key: []byte("bad"), Value: []byte("no JSON")})
		w.settled(p, 3, 5*time.Minute)
		if n := len(w.ReadAll(w.t, later+".dlq")); n != 1 {
			w.t.Errorf("%d letters in the topic's own dead letters, want 1", n)
		}
		stop()
	})
}
