package preflight

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// checkTopics looks at the topics of the apps, and at those that run creates for them, as it does at its start.
func (k *kafka) checkTopics(ctx context.Context) {
	seen := map[string]bool{}
	for _, source := range k.cfg.SourceTopics() {
		k.checkSource(ctx, source)
		letters := k.cfg.DeadLetter.TopicFor(source)
		for _, t := range []wanted{
			{letters, "dead letters", deadletter.LetterSettings(), "Write", source},
			{k.cfg.DeadLetter.ReplayTopicFor(source), "replays", deadletter.LetterSettings(), "Read", source},
			{deadletter.ResolutionTopic(letters), "resolutions", deadletter.ResolutionSettings(), "", source},
		} {
			if !seen[t.name] {
				seen[t.name] = true
				k.checkWanted(ctx, t)
			}
		}
	}
}

// checkSource looks at a topic that records come from.
func (k *kafka) checkSource(ctx context.Context, name string) {
	ctx, cancel := context.WithTimeout(ctx, perQuestion)
	defer cancel()
	f := Finding{Check: "topic", Subject: name, State: Failed}
	layout := ""
	err := topic.Allowed(ctx, k.client, name, "Read")
	if err == nil {
		layout, err = k.layout(ctx, name)
	}
	switch {
	case err != nil:
		f.Found = k.why(err)
	case layout == "":
		f.Found, f.Do = "does not exist, or this client may not see it: run waits for it", "create it, or take it out of the topics"
	default:
		f.State, f.Found = OK, layout+"; may be read"
	}
	k.tell(f)
	if f.State == OK {
		k.checkSettings(ctx, name, nil, "records can be lost before they are taken")
	}
}

// layout says how many partitions a topic has and how often; "" if there is no such topic.
func (k *kafka) layout(ctx context.Context, name string) (string, error) {
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &name
	req := kmsg.NewPtrMetadataRequest()
	req.Topics = append(req.Topics, t)
	res, err := req.RequestWith(ctx, k.client)
	if err != nil || len(res.Topics) != 1 {
		return "", err
	}
	found := res.Topics[0]
	switch err := kerr.ErrorForCode(found.ErrorCode); err {
	case nil:
	case kerr.UnknownTopicOrPartition:
		return "", nil
	default:
		return "", fmt.Errorf("look for topic %s: %w", name, err)
	}
	fewest := 0
	for i, p := range found.Partitions {
		if i == 0 || len(p.Replicas) < fewest {
			fewest = len(p.Replicas)
		}
		if p.Leader < 0 {
			return "", fmt.Errorf("partition %s/%d: %w", name, p.Partition, kerr.LeaderNotAvailable)
		}
	}
	return fmt.Sprintf("%s, %s", words.Count(len(found.Partitions), "partition"), words.Count(fewest, "replica")), nil
}

// wanted is a topic that run creates if it is not there.
type wanted struct {
	name, of string
	settings []topic.Setting
	right    string // without which run ends; "": it would warn
	source   string
}

func (k *kafka) checkWanted(ctx context.Context, t wanted) {
	ctx, cancel := context.WithTimeout(ctx, perQuestion)
	defer cancel()
	f := Finding{Check: "topic", Subject: t.name, State: Failed}
	if t.right == "" {
		f.State = Warning
	}
	var err error
	if t.right != "" {
		err = topic.Allowed(ctx, k.client, t.name, t.right)
	}
	missing, layout := false, ""
	if err == nil {
		missing, err = topic.Creatable(ctx, k.client, t.name, t.source, t.settings...)
	}
	if err == nil && !missing {
		layout, err = k.layout(ctx, t.name)
	}
	switch {
	case err != nil:
		f.Found = k.why(err)
	case missing:
		f.State, f.Found = OK, "of "+t.of+": does not exist, and run can create it"
	default:
		f.State, f.Found = OK, "of "+t.of+": "+layout
		if t.right != "" {
			f.Found += "; may be " + map[string]string{"Read": "read", "Write": "written"}[t.right]
		}
	}
	k.tell(f)
	if layout != "" && err == nil {
		k.checkSettings(ctx, t.name, t.settings, "letters can be lost")
	}
}

// checkSettings warns of settings with which what is in a topic can be lost. To read those of a source takes a right that
// run does without.
func (k *kafka) checkSettings(ctx context.Context, name string, settings []topic.Setting, loss string) {
	found, err := topic.Mismatches(ctx, k.client, name, settings)
	if err != nil && (settings != nil || !consumer.IsDenied(err)) {
		k.tell(Finding{"topic", name, Warning, "its settings are not known: " + k.why(err), ""})
	}
	for _, m := range found {
		what := loss
		if m.Stays {
			what = "what is done with is read for longer than need be"
		}
		k.tell(Finding{"topic", name, Warning, fmt.Sprintf("%s is %s, want %s: %s", m.Setting, m.Is, m.Want, what), m.Remedy})
	}
}
