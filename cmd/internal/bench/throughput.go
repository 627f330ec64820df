package bench

import (
	"context"
	"fmt"

	"github.com/battlereport/battlereport/cmd/internal/bench/report"
	"github.com/battlereport/battlereport/cmd/internal/bench/workload"
)

// measureThroughput has the contestants take turns.
func measureThroughput(ctx context.Context, o *options, p workload.Point, show *progress) (report.Report, error) {
	r := newReport(o, p)
	s, err := setUp(ctx, o, p.Workload, false)
	if err != nil {
		return r, err
	}
	defer s.tearDown()
	if err := s.load.fill(ctx, s.brokers, p.Workload, show.filling(p.Workload)); err != nil {
		return r, err
	}
	show.begin(o.Rounds + 1)
	for n := range o.Rounds + 1 {
		round := report.Round{}
		for _, contestant := range p.Contestants() {
			name := fmt.Sprintf("%s-%d", contestant, n)
			if round[contestant], err = s.measure(ctx, contestant, name, show.contest(contestant, n, p.Workload)); err != nil {
				return r, err
			}
		}
		show.round(n, p, round)
		if n > 0 {
			r.Rounds = append(r.Rounds, round)
		}
	}
	r.Summarise()
	return r, nil
}

func newReport(o *options, p workload.Point) report.Report {
	if len(o.Brokers) > 0 {
		return report.New("kafka", p)
	}
	return report.New("kfake", p)
}
