//go:build !race

package batcher_test

import (
	"testing"

	"github.com/battlereport/battlereport/batcher"
)

func TestGatheringTakesMemoryForTheBatchOnly(t *testing.T) {
	b := batcher.New[int](batcher.Limits{Records: 100, Bytes: 1 << 20})
	const records = 100
	gather := func() {
		for i := range records {
			b.Add(t0, batcher.Foreground, uint64(i), 350, i)
		}
		items, _ := b.Next(t0, batcher.Foreground)
		b.Done(items...)
	}
	if allocs := testing.AllocsPerRun(100, gather); allocs > 1 {
		t.Errorf("%v allocations for a batch of %d records", allocs, records)
	}
}
