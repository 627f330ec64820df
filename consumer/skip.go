package consumer

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Skip moves the group past what [Consumer.Unreadable] has found, and past nothing else:
// what is not settled before it is taken still, what is settled beyond it is not. It tries
// once, and done twice it does nothing. Brokers take that only while the group has no
// members: otherwise, and where the group does not stand any more where it was found, the
// error is a [RefusedError], and nothing is moved.
func (c *Consumer) Skip(ctx context.Context, u *Unreadable) error {
	all, err := c.commits(ctx, map[string][]int{u.Topic: {u.Partition}})
	if err != nil {
		return err
	}
	metadata, err := c.noted(u)
	if err != nil {
		return err
	}
	to := toCommit{u.place, committed{u.Moved, metadata}}
	switch now := all[u.Topic][u.Partition]; now {
	case to.committed:
		return nil
	case u.was:
	default:
		return refuse(ErrMoved, "from %d to %d", u.Committed, now.offset)
	}
	nobody := newGeneration(c, &kafka.Generation{GroupID: c.cfg.Group, ID: -1}, nil)
	err = nobody.commitOffsets(ctx, []toCommit{to})[0]
	if metadata != "" && errors.Is(err, kerr.OffsetMetadataTooLarge) {
		return c.Skip(ctx, u) // that is heeded now
	}
	if errors.Is(err, kerr.UnknownMemberID) || errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) {
		return cmp.Or(c.unoccupied(ctx), err)
	}
	return err
}

// An OccupiedError says that a group has members, to whom alone brokers grant its offsets.
type OccupiedError struct {
	Group   string
	Members []Member
}

func (e *OccupiedError) Error() string {
	return fmt.Sprintf("the group %s has members, %d of them", e.Group, len(e.Members))
}

// A Member is one of a group, as the group's coordinator has it.
type Member struct {
	ID       string
	ClientID string
	Host     string
}

// unoccupied returns a [RefusedError] if the group has members.
func (c *Consumer) unoccupied(ctx context.Context) error {
	const most = 5 // from 6 on a group that is not known is an error
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{c.cfg.Group}
	res, err := c.askCoordinator(ctx, most, req, func(res kmsg.Response) int16 {
		for _, g := range res.(*kmsg.DescribeGroupsResponse).Groups {
			return g.ErrorCode
		}
		return 0
	})
	if err != nil {
		return fmt.Errorf("describe the group %s: %w", c.cfg.Group, err)
	}
	for _, g := range res.(*kmsg.DescribeGroupsResponse).Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return fmt.Errorf("describe the group %s: %w", c.cfg.Group, err)
		}
		if len(g.Members) == 0 {
			continue
		}
		occupied := &OccupiedError{Group: c.cfg.Group}
		for _, m := range g.Members {
			occupied.Members = append(occupied.Members, Member{m.MemberID, m.ClientID, m.ClientHost})
		}
		return &RefusedError{Reason: occupied}
	}
	return nil
}
