package preflight

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
)

// checkGroup asks whether we may join the group, and whom we would meet. The right is the one that a heartbeat takes, which
// brokers look at before they look for the member: that one is nobody.
func (k *kafka) checkGroup(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, perQuestion)
	defer cancel()
	group := k.cfg.Kafka.Group
	f := Finding{Check: "group", Subject: group, State: Failed}
	defer func() { k.tell(f) }()
	beat := kmsg.NewPtrHeartbeatRequest()
	beat.Group, beat.Generation, beat.MemberID = group, -1, "battlereport-config-check"
	answer, err := beat.RequestWith(ctx, k.client)
	if err == nil {
		err = kerr.ErrorForCode(answer.ErrorCode)
	}
	switch {
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.GroupIDNotFound), errors.Is(err, kerr.IllegalGeneration), errors.Is(err, kerr.RebalanceInProgress):
	case consumer.IsDenied(err):
		f.Found = k.why(consumer.Right{Operation: "Read", Resource: consumer.Group, Name: group}.Needed(fmt.Errorf("ask for group %s: %w", group, err)))
		return
	case err != nil:
		f.Found = k.why(fmt.Errorf("ask for group %s: %w", group, err))
		return
	}
	f.State, f.Found = OK, "may be joined"
	describe := kmsg.NewPtrDescribeGroupsRequest()
	describe.Groups = []string{group}
	res, err := describe.RequestWith(ctx, k.client)
	if err != nil || len(res.Groups) != 1 || res.Groups[0].ErrorCode != 0 {
		return // that it is not there yet is said so by some brokers
	}
	switch g := res.Groups[0]; {
	case g.ProtocolType != "" && g.ProtocolType != "consumer":
		f.State, f.Found, f.Do = Failed, "is a group of "+g.ProtocolType+", and not of consumers", "name another in kafka.group"
	case len(g.Members) > 0:
		f.Found = fmt.Sprintf("may be joined; %s now, %s", words.Count(len(g.Members), "member"), strings.ToLower(g.State))
	}
}
