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
	ctx    context.Context // with the batch's span, if there is one; nil: none
	batch  *batch
	err    *msdkclient.Error // nil: delivered
	began  time.Time
	took   time.Duration
	bytes  int       // of the events
	oldest time.Time // timestamp of a record whose age was known as the call began; zero: of none it was
}

// context is what the call is measured in: a span in it, if it is sampled, is the
// example of what is measured.
func (out *outcome) context() context.Context {
	if out.ctx == nil {
		return context.Background()
	}
	return out.ctx
}

// deliver posts a batch once.
func deliver(ctx context.Context, msdk *msdkclient.Client, b *batch) outcome {
	began := time.Now()
	ctx = b.span.within(ctx)
	var oldest time.Time
	bytes := 0
	for _, it := range b.items {
		bytes += it.Size
		r := &it.Value.record
		if _, known := r.Age(began); known && (oldest.IsZero() || r.Time.Before(oldest)) {
			oldest = r.Time
		}
	}
	var err error
	if b.app.Route == config.RouteScore {
		ev := b.items[0].Value
		err = msdk.ReportScore(ctx, b.app.Identity(), msdkclient.ReportScoreRequest{OpenID: string(ev.user), Score: string(ev.score), Expires: b.app.ScoreExpires})
	} else {
		reports := make([][]byte, len(b.items))
		for i, it := range b.items {
			reports[i] = it.Value.record.Value
		}
		err = msdk.BattleReport(ctx, b.app.Identity(), b.named, reports...)
	}
	out := outcome{ctx: ctx, batch: b, began: began, took: time.Since(began), bytes: bytes, oldest: oldest}
	if err != nil && !errors.As(err, &out.err) {
		out.err = &msdkclient.Error{Class: msdkclient.Retry, Uncertain: true, Err: err}
	}
	return out
}
