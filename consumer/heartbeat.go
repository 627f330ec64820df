package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// stayAlive sends heartbeats to the group's coordinator until stop is closed.
// kafka-go sends none once a generation has ended, so that a member that drains
// for longer than the session timeout would be taken for dead, and could not
// commit what it has finished.
func (g *Generation) stayAlive(stop <-chan struct{}) {
	trouble := newTrouble(g.log, "heartbeats fail while this member drains, trying again", "heartbeats are answered again")
	for {
		err := g.heartbeat()
		wait := g.c.cfg.HeartbeatInterval
		switch {
		case err == nil, errors.Is(err, kerr.RebalanceInProgress): // which is why it drains
			trouble.over()
		case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.IllegalGeneration):
			g.log.Warn("the group has given this member up while it drains: what it finishes now may be delivered again", "error", err)
			return
		default: // the coordinator moves, or is away: it is looked up again
			trouble.report(err)
			wait = min(wait, heartbeatRetry)
		}
		select {
		case <-stop:
			return
		case <-time.After(wait):
		}
	}
}

// heartbeatRetry is the wait after a heartbeat that nobody took.
const heartbeatRetry = 500 * time.Millisecond

func (g *Generation) heartbeat() error {
	ctx, cancel := context.WithTimeout(context.Background(), g.c.cfg.SessionTimeout/3)
	defer cancel()
	req := kmsg.NewPtrHeartbeatRequest()
	req.Group, req.Generation, req.MemberID = g.kgen.GroupID, g.kgen.ID, g.kgen.MemberID
	code := func(res kmsg.Response) int16 { return res.(*kmsg.HeartbeatResponse).ErrorCode }
	res, err := g.c.askCoordinator(ctx, req.MaxVersion(), req, code)
	if err != nil {
		return err
	}
	return kerr.ErrorForCode(code(res))
}
