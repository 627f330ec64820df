package groupstatus

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// members asks who is in the group, and returns who owns what.
func (r *Reader) members(ctx context.Context, s *Snapshot) (owners map[partitionKey]string, err error) {
	owners = map[partitionKey]string{}
	found, err := r.classic(ctx, s, owners)
	if err == nil && !found {
		err = r.assigned(ctx, s, owners)
	}
	slices.SortStableFunc(s.Members, func(a, b Member) int {
		return cmpMembers(a, b)
	})
	return owners, err
}

func cmpMembers(a, b Member) int {
	switch {
	case a.ClientID != b.ClientID:
		return compare(a.ClientID, b.ClientID)
	case a.InstanceID != b.InstanceID:
		return compare(a.InstanceID, b.InstanceID)
	}
	return compare(a.ID, b.ID)
}

func compare(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// classic describes a group whose members assign the partitions, and tells whether it is one.
func (r *Reader) classic(ctx context.Context, s *Snapshot, owners map[partitionKey]string) (found bool, err error) {
	s.Group = Group{Name: r.group, State: "Dead", Coordinator: -1}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{r.group}
	for _, shard := range r.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return false, r.onGroup(fmt.Errorf("describe the group %s: %w", r.group, shard.Err))
		}
		for _, g := range shard.Resp.(*kmsg.DescribeGroupsResponse).Groups {
			err := kerr.ErrorForCode(g.ErrorCode)
			if errors.Is(err, kerr.GroupIDNotFound) {
				continue
			}
			if err != nil {
				return false, r.onGroup(fmt.Errorf("describe the group %s: %w", r.group, err))
			}
			if g.State == "Dead" {
				continue
			}
			found = true
			s.Group = Group{Name: r.group, State: g.State, Type: "classic", Assignor: g.Protocol, Coordinator: shard.Meta.NodeID}
			for _, m := range g.Members {
				member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost}
				if m.InstanceID != nil {
					member.InstanceID = *m.InstanceID
				}
				r.assign(&member, g.ProtocolType, m.MemberAssignment, owners)
				s.Members = append(s.Members, member)
			}
		}
	}
	return found, nil
}

// assign reads what a member is assigned. Members of other programs may write what they like.
func (r *Reader) assign(m *Member, protocol string, assignment []byte, owners map[partitionKey]string) {
	if len(assignment) == 0 { // as while the group is rebalancing
		return
	}
	var a kmsg.ConsumerMemberAssignment
	if protocol != "consumer" || a.ReadFrom(assignment) != nil {
		m.Unknown = true
		return
	}
	for _, t := range a.Topics {
		r.own(m, t.Topic, t.Partitions, owners)
	}
}

func (r *Reader) own(m *Member, topic string, partitions []int32, owners map[partitionKey]string) {
	if !slices.ContainsFunc(r.topics, func(t Topic) bool { return t.Name == topic }) {
		m.Others += len(partitions)
		return
	}
	m.Partitions += len(partitions)
	for _, p := range partitions {
		owners[partitionKey{topic, p}] = m.ID
	}
}

// assigned describes a group to whose members the brokers assign partitions. Brokers that are too old for that have none.
func (r *Reader) assigned(ctx context.Context, s *Snapshot, owners map[partitionKey]string) error {
	all, err := r.admin.DescribeConsumerGroups(ctx, r.group)
	g, is := all[r.group]
	if err == nil && is {
		err = g.Err
	}
	if errors.Is(err, kerr.GroupIDNotFound) || errors.Is(err, kerr.UnsupportedVersion) || err == nil && !is {
		return nil
	}
	if err != nil {
		return r.onGroup(fmt.Errorf("describe the group %s: %w", r.group, err))
	}
	s.Group = Group{Name: r.group, State: g.State, Type: "consumer", Assignor: g.AssignorName, Coordinator: g.Coordinator.NodeID}
	for _, m := range g.Members {
		member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost}
		if m.InstanceID != nil {
			member.InstanceID = *m.InstanceID
		}
		for topic, partitions := range m.Assignment {
			var numbers []int32
			for p := range partitions {
				numbers = append(numbers, p)
			}
			r.own(&member, topic, numbers, owners)
		}
		s.Members = append(s.Members, member)
	}
	return nil
}
