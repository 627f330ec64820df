//go:build !race

package batcher_test

import (
	"fmt"
	"testing"

	"github.com/battlereport/battlereport/batcher"
)

func TestGatheringTakesMemoryForTheBatchOnly(t *testing.T) {
	b := batcher.New[int](batcher.Limits{Records: 100, Bytes: 1 << 20})
	var users []string
	for i := range 100 {
		users = append(users, fmt.Sprint("user", i))
	}
	gather := func() {
		for i, u := range users {
			b.Add(t0, batcher.Foreground, u, 350, i)
		}
		items, _ := b.Next(t0, batcher.Foreground)
		b.Done(items...)
	}
	if allocs := testing.AllocsPerRun(100, gather); allocs > 1 {
		t.Errorf("%v allocations for a batch of %d records", allocs, len(users))
	}
}
