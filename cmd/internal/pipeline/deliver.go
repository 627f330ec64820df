package pipeline

import (
	"context"
	"errors"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
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

// deliver posts a batch once.
func deliver(ctx context.Context, msdk *msdkclient.Client, b *batch) outcome {
	began := time.Now()
	oldest := b.items[0].Value.record.Time
	for _, it := range b.items[1:] {
		if it.Value.record.Time.Before(oldest) {
			oldest = it.Value.record.Time
		}
	}
	var err error
	if b.app.Route == config.RouteScore {
		ev := b.items[0].Value
		err = msdk.Score(ctx, b.app.Identity, msdkclient.Score{OpenID: string(ev.user), Score: string(ev.score), Expires: b.app.ScoreExpires})
	} else {
		reports := make([][]byte, len(b.items))
		for i, it := range b.items {
			reports[i] = it.Value.record.Value
		}
		err = msdk.BattleReport(ctx, b.app.Identity, b.named, reports...)
	}
	out := outcome{batch: b, began: began, took: time.Since(began), oldest: oldest}
	if err != nil && !errors.As(err, &out.err) {
		out.err = &msdkclient.Error{Class: msdkclient.Retry, Uncertain: true, Err: err}
	}
	return out
}
