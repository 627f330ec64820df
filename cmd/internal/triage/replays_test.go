package triage

import (
	"slices"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// replaysFor is a configuration with a topic of one app, one of two apps, and nothing else.
func replaysFor(t *testing.T) *Replays {
	t.Helper()
	cfg, err := config.Parse([]byte(`
apps:
- {appid: `+triagetest.App+`, appkey: k, topics: [battle-reports, shared]}
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
		"as it is": {triagetest.Letter(), "", "battle-reports.replay"},
		"without a header, the topic has one app":   {triagetest.Letter(app()), "", "battle-reports.replay"},
		"with the header, the topic has two":        {triagetest.Letter(from("shared"), app(triagetest.App)), "", "shared.replay"},
		"without one it cannot be told whose it is": {triagetest.Letter(from("shared"), app()), "", ObstacleApp},
		"nor with two": {triagetest.Letter(from("shared"), app(triagetest.App, triagetest.App)), "", ObstacleApp},
		"an app that is configured for another topic": {triagetest.Letter(app("wx2")), "", ObstacleApp},
		"a topic that is not configured":              {triagetest.Letter(from("old")), "", ObstacleTopic},
		"a record that is no letter":                  {triagetest.Letter(triagetest.Foreign), "", ObstacleForeign},
		"a value that the topic did not take":         {triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Omitted.Value = true }), "", ObstacleOmitted},
		"a key that it did not take":                  {triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Omitted.Key = true }), "", ObstacleOmitted},
		"one that has come back four times":           {triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Replays = 4 }), "", "battle-reports.replay"},
		"and five times":                              {triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Replays = 5 }), "", ObstacleReplays},
		"one that is replayed":                        {triagetest.Letter(func(e *deadletter.Entry) { e.State = deadletter.Replayed }), "", ObstacleReplayed},
		"one that is discarded":                       {triagetest.Letter(func(e *deadletter.Entry) { e.State = deadletter.Discarded }), "", ObstacleDiscarded},
		"a value that the pipeline would refuse":      {triagetest.Letter(triagetest.Value(`{"baseinfo":{"openid":"o1","platid":"1"},"battleinfo":{}}`)), "", "schema_violation"},
		"and one that is no JSON":                     {triagetest.Letter(triagetest.Value(`{`)), "", "invalid_json"},
		"as many headers as may be":                   {triagetest.Letter(headers(1_000, 1)), "", "battle-reports.replay"},
		"one header more":                             {triagetest.Letter(headers(1_001, 0)), "", "too_large"},
		"headers that are too large":                  {triagetest.Letter(headers(1, 1<<20+1)), "", "too_large"},
		"a key as large as may be":                    {triagetest.Letter(key(64 << 10)), "", "battle-reports.replay"},
		"one that is larger":                          {triagetest.Letter(key(64<<10 + 1)), "", "too_large"},
		"what the app's route asks for is asked for":  {triagetest.Letter(from("shared"), app("wx2")), "", "schema_violation"},
		"repaired": {triagetest.Letter(triagetest.Value(`{"battleinfo":{},"baseinfo":{"openid":"o1","platid":"1"}}`)), ".baseinfo.platid |= tonumber", `battle-reports.replay {"battleinfo":{},"baseinfo":{"openid":"o1","platid":1}}`},
		"a repair that changes nothing keeps the bytes":            {triagetest.Letter(triagetest.Value(good + " ")), ".", "battle-reports.replay"},
		"a repair that fails":                                      {triagetest.Letter(triagetest.Value(good)), ".baseinfo | error", ObstacleRepair},
		"one that has no result":                                   {triagetest.Letter(triagetest.Value(good)), "empty", ObstacleRepair},
		"one that has two":                                         {triagetest.Letter(triagetest.Value(good)), "., .", ObstacleRepair},
		"one that has no end":                                      {triagetest.Letter(triagetest.Value(good)), "last(repeat(.))", ObstacleRepair},
		"one that makes it no better":                              {triagetest.Letter(triagetest.Value(good)), "del(.baseinfo)", "schema_violation"},
		"one that leaves what other programs may read differently": {triagetest.Letter(triagetest.Value(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"a":1,"a":2}}`)), ".baseinfo.platid = 0", ObstacleRepair},
		"one of what is no JSON":                                   {triagetest.Letter(triagetest.Value(`{`)), ".", ObstacleRepair},
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
	e := triagetest.Letter(func(e *deadletter.Entry) { e.Letter.Value, e.Letter.Omitted.Value = nil, true })
	if _, obstacle := r.With(e, nil); obstacle == nil || obstacle.Kind != ObstacleOmitted {
		t.Errorf("%+v", obstacle)
	}
	found := []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`)
	if replay, obstacle := r.With(e, found); obstacle != nil || !replay.Repaired || string(replay.Value) != string(found) {
		t.Errorf("%+v, %+v", replay, obstacle)
	}
}
