package letters

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

func TestAPlanIsShown(t *testing.T) {
	t.Parallel()
	p := NewPlan()
	for i := range 7 {
		e := letter(refuse)
		if i%2 == 0 {
			platid(e)
			value(`{"baseinfo":{"openid":"o1","platid":"1"},"battleinfo":{}}`)(e)
		}
		e.Name.Offset = int64(i)
		replay := deadletter.Replay{Entry: *e, Topic: "battle-reports.replay"}
		if i%2 == 0 {
			replay.Repaired, replay.Value = true, []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`)
		}
		p.Add(replay)
	}
	for range 1200 {
		p.Hinder("battle-reports.dlq/3/99", &Obstacle{ObstacleReplays, "it has been replayed 5 times and came back"})
	}
	p.Hinder("battle-reports.dlq/3/100", &Obstacle{ObstacleForeign, "\x1b"})
	p.Hinder("battle-reports.dlq/3/101", &Obstacle{ObstacleReplayed, "it is replayed already"})
	if p.Letters != 7 || p.Repaired != 4 || Total(p.Obstacles()) != 1201 || Total(p.Resolved()) != 1 || p.Targets["battle-reports.replay"] != 7 {
		t.Errorf("%+v", p)
	}
	var b strings.Builder
	if err := p.Write(&b, View{Now: noon, Width: 100}, "7 letters would be replayed.", true); err != nil {
		t.Fatal(err)
	}
	golden(t, "plan.txt", b.String())
}

func TestADifferenceMakesTheOneOfTheOther(t *testing.T) {
	t.Parallel()
	line := rapid.SampledFrom([]string{"a", "b", "c", "d"})
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.SliceOfN(line, 0, 12).Draw(t, "a"), rapid.SliceOfN(line, 0, 12).Draw(t, "b")
		var before, after []string
		signs := 0
		for _, c := range middle(a, b) {
			if c.sign != '+' {
				before = append(before, c.text)
			}
			if c.sign != '-' {
				after = append(after, c.text)
			}
			if c.sign != ' ' {
				signs++
			}
		}
		if !slices.Equal(before, a) || !slices.Equal(after, b) {
			t.Fatalf("of %q and %q: %q and %q", a, b, before, after)
		}
		if slices.Equal(a, b) != (signs == 0) || slices.Equal(a, b) != (len(diff(a, b)) == 0) {
			t.Fatalf("%d changes between %q and %q", signs, a, b)
		}
	})
}

func TestADifferenceTooLongToBeComparedIsShownWhole(t *testing.T) {
	t.Parallel()
	a, b := make([]string, 3000), make([]string, 3000)
	for i := range a {
		a[i], b[i] = "a"+strings.Repeat("x", i%7), "b"+strings.Repeat("x", i%7)
	}
	if got := middle(a, b); len(got) != 6000 {
		t.Errorf("%d changes", len(got))
	}
}

// replaysFor is a configuration with a topic of one app, one of two apps, and nothing else.
func replaysFor(t *testing.T) *Replays {
	t.Helper()
	cfg, err := config.Parse([]byte(`
apps:
- {appid: `+testApp+`, appkey: k, topics: [battle-reports, shared]}
- {appid: wx2, appkey: k, topics: [shared], route: wxscore}
`), "", func(string) (string, bool) { return "", false })
	if err != nil {
		t.Fatal(err)
	}
	r, err := NewReplays(cfg)
	if err != nil {
		t.Fatal(err)
	}
	r.MaxReplays = 5
	return r
}

func TestWhetherALetterIsReplayed(t *testing.T) {
	t.Parallel()
	const good = `{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`
	app := func(ids ...string) func(*deadletter.Entry) {
		return func(e *deadletter.Entry) {
			e.Letter.Headers = nil
			for _, id := range ids {
				e.Letter.Headers = append(e.Letter.Headers, consumer.Header{Key: "appid", Value: []byte(id)})
			}
		}
	}
	from := func(topic string) func(*deadletter.Entry) {
		return func(e *deadletter.Entry) { e.Letter.Source.Topic = topic }
	}
	headers := func(n, bytes int) func(*deadletter.Entry) {
		return func(e *deadletter.Entry) {
			e.Letter.Headers = slices.Repeat([]consumer.Header{{Value: make([]byte, bytes)}}, n)
		}
	}
	key := func(bytes int) func(*deadletter.Entry) {
		return func(e *deadletter.Entry) { e.Letter.Key = make([]byte, bytes) }
	}
	tests := map[string]struct {
		entry *deadletter.Entry
		jq    string
		want  string // the kind of the obstacle, or the topic and the value if repaired
	}{
		"as it is": {letter(), "", "battle-reports.replay"},
		"without a header, the topic has one app":   {letter(app()), "", "battle-reports.replay"},
		"with the header, the topic has two":        {letter(from("shared"), app(testApp)), "", "shared.replay"},
		"without one it cannot be told whose it is": {letter(from("shared"), app()), "", ObstacleApp},
		"nor with two": {letter(from("shared"), app(testApp, testApp)), "", ObstacleApp},
		"an app that is configured for another topic": {letter(app("wx2")), "", ObstacleApp},
		"a topic that is not configured":              {letter(from("old")), "", ObstacleTopic},
		"a record that is no letter":                  {letter(foreign), "", ObstacleForeign},
		"a value that the topic did not take":         {letter(func(e *deadletter.Entry) { e.Letter.Omitted.Value = true }), "", ObstacleOmitted},
		"a key that it did not take":                  {letter(func(e *deadletter.Entry) { e.Letter.Omitted.Key = true }), "", ObstacleOmitted},
		"one that has come back four times":           {letter(func(e *deadletter.Entry) { e.Letter.Replays = 4 }), "", "battle-reports.replay"},
		"and five times":                              {letter(func(e *deadletter.Entry) { e.Letter.Replays = 5 }), "", ObstacleReplays},
		"one that is replayed":                        {letter(func(e *deadletter.Entry) { e.State = deadletter.Replayed }), "", ObstacleReplayed},
		"one that is discarded":                       {letter(func(e *deadletter.Entry) { e.State = deadletter.Discarded }), "", ObstacleDropped},
		"a value that the pipeline would refuse":      {letter(value(`{"baseinfo":{"openid":"o1","platid":"1"},"battleinfo":{}}`)), "", "schema_violation"},
		"and one that is no JSON":                     {letter(value(`{`)), "", "invalid_json"},
		"as many headers as may be":                   {letter(headers(1_000, 1)), "", "battle-reports.replay"},
		"one header more":                             {letter(headers(1_001, 0)), "", "too_large"},
		"headers that are too large":                  {letter(headers(1, 1<<20+1)), "", "too_large"},
		"a key as large as may be":                    {letter(key(64 << 10)), "", "battle-reports.replay"},
		"one that is larger":                          {letter(key(64<<10 + 1)), "", "too_large"},
		"what the app's route asks for is asked for":  {letter(from("shared"), app("wx2")), "", "schema_violation"},
		"repaired": {letter(value(`{"battleinfo":{},"baseinfo":{"openid":"o1","platid":"1"}}`)), ".baseinfo.platid |= tonumber", `battle-reports.replay {"battleinfo":{},"baseinfo":{"openid":"o1","platid":1}}`},
		"a repair that changes nothing keeps the bytes": {letter(value(good + " ")), ".", "battle-reports.replay"},
		"a repair that fails":                           {letter(value(good)), ".baseinfo | error", ObstacleRepair},
		"one that has no result":                        {letter(value(good)), "empty", ObstacleRepair},
		"one that has two":                              {letter(value(good)), "., .", ObstacleRepair},
		"one that has no end":                           {letter(value(good)), "last(repeat(.))", ObstacleRepair},
		"one that makes it no better":                   {letter(value(good)), "del(.baseinfo)", "schema_violation"},
		"one of what is no JSON":                        {letter(value(`{`)), ".", ObstacleRepair},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			r := replaysFor(t)
			if test.jq != "" {
				var err error
				if r.Repair, err = deadletter.CompileRepair(test.jq); err != nil {
					t.Fatal(err)
				}
			}
			replay, obstacle := r.Of(t.Context(), test.entry)
			got := replay.Topic
			switch {
			case obstacle != nil:
				got = obstacle.Kind
			case replay.Repaired:
				got += " " + string(replay.Value)
			}
			if got != test.want {
				t.Errorf("got %q, want %q (%+v)", got, test.want, obstacle)
			}
		})
	}
}

func TestAValueFromElsewhereTakesThePlaceOfOneThatIsNotThere(t *testing.T) {
	t.Parallel()
	r := replaysFor(t)
	e := letter(func(e *deadletter.Entry) { e.Letter.Value, e.Letter.Omitted.Value = nil, true })
	if _, obstacle := r.With(e, nil); obstacle == nil || obstacle.Kind != ObstacleOmitted {
		t.Errorf("%+v", obstacle)
	}
	found := []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`)
	if replay, obstacle := r.With(e, found); obstacle != nil || !replay.Repaired || string(replay.Value) != string(found) {
		t.Errorf("%+v, %+v", replay, obstacle)
	}
}
