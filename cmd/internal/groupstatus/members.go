package groupstatus

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// members asks who is in the group, and returns who owns what.
func (r *Reader) members(ctx context.Context, l *layout, s *Snapshot) (owners map[partitionKey]string, err error) {
	owners = map[partitionKey]string{}
	err = r.classic(ctx, s, owners)
	if err == nil && len(s.Members) == 0 { // brokers may answer that there is none, or one without members, where it is of the other kind
		err = r.assigned(ctx, l, s, owners)
	}
	slices.SortFunc(s.Members, func(a, b Member) int {
		return cmp.Or(strings.Compare(a.ClientID, b.ClientID), strings.Compare(a.InstanceID, b.InstanceID), strings.Compare(a.ID, b.ID))
	})
	return owners, err
}

// classic describes a group whose members assign the partitions, if it is one.
func (r *Reader) classic(ctx context.Context, s *Snapshot, owners map[partitionKey]string) error {
	s.Group = Group{Name: r.group, State: "Dead", Coordinator: -1}
	req := kmsg.NewPtrDescribeGroupsRequest()
	req.Groups = []string{r.group}
	for _, shard := range r.client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			return r.onGroup(fmt.Errorf("describe the group %s: %w", r.group, shard.Err))
		}
		for _, g := range shard.Resp.(*kmsg.DescribeGroupsResponse).Groups {
			err := kerr.ErrorForCode(g.ErrorCode)
			if errors.Is(err, kerr.GroupIDNotFound) {
				continue
			}
			if err != nil {
				return r.onGroup(fmt.Errorf("describe the group %s: %w", r.group, err))
			}
			if g.State == "Dead" {
				continue
			}
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
	return nil
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
func (r *Reader) assigned(ctx context.Context, l *layout, s *Snapshot, owners map[partitionKey]string) error {
	failed := func(err error) error {
		return r.onGroup(fmt.Errorf("describe the group %s: %w", r.group, err))
	}
	req := kmsg.NewPtrConsumerGroupDescribeRequest()
	req.Groups = []string{r.group}
	asked, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, r.client)
	if err != nil {
		return failed(err)
	}
	if !slices.ContainsFunc(asked.ApiKeys, func(k kmsg.ApiVersionsResponseApiKey) bool { return k.ApiKey == req.Key() }) {
		return nil
	}
	for _, shard := range r.client.RequestSharded(ctx, req) {
		err := shard.Err
		if err == nil {
			err = r.assignedBy(&shard, l, s, owners)
		}
		if err != nil && !errors.Is(err, kerr.GroupIDNotFound) && !errors.Is(err, kerr.UnsupportedVersion) {
			return failed(err)
		}
	}
	return nil
}

func (r *Reader) assignedBy(shard *kgo.ResponseShard, l *layout, s *Snapshot, owners map[partitionKey]string) error {
	for _, g := range shard.Resp.(*kmsg.ConsumerGroupDescribeResponse).Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return err
		}
		s.Group = Group{Name: r.group, State: g.State, Type: "consumer", Assignor: g.AssignorName, Coordinator: shard.Meta.NodeID}
		for _, m := range g.Members {
			member := Member{ID: m.MemberID, ClientID: m.ClientID, Host: m.ClientHost}
			if m.InstanceID != nil {
				member.InstanceID = *m.InstanceID
			}
			for _, t := range m.Assignment.TopicPartitions {
				name := t.Topic
				for topic, at := range l.topics { // it may be named by its id alone
					if name == "" && at.id == t.TopicID {
						name = topic
					}
				}
				r.own(&member, name, t.Partitions, owners)
			}
			s.Members = append(s.Members, member)
		}
	}
	return nil
}
