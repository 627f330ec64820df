package batcher_test

import (
	"fmt"
	"time"

	"github.com/battlereport/battlereport/batcher"
)

// Two records make a batch here, or two seconds. Ann's second record waits for her first, and lets Ben's and Cat's pass.
func ExampleBatcher() {
	const ann, ben, cat = 1, 2, 3
	b := batcher.New[string](batcher.Limits{Records: 2, Bytes: 1000, Linger: 2 * time.Second})
	start := time.Date(2026, 1, 1, 20, 0, 0, 0, time.UTC)
	next := func(now time.Time) []*batcher.Item[string] {
		items, ok := b.Next(now, batcher.Foreground)
		fmt.Print(now.Format("15:04:05"), " ", ok)
		for _, item := range items {
			fmt.Print(" ", item.Value)
		}
		fmt.Println()
		return items
	}

	b.Add(start, batcher.Foreground, ann, 350, "ann-1")
	next(start)
	lingered := next(start.Add(2 * time.Second))

	now := start.Add(3 * time.Second)
	b.Add(now, batcher.Foreground, ann, 350, "ann-2")
	b.Add(now, batcher.Foreground, ben, 350, "ben-1")
	b.Add(now, batcher.Foreground, cat, 350, "cat-1")
	full := next(now)

	b.Done(lingered...)
	b.Done(full...)
	wake, _ := b.Wake(batcher.Foreground)
	next(wake)

	// Output:
	// 20:00:00 false
	// 20:00:02 true ann-1
	// 20:00:03 true ben-1 cat-1
	// 20:00:05 true ann-2
}
