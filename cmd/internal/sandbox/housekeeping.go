package sandbox

import (
	"context"
	"errors"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/cluster"
)

// Housekeeping of the embedded broker, which keeps all records in memory.
const (
	houseInterval = 5 * time.Second
	keptRecords   = 20_000 // by partition, for people to look at
)

// keepHouse has the broker forget what has been read long ago, until ctx ends.
func (s *sandbox) keepHouse(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(houseInterval):
		}
		read, err := cluster.Committed(ctx, s.kafka, group)
		if err != nil {
			continue // the next time, then
		}
		read[s.letters.topic] = s.letters.position()
		for _, offsets := range read {
			for partition, offset := range offsets {
				if offsets[partition] = offset - keptRecords; offsets[partition] <= 0 {
					delete(offsets, partition)
				}
			}
		}
		if err := cluster.Trim(ctx, s.kafka, read); err != nil && !errors.Is(err, context.Canceled) {
			s.log.Warn("the embedded broker does not forget", "error", err)
		}
	}
}
