//go:build !race

package pipeline

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/platform"
	"github.com/battlereport/battlereport/consumer"
)

// The race detector empties pools at random, so this runs without it.

const aReport = `{"baseinfo":{"openid":"oGRTijrV0l67hDGN7dstOl8CphN0","platid":0,"level":30},"battleinfo":{"score":4288625,"iswin":true,"mode":"ranked","map":"harbour","kills":12,"deaths":3}}`

// checking returns what checks the same record again and again.
func checking(tb testing.TB) func(now time.Time) *event {
	cfg := config.Default()
	cfg.Apps = []config.App{{AppID: "wx1", AppKey: "k", Encode: 1, Topics: []string{"t"}, Route: config.RouteBattleReport, Schema: "builtin:any"}}
	directory, err := admission.New(&cfg)
	if err != nil {
		tb.Fatal(err)
	}
	taker := &taker{apps: []*platform.App{platform.NewApp(directory.Apps[0], cfg.Delivery.Breaker)}}
	record := consumer.Record{Partition: &consumer.Partition{Topic: "t"}, Time: time.Now(), Value: []byte(aReport)}
	ev := new(event)
	return func(now time.Time) *event {
		*ev = event{record: record, feed: directory.Feed("t")}
		taker.admit(ev, now)
		return ev
	}
}

func TestCheckingTakesNoMemory(t *testing.T) {
	check := checking(t)
	now := time.Now()
	if allocs := testing.AllocsPerRun(1000, func() {
		if ev := check(now); ev.refusal != nil {
			t.Fatal(ev.refusal.Detail)
		}
	}); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkCheck(b *testing.B) {
	check := checking(b)
	b.SetBytes(int64(len(aReport)))
	b.ReportAllocs()
	now := time.Now()
	for b.Loop() {
		check(now)
	}
}
