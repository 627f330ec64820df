package sandbox

import "sync/atomic"

// phase is what a sandbox is about. Safe for concurrent use; the zero value is publishing.
type phase struct{ now atomic.Int32 }

const (
	publishing int32 = iota
	settling
	draining
	over
)

var phaseNames = [...]string{"publishing", "settling", "draining", "over"}

func (p *phase) enter(next int32) { p.now.Store(next) }

func (p *phase) String() string { return phaseNames[p.now.Load()] }
