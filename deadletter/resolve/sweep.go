package resolve

import (
	"context"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/deadletter"
)

// sweepTransaction is how many resolutions are removed in a transaction.
const sweepTransaction = 5000

// sweep removes resolutions of letters that are gone, by records without a value: once
// the topic is compacted, to find out what has been done costs what the letters cost
// that there are. It is for who alone may write resolutions.
func (r *Resolver) sweep(ctx context.Context) error {
	gone, err := r.states.Outlived(ctx)
	if err != nil {
		return nil //nolint:nilerr // it can wait for the next resolver, and what comes now fails likewise if it must
	}
	for some := range slices.Chunk(gone, sweepTransaction) {
		records := make([]*kgo.Record, len(some))
		for i, name := range some {
			records[i] = &kgo.Record{Topic: deadletter.ResolutionTopic(name.Topic), Key: []byte(name.String())}
		}
		if outcome, err := r.tx.write(ctx, records); outcome != committed {
			return fmt.Errorf("remove what was done about letters that are gone: %w", err)
		}
	}
	return nil
}
