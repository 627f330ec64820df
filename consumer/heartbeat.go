package consumer

import (
	"context"
	"errors"
	"time"

	"github.com/segmentio/kafka-go"
)

// stayAlive sends heartbeats until stop is closed. kafka-go sends none once a
// generation has ended, so that a member that drains for longer than the
// session timeout would be taken for dead, and could not commit what it has
// finished. Answers are of no interest but for the one that it is dead already.
func (g *Generation) stayAlive(stop <-chan struct{}) {
	ticker := time.NewTicker(g.c.cfg.HeartbeatInterval)
	defer ticker.Stop()
	for {
		ctx, cancel := context.WithTimeout(context.Background(), g.c.cfg.HeartbeatInterval)
		res, err := g.c.client.Heartbeat(ctx, &kafka.HeartbeatRequest{
			GroupID: g.kgen.GroupID, GenerationID: g.kgen.ID, MemberID: g.kgen.MemberID,
		})
		cancel()
		if err == nil && (errors.Is(res.Error, kafka.UnknownMemberId) || errors.Is(res.Error, kafka.IllegalGeneration)) {
			g.log.Warn("the group has given this member up while it drains: what it finishes now may be delivered again", "error", res.Error)
			return
		}
		select {
		case <-stop:
			return
		case <-ticker.C:
		}
	}
}
