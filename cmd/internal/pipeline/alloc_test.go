//go:build !race

package pipeline

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
)

// The race detector empties pools at random, so this runs without it.

const aReport = `{"baseinfo":{"openid":"oGRTijrV0l67hDGN7dstOl8CphN0","platid":0,"level":30},"battleinfo":{"score":4288625,"iswin":true,"mode":"ranked","map":"harbour","kills":12,"deaths":3}}`

func checking(tb testing.TB) (p *Pipeline, r *consumer.Record) {
	cfg := config.Default()
	cfg.Apps = []config.App{{AppID: "wx1", AppKey: "k", Encode: 1, Topics: []string{"t"}, Route: routeBattleReport, Schema: "builtin:any"}}
	apps, err := newApps(&cfg)
	if err != nil {
		tb.Fatal(err)
	}
	return &Pipeline{cfg: &cfg, apps: apps}, &consumer.Record{Partition: &consumer.Partition{Topic: "t"}, Time: time.Now(), Value: []byte(aReport)}
}

func TestCheckingTakesMemoryForOpenIDAndScoreOnly(t *testing.T) {
	p, r := checking(t)
	now := time.Now()
	if allocs := testing.AllocsPerRun(1000, func() {
		ev := p.check(r, now)
		if ev.refusal != nil {
			t.Fatal(ev.refusal.detail)
		}
		ev.recycle()
	}); allocs > 2 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkCheck(b *testing.B) {
	p, r := checking(b)
	b.SetBytes(int64(len(r.Value)))
	b.ReportAllocs()
	now := time.Now()
	for b.Loop() {
		p.check(r, now).recycle()
	}
}
