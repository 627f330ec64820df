package view

import (
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

func TestAPlanIsShown(t *testing.T) {
	t.Parallel()
	p := triage.NewPlan()
	for i := range 7 {
		e := triagetest.Letter(triagetest.Refuse)
		if i%2 == 0 {
			triagetest.Platid(e)
			triagetest.Value(`{"baseinfo":{"openid":"o1","platid":"1"},"battleinfo":{}}`)(e)
		}
		e.Name.Offset = int64(i)
		replay := resolve.Replay{Entry: *e, Topic: "battle-reports.replay"}
		if i%2 == 0 {
			replay.Repaired, replay.Value = true, []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`)
		}
		p.Add(replay)
	}
	for range 1200 {
		p.Hinder("battle-reports.dlq/3/99", &triage.Obstacle{Kind: triage.ObstacleReplays, Detail: "it has been replayed 5 times and came back"})
	}
	p.Hinder("battle-reports.dlq/3/100", &triage.Obstacle{Kind: triage.ObstacleForeign, Detail: "\x1b"})
	p.Hinder("battle-reports.dlq/3/101", &triage.Obstacle{Kind: triage.ObstacleReplayed, Detail: "it is replayed already"})
	if p.Letters != 7 || p.Repaired != 4 || triage.Total(p.Obstacles()) != 1201 || triage.Total(p.Resolved()) != 1 || p.Targets["battle-reports.replay"] != 7 {
		t.Errorf("%+v", p)
	}
	var b strings.Builder
	if err := Plan(&b, Style{Now: triagetest.Noon, Width: 100}, p, "7 letters would be replayed.", true); err != nil {
		t.Fatal(err)
	}
	triagetest.Golden(t, "plan.txt", b.String())
}
