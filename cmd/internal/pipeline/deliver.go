package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// outcome is the end of a call.
type outcome struct {
	batch  *batch
	err    *msdkclient.Error // nil: delivered
	began  time.Time
	took   time.Duration
	oldest time.Time // record's time
}

// call posts a batch once.
func (p *Pipeline) call(ctx context.Context, b *batch) outcome {
	began := time.Now()
	oldest := b.items[0].Value.record.Time
	for _, it := range b.items[1:] {
		if it.Value.record.Time.Before(oldest) {
			oldest = it.Value.record.Time
		}
	}
	var err error
	if b.lane.Route == routeScore {
		ev := b.items[0].Value
		err = p.msdk.Score(ctx, b.lane.identity, msdkclient.Score{OpenID: string(ev.user), Score: string(ev.score), Expires: b.lane.ScoreExpires})
	} else {
		reports := make([][]byte, len(b.items))
		for i, it := range b.items {
			reports[i] = it.Value.record.Value
		}
		err = p.msdk.BattleReport(ctx, b.lane.identity, b.named, reports...)
	}
	out := outcome{batch: b, began: began, took: time.Since(began), oldest: oldest}
	if err != nil && !errors.As(err, &out.err) {
		out.err = &msdkclient.Error{Class: msdkclient.Retry, Uncertain: true, Err: err}
	}
	return out
}
