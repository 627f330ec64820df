package msdktest

import (
	"math"
	"sync/atomic"
	"time"
)

// clock tells the time by which tokens, scores and friendships age. Signatures are checked by the real one.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

// Now is the platform's time: the real one, and what Advance has added to it.
func (s *Server) Now() time.Time { return s.clock.now() }

// Advance has d, which is not negative, pass for tokens, scores, friendships and the messages of a day. The timestamps of
// calls are still checked by the real time. The clock stops 292 years ahead, the longest duration there is.
func (s *Server) Advance(d time.Duration) { s.clock.advance(max(d, 0)) }

func (c *clock) advance(d time.Duration) {
	for {
		ahead := c.ahead.Load()
		if c.ahead.CompareAndSwap(ahead, ahead+min(int64(d), math.MaxInt64-ahead)) {
			return
		}
	}
}
