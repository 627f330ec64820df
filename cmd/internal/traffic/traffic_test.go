package traffic_test

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/schema"
)

var (
	game   = traffic.App{ID: "wxcde873f99466f74a"}
	legacy = traffic.App{ID: "wx4ba1a8d1c8b2b0e5", ScoreOnly: true}
	start  = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
)

func config() traffic.Config {
	return traffic.Config{Seed: 7, Run: "test", Apps: []traffic.App{game, legacy}, Players: 100, Bad: 0.3, Start: start}
}

func generator(t interface{ Fatal(...any) }, cfg traffic.Config) *traffic.Generator {
	g, err := traffic.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var anyEdition = sync.OnceValues(func() (*schema.Schema, error) { return schema.Load("builtin:any", schema.Limits{}) })

// judge says what an event must be dead-lettered for, by what the product itself has for it: the headers' part is all
// that lies outside of package schema.
func judge(t interface{ Fatal(...any) }, ev traffic.Event) deadletter.Reason {
	var apps []string
	for _, h := range ev.Headers {
		if h.Key == traffic.HeaderApp {
			apps = append(apps, string(h.Value))
		}
	}
	if len(apps) != 1 || apps[0] != game.ID && apps[0] != legacy.ID {
		return deadletter.UnknownApp
	}
	if len(ev.Headers) > 1_000 {
		return deadletter.TooLarge
	}
	s, err := anyEdition()
	if err != nil {
		t.Fatal(err)
	}
	report, refusal := s.Check(ev.Value)
	switch {
	case refusal != nil:
		return deadletter.Reason(refusal.Reason)
	case ev.App == legacy.ID && len(report.Score) == 0:
		return deadletter.SchemaViolation
	case string(report.OpenID) != ev.Player:
		t.Fatal("event", ev.Number, "is about", string(report.OpenID), "and keyed by", ev.Player)
	}
	return ""
}

func TestGoodEventsPassAndBadOnesEndForTheirReason(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := config()
		cfg.Seed = rapid.Uint64().Draw(t, "seed")
		cfg.Size = rapid.IntRange(1, 2000).Draw(t, "size")
		cfg.Players = rapid.IntRange(1, 1000).Draw(t, "players")
		cfg.Bad = rapid.Float64Range(0, 1).Draw(t, "bad")
		g := generator(t, cfg)
		for range 20 {
			ev := g.Next()
			if got := judge(t, ev); got != ev.Reason || (ev.Kind == "") != (ev.Reason == "") {
				t.Fatalf("kind %q has reason %q and would be dead-lettered for %q: %s", ev.Kind, ev.Reason, got, ev.Value)
			}
		}
	})
}

func TestEveryKindEndsForItsReason(t *testing.T) {
	t.Parallel()
	seen := map[deadletter.Reason]bool{}
	for _, kind := range traffic.Kinds() {
		cfg := config()
		cfg.Bad, cfg.Kinds = 1, []traffic.Kind{kind}
		cfg.Apps = []traffic.App{legacy} // which every kind fits
		g := generator(t, cfg)
		for range 50 {
			ev := g.Next()
			if got := judge(t, ev); got != ev.Reason || ev.Kind != kind {
				t.Fatalf("kind %q came as %q with reason %q and would be dead-lettered for %q: %s", kind, ev.Kind, ev.Reason, got, ev.Value)
			}
			seen[ev.Reason] = true
		}
	}
	for _, want := range []deadletter.Reason{deadletter.InvalidJSON, deadletter.SchemaViolation, deadletter.TooLarge, deadletter.UnknownApp} {
		if !seen[want] {
			t.Errorf("no kind ends as %s", want)
		}
	}
}

func TestEventsCanBeFollowed(t *testing.T) {
	t.Parallel()
	g := generator(t, config())
	rounds := map[string]uint32{}
	for n := uint64(1); n <= 5000; n++ {
		ev := g.Next()
		key := ev.App + ev.Player
		rounds[key]++
		if ev.Number != n || ev.Round != rounds[key] {
			t.Fatalf("event %d has number %d and round %d, want round %d", n, ev.Number, ev.Round, rounds[key])
		}
		i := slices.IndexFunc(ev.Headers, func(h traffic.Header) bool { return h.Key == traffic.HeaderID })
		if got, ok := traffic.Number(ev.Headers[i].Value, "test"); !ok || got != n {
			t.Fatalf("event %d has the header %s", n, ev.Headers[i].Value)
		}
		if ev.Kind != "" {
			continue
		}
		if got, ok := traffic.ReportNumber(ev.Value, "test"); !ok || got != n {
			t.Fatalf("event %d: %d, %v read off %s", n, got, ok, ev.Value)
		}
		if _, ok := traffic.ReportNumber(ev.Value, "another"); ok {
			t.Fatalf("event %d taken for one of another run: %s", n, ev.Value)
		}
		if ev.App == legacy.ID {
			body, err := json.Marshal(map[string]string{"score": ev.Score})
			if err != nil {
				t.Fatal(err)
			}
			if score, got, ok := traffic.ScoreNumber(body, "test"); !ok || got != n || score != ev.Score {
				t.Fatalf("event %d: %d, %v read off %s", n, got, ok, body)
			}
			if !bytes.Contains(ev.Value, []byte(`"score":`+ev.Score+`,`)) {
				t.Fatalf("event %d: score %s is not that of %s", n, ev.Score, ev.Value)
			}
		}
	}
}

func TestNumbersAreNotReadOffWhatHasNone(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `"event":{"name":"event","value":"test-7`, `"event":{"name":"event","value":"test-x"}`, `"event":{"name":"event","value":"test-0"}`} {
		if n, ok := traffic.ReportNumber([]byte(text), "test"); ok {
			t.Errorf("%d read off %q", n, text)
		}
	}
	for _, text := range []string{"", "{}", `{"score":7}`, `{"score":"-7"}`, `{"score":"1200"}`, `{"score":"5000000000"}`, `{"score":"many"}`} {
		if _, n, ok := traffic.ScoreNumber([]byte(text), "test"); ok {
			t.Errorf("%d read off %q", n, text)
		}
	}
}

func TestTheSameConfigurationMakesTheSameEvents(t *testing.T) {
	t.Parallel()
	a, b := generator(t, config()), generator(t, config())
	other := config()
	other.Seed++
	c := generator(t, other)
	same := 0
	for range 1000 {
		x, y, z := a.Next(), b.Next(), c.Next()
		if !reflect.DeepEqual(x, y) {
			t.Fatalf("one seed makes\n%s and\n%s", x.Value, y.Value)
		}
		if bytes.Equal(x.Value, z.Value) && len(x.Value) > 20 {
			same++
		}
	}
	if same > 0 {
		t.Errorf("another seed makes %d of 1000 events alike", same)
	}
}

func TestMixture(t *testing.T) {
	t.Parallel()
	cfg := config()
	cfg.Apps = []traffic.App{{ID: "wx1", Weight: 9}, {ID: "wx2"}}
	g := generator(t, cfg)
	const n = 20_000
	var bad, second, bytes, good int
	for range n {
		ev := g.Next()
		if ev.App == "wx2" {
			second++
		}
		if ev.Kind != "" {
			bad++
			continue
		}
		good++
		bytes += len(ev.Value)
	}
	within := func(what string, got, low, high int) {
		if got < low || got > high {
			t.Errorf("%s: %d, want %d to %d", what, got, low, high)
		}
	}
	within("bad events of 20000 at a share of 0.3", bad, 5700, 6300)
	within("events of an app that weighs one in ten", second, 1800, 2200)
	within("mean size of a good event", bytes/good, 300, 400)
}

func TestPlayersDiffer(t *testing.T) {
	t.Parallel()
	g := generator(t, config())
	seen := map[string]bool{}
	for i := range 100_000 {
		id := g.Player(i)
		if len(id) != 28 || seen[id] {
			t.Fatalf("player %d is %q, which is no or no new openid", i, id)
		}
		seen[id] = true
	}
}

func TestConfigurationThatMakesNoSenseIsRefused(t *testing.T) {
	t.Parallel()
	for rule, spoil := range map[string]func(*traffic.Config){
		"no app":                       func(c *traffic.Config) { c.Apps = nil },
		"no player":                    func(c *traffic.Config) { c.Players = 0 },
		"more bad events than events":  func(c *traffic.Config) { c.Bad = 1.1 },
		"less than none":               func(c *traffic.Config) { c.Bad = -0.1 },
		"a kind that there is not":     func(c *traffic.Config) { c.Kinds = []traffic.Kind{"worse"} },
		"kinds that no event can have": func(c *traffic.Config) { c.Kinds = []traffic.Kind{"no_score"} },
	} {
		cfg := config()
		spoil(&cfg)
		if _, err := traffic.New(cfg); err == nil {
			t.Errorf("%s: accepted", rule)
		}
	}
}

func BenchmarkNext(b *testing.B) {
	cfg := config()
	cfg.Bad = 0.02
	g := generator(b, cfg)
	b.ReportAllocs()
	for b.Loop() {
		g.Next()
	}
}
