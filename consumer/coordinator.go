package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// coordinator is the broker that coordinates the group, as far as is known.
// kafka-go looks it up for each commit and never for a heartbeat, which it sends
// to any broker; and it takes an answer that there is none for broker 0. It is
// safe for concurrent use.
type coordinator struct {
	mu    sync.Mutex
	known bool
	id    int32
}

func (c *coordinator) get() (id int32, known bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.id, c.known
}

func (c *coordinator) set(id int32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.id, c.known = id, true
}

// forget has the coordinator looked up again.
func (c *coordinator) forget() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.known = false
}

// askCoordinator sends the request to the group's coordinator, in a version up to
// most. code reads off the answer whether there was an error: of another broker
// than the coordinator it is asked for the right one, once.
func (c *Consumer) askCoordinator(ctx context.Context, most int16, req kmsg.Request, code func(kmsg.Response) int16) (kmsg.Response, error) {
	for again := true; ; again = false {
		id, known := c.coordinator.get()
		if !known {
			var err error
			if id, err = c.findCoordinator(ctx); err != nil {
				return nil, err
			}
		}
		res, memory, err := c.ask(ctx, node(id), most, req)
		if err != nil {
			c.coordinator.forget()
			return nil, err
		}
		memory.Release() // nothing of these responses refers to it
		switch err := kerr.ErrorForCode(code(res)); {
		case errors.Is(err, kerr.NotCoordinator), errors.Is(err, kerr.CoordinatorNotAvailable), errors.Is(err, kerr.CoordinatorLoadInProgress):
			c.coordinator.forget()
			if again && errors.Is(err, kerr.NotCoordinator) {
				continue
			}
		}
		return res, nil
	}
}

func (c *Consumer) findCoordinator(ctx context.Context) (id int32, err error) {
	const most = 3 // from 4 on it is about many groups
	req := kmsg.NewPtrFindCoordinatorRequest()
	req.CoordinatorKey = c.cfg.Group
	res, memory, err := c.ask(ctx, anyOf, most, req)
	if err != nil {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", c.cfg.Group, err)
	}
	memory.Release()
	found := res.(*kmsg.FindCoordinatorResponse)
	if err := kerr.ErrorForCode(found.ErrorCode); err != nil {
		return 0, fmt.Errorf("find the coordinator of group %s: %w", c.cfg.Group, err)
	}
	c.coordinator.set(found.NodeID)
	return found.NodeID, nil
}
