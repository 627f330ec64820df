package resolve

import (
	"context"
	"time"

	"github.com/battlereport/battlereport/deadletter/topic"
)

// published waits until readers of what is committed see what write has
// committed to the topic that has the transactor's name. Kafka answers a commit
// before it has told the partitions, which it then does in any case: so this
// gives up when it takes long, says nothing, and does not wait again.
func (t *transactor) published(ctx context.Context, r *topic.Reader) {
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	defer clear(t.last)
	for pause := 2 * time.Millisecond; len(t.last) > 0 && !t.late && !t.seen(ctx, r); pause = min(2*pause, 200*time.Millisecond) {
		select {
		case <-ctx.Done():
			t.late = true
		case <-time.After(pause):
		}
	}
}

// seen reports whether readers see what published waits for.
func (t *transactor) seen(ctx context.Context, r *topic.Reader) bool {
	l, err := r.Describe(ctx, t.id)
	if err != nil {
		return false
	}
	ends, err := r.Ends(ctx, l)
	if err != nil {
		return false
	}
	for partition, offset := range t.last {
		if ends[partition] <= offset {
			return false
		}
	}
	return true
}
