package admission

import (
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

func TestTheAppOfAStrandIsTheOneWhoseRecordsHaveIt(t *testing.T) {
	cfg := config.Default()
	for id, topics := range map[string][]string{"one": {"shared", "own"}, "two": {"shared"}} {
		cfg.Apps = append(cfg.Apps, config.App{AppID: id, Topics: topics, Route: config.RouteBattleReport, Schema: "builtin:any"})
	}
	directory, err := New(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	appid := func(id string) consumer.Header { return consumer.Header{Key: HeaderAppID, Value: []byte(id)} }
	from := func(topic string) consumer.Header {
		return consumer.Header{Key: deadletter.HeaderSourceTopic, Value: []byte(topic)}
	}
	for rule, test := range map[string]struct {
		topic   string
		headers []consumer.Header
		want    string
	}{
		"by the header":                         {"shared", []consumer.Header{appid("two")}, "two"},
		"of another topic's app":                {"own", []consumer.Header{appid("two")}, ""},
		"of none that is configured":            {"shared", []consumer.Header{appid("three")}, ""},
		"of none":                               {"shared", nil, ""},
		"a replayed one":                        {"shared.replay", []consumer.Header{from("shared"), appid("one")}, "one"},
		"a replayed one of a topic with an app": {"own.replay", []consumer.Header{from("own")}, "one"},
		"a replayed one that says none":         {"shared.replay", []consumer.Header{from("shared")}, ""},
		"a replayed one in another topic":       {"own.replay", []consumer.Header{from("shared"), appid("two")}, ""},
	} {
		strand := directory.Feed(test.topic).Strand(test.headers)
		if got := AppOfStrand(&cfg, test.topic, strand); got != test.want {
			t.Errorf("%s: %q, want %q", rule, got, test.want)
		}
		want := ""
		if app := directory.Feed(test.topic).OfStrand(strand); app != nil {
			want = app.AppID
		}
		if want != test.want {
			t.Errorf("%s: the pipeline takes it for %q", rule, want)
		}
	}
}
