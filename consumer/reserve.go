package consumer

import (
	"context"
	"math"
	"sync/atomic"
)

// Reserve waits until there is room for records of a strand that were left for
// later, and returns it; nil once ctx has ended. It is called concurrently for
// different strands and partitions, never for one strand of one partition.
type Reserve func(ctx context.Context, p *Partition, strand uint64) *Room

// Room is room for some records. Either Take or Cancel is called, once.
type Room struct {
	Records int // at most
	Bytes   int // likewise, but for a single record that is larger
	Take    Take
	Cancel  func()
}

// anyRoom is where nobody reserves.
func anyRoom(take Take) Reserve {
	return func(ctx context.Context, _ *Partition, _ uint64) *Room {
		if ctx.Err() != nil {
			return nil
		}
		return &Room{Records: pieceRecords, Bytes: math.MaxInt, Take: take, Cancel: func() {}}
	}
}

// claim is the room that a second cursor has, if any. It is given back before memory is
// waited for: those that have some would go without room meanwhile, and give the memory
// up. Safe for concurrent use.
type claim struct{ room atomic.Pointer[Room] }

func (c *claim) giveBack() {
	if room := c.room.Swap(nil); room != nil {
		room.Cancel()
	}
}
