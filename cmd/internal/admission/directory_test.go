package admission

import (
	"slices"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// TestIdentify has two apps in topic shared, one of them with topic own too, and one replay topic for both.
func TestIdentify(t *testing.T) {
	cfg := config.Default()
	cfg.DeadLetter.ReplayTopic = "again"
	for id, topics := range map[string][]string{"one": {"shared", "own"}, "two": {"shared"}} {
		cfg.Apps = append(cfg.Apps, config.App{AppID: id, Topics: topics, Route: config.RouteBattleReport, Schema: "builtin:any"})
	}
	slices.SortFunc(cfg.Apps, func(a, b config.App) int { return strings.Compare(a.AppID, b.AppID) })
	directory, err := New(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(directory.Topics(), " "); got != "again own shared" {
		t.Errorf("topics %s", got)
	}
	if got := strings.Join(directory.ReplayTopics(), " "); got != "again" {
		t.Errorf("replay topics %s", got)
	}
	appid := func(id string) consumer.Header { return consumer.Header{Key: HeaderAppID, Value: []byte(id)} }
	of := func(topic string) []consumer.Header {
		h := []consumer.Header{
			{Key: deadletter.HeaderSourceTopic, Value: []byte(topic)},
			{Key: deadletter.HeaderSourcePartition, Value: []byte("0")},
			{Key: deadletter.HeaderSourceOffset, Value: []byte("7")},
			{Key: deadletter.HeaderSourceTimestamp, Value: []byte("2026-01-01T00:00:00.000Z")},
			{Key: deadletter.HeaderReplays, Value: []byte("1")},
			{Key: deadletter.HeaderPrevious, Value: []byte("shared.dlq/0/7")},
		}
		return h
	}
	for rule, test := range map[string]struct {
		topic   string
		headers []consumer.Header
		app     string // "": none
		home    string
		origin  bool
	}{
		"of one app's topic":                         {"own", nil, "one", "own", false},
		"of one app's topic, which it names":         {"own", []consumer.Header{appid("one")}, "one", "own", false},
		"of one app's topic, with another's name":    {"own", []consumer.Header{appid("two")}, "", "own", false},
		"of two apps' topic":                         {"shared", []consumer.Header{appid("two")}, "two", "shared", false},
		"of two apps' topic, without a name":         {"shared", nil, "", "shared", false},
		"with two names":                             {"shared", []consumer.Header{appid("one"), appid("one")}, "", "shared", false},
		"a letter":                                   {"again", of("own"), "one", "own", true},
		"a letter with a name":                       {"again", append(of("shared"), appid("two")), "two", "shared", true},
		"a letter of a topic that is no longer here": {"again", of("gone"), "", "own|shared", false},
		"a letter that says it is of a replay topic": {"again", of("again"), "", "own|shared", false},
		"no letter in a replay topic":                {"again", []consumer.Header{appid("one")}, "", "own|shared", false},
	} {
		t.Run(rule, func(t *testing.T) {
			a, why := directory.Feed(test.topic).identify(test.headers)
			got := ""
			if a.App != nil {
				got = a.App.AppID
			}
			if got != test.app || (why == "") != (got != "") {
				t.Errorf("app %q, %q; want %q", got, why, test.app)
			}
			if !slices.Contains(strings.Split(test.home, "|"), a.Home) || (a.Origin != nil) != test.origin || a.Replayed != (test.topic == "again") {
				t.Errorf("home %q, origin %v, replayed %v; want home %q", a.Home, a.Origin, a.Replayed, test.home)
			}
		})
	}
}

// A replay topic may have letters of a source topic whose replays now go elsewhere: the configuration was another when they
// were replayed.
func TestAReplayedLetterIsOfTheTopicThatItSaysWhicheverReplayTopicItIsIn(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	for _, id := range []string{"one", "two"} {
		cfg.Apps = append(cfg.Apps, config.App{AppID: id, Topics: []string{"of-" + id}, Route: config.RouteBattleReport, Schema: "builtin:any"})
	}
	directory, err := New(&cfg)
	if err != nil {
		t.Fatal(err)
	}
	letter := []consumer.Header{
		{Key: deadletter.HeaderSourceTopic, Value: []byte("of-two")},
		{Key: deadletter.HeaderSourcePartition, Value: []byte("0")},
		{Key: deadletter.HeaderSourceOffset, Value: []byte("7")},
		{Key: deadletter.HeaderSourceTimestamp, Value: []byte("2026-01-01T00:00:00.000Z")},
		{Key: deadletter.HeaderReplays, Value: []byte("1")},
		{Key: deadletter.HeaderPrevious, Value: []byte("of-two.dlq/0/7")},
	}
	for _, topic := range []string{"of-one.replay", "of-two.replay"} {
		if a, why := directory.Feed(topic).identify(letter); why != "" || a.App == nil || a.App.AppID != "two" || a.Home != "of-two" || a.Origin == nil {
			t.Errorf("in %s: app %v, home %q, origin %v: %s", topic, a.App, a.Home, a.Origin, why)
		}
	}
	letter[0].Value = []byte("of-one.replay")
	if a, why := directory.Feed("of-one.replay").identify(letter); why == "" {
		t.Errorf("one that says it was in a replay topic first is app %v's", a.App)
	}
}
