package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// outcome is the end of a call.
type outcome struct {
	batch *batch
	err   *msdkclient.Error // nil: delivered
	took  time.Duration
}

// call posts a batch once.
func (p *Pipeline) call(ctx context.Context, b *batch) outcome {
	began := time.Now()
	var err error
	if b.lane.Route == routeScore {
		ev := b.items[0].Value
		err = p.msdk.Score(ctx, b.lane.identity, msdkclient.Score{OpenID: ev.user, Score: ev.score, Expires: b.lane.ScoreExpires})
	} else {
		reports := make([][]byte, len(b.items))
		for i, it := range b.items {
			reports[i] = it.Value.record.Value
		}
		err = p.msdk.BattleReport(ctx, b.lane.identity, b.named, reports...)
	}
	out := outcome{batch: b, took: time.Since(began)}
	if err != nil && !errors.As(err, &out.err) {
		out.err = &msdkclient.Error{Class: msdkclient.Retry, Uncertain: true, Err: err}
	}
	return out
}
