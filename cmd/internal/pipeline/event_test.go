package pipeline

import (
	"log/slog"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

func TestSparesAreGivenOutOnceAndClean(t *testing.T) {
	var s spares
	used := make([]*event, maxSpares+10)
	for i := range used {
		used[i] = &event{home: "t", attempts: 1, user: []byte("u")}
	}
	s.put(used[:10])
	s.put(used[10:])
	if len(s.events) != maxSpares {
		t.Errorf("%d are kept, want %d", len(s.events), maxSpares)
	}
	given := map[*event]bool{}
	for range 3 {
		piece := make([]arrival, maxSpares/2)
		s.take(piece)
		for _, a := range piece {
			if a.event == nil || given[a.event] {
				t.Fatal("an event is given out twice, or none")
			}
			given[a.event] = true
			if a.home != "" || a.attempts != 0 || a.event.user != nil {
				t.Fatalf("an event is given out with what it was used for: %+v", a.event)
			}
		}
	}
	if len(s.events) != 0 {
		t.Errorf("%d are left", len(s.events))
	}
}

func TestSettledEventsAreUsedAgain(t *testing.T) {
	cfg := config.Default()
	cfg.Kafka.Brokers, cfg.Kafka.Group = []string{"localhost:1"}, "g"
	cfg.MSDK.BaseURL = "http://localhost:1"
	cfg.Apps = []config.App{{AppID: "wx1", AppKey: "k", Encode: 1, Topics: []string{"t"}, Route: config.RouteBattleReport, Schema: "builtin:any"}}
	p, err := New(&cfg, Options{Logger: slog.New(slog.DiscardHandler)}) // which does not connect
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	e := newEngine(&p.lasting)
	for range 2 {
		e.settler.spent = append(e.settler.spent, &event{attempts: 1})
		e.open()
	}
	if len(e.settler.spent) != 0 || len(p.spares.events) != 2 {
		t.Errorf("of two settled events %d are still to be given back, %d to be used again", len(e.settler.spent), len(p.spares.events))
	}
}
