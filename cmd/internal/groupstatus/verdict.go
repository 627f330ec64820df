package groupstatus

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
)

// Absent tells that there is nothing that can be judged: none of the topics exists, or there is no such group, which has
// never been.
func (s *Status) Absent() bool {
	topics := slices.ContainsFunc(s.Topics, func(t TopicStatus) bool { return !t.Missing })
	committed := slices.ContainsFunc(s.Partitions, func(p PartitionStatus) bool { return p.Committed != nil })
	return !topics || s.Group.State == "Dead" && !committed
}

// verdict says in a sentence what is wrong, the worst first, and what to do about it.
func verdict(s *Status) (text, advice string) {
	if s.Absent() {
		return absent(s)
	}
	var worst []*PartitionStatus
	for i := range s.Partitions {
		if s.Partitions[i].State == s.State {
			worst = append(worst, &s.Partitions[i])
		}
	}
	of := func() string { return partitionsOf(worst) }
	switch s.State {
	case Lost:
		return fmt.Sprintf("Records are lost: retention deleted %s of %s before %s settled.", words.Number(s.Total.Deleted, "record"), of(), were(s.Total.Deleted)),
			"Give the topic a longer retention.ms now, and find out below why the group is late; what is deleted does not come back."
	case Missing:
		var names []string
		for _, t := range s.Topics {
			if t.State == Missing {
				names = append(names, words.Visible(t.Name))
			}
		}
		return fmt.Sprintf("There is no topic %s.", strings.Join(names, ", ")), "Create it, or correct topics in the configuration: run waits for it."
	case Leaderless:
		return fmt.Sprintf("No broker leads %s: nothing there can be read.", of()), "See to the brokers that are away."
	case Unowned:
		if len(s.Members) == 0 {
			return fmt.Sprintf("Nobody takes %s of %s%s: the group %s has no members.", waiting(worst), of(), oldest(worst), words.Visible(s.Group.Name)),
				"Start battlereport run, with this configuration."
		}
		return fmt.Sprintf("No member has %s, where %s wait%s.", of(), waiting(worst), oldest(worst)),
			"Members with another configuration may not read the topic: deploy the same one everywhere."
	case Stalled:
		return fmt.Sprintf("Nothing is settled of %s, though %s wait%s.", of(), waiting(worst), oldest(worst)),
			"See the log and /readyz of " + who(worst) + ": the platform is down, the app is held, letters cannot be written, or a batch cannot be read."
	case Unstable:
		return fmt.Sprintf("A producer has a transaction open in %s: what is behind it cannot be taken%s.", of(), oldest(worst)),
			"If the producer is gone, kafka-transactions.sh find-hanging finds it, and abort ends it."
	case FallingBehind:
		return fmt.Sprintf("The group falls behind in %s: %s wait%s%s.", of(), waiting(worst), oldest(worst), rates(s)),
			"Add members, up to one a partition, unless the platform is the limit: battlereport_limited on /metrics says so."
	case Held:
		return fmt.Sprintf("What is first in %s waits%s, while what is behind it is settled%s.", of(), oldest(worst), apps(worst)),
			"See the log of " + who(worst) + ": an app that is held is named there, with the platform's answer; battlereport msdk explain says what that means."
	case CatchingUp:
		if s.Total.CatchUp != nil && *s.Total.CatchUp > 0 {
			text = ", done in " + words.Span(since(*s.Total.CatchUp))
		}
		return fmt.Sprintf("The group catches up%s: %s wait%s%s.", text, waiting(worst), oldest(worst), rates(s)), ""
	case OK:
		if n := s.Total.Waiting; n != nil && *n > 0 {
			text = fmt.Sprintf(": %s under way%s", words.Number(*n, "record"), oldest(worst))
		}
		return fmt.Sprintf("All is well%s%s.", text, rates(s)), ""
	}
	if len(s.Members) == 0 {
		return "Nothing waits, and nobody is there: the group has no members.", ""
	}
	return "All is well: nothing waits, and nothing comes.", ""
}

func absent(s *Status) (text, advice string) {
	var names []string
	for _, t := range s.Topics {
		if !t.Missing {
			names = nil
			break
		}
		if !t.Replayed || len(s.Topics) == 1 {
			names = append(names, words.Visible(t.Name))
		}
	}
	if len(names) > 0 {
		return fmt.Sprintf("There is no topic %s, or this client may not see it.", strings.Join(names, ", ")), "Create it, or correct topics in the configuration."
	}
	return fmt.Sprintf("There is no group %s, and none of that name has committed anything yet.", words.Visible(s.Group.Name)), "Start battlereport run."
}

// partitionsOf names partitions: one by its name, several by their number and topics.
func partitionsOf(some []*PartitionStatus) string {
	if len(some) == 1 {
		return fmt.Sprintf("%s/%d", words.Visible(some[0].Topic), some[0].Partition)
	}
	var topics []string
	for _, p := range some {
		if name := words.Visible(p.Topic); !slices.Contains(topics, name) {
			topics = append(topics, name)
		}
	}
	slices.Sort(topics)
	if len(topics) > 3 {
		topics = append(topics[:2], words.Number(len(topics)-2, "other topic"))
	}
	return fmt.Sprintf("%s of %s", words.Number(len(some), "partition"), strings.Join(topics, ", "))
}

// waiting says how many records wait in them.
func waiting(some []*PartitionStatus) string {
	var n int64
	for _, p := range some {
		if p.Waiting != nil {
			n += *p.Waiting
		}
	}
	return words.Number(n, "record")
}

// oldest says how long the oldest has waited.
func oldest(some []*PartitionStatus) string {
	var age float64
	for _, p := range some {
		if p.Age != nil {
			age = max(age, *p.Age)
		}
	}
	if age == 0 {
		return ""
	}
	return ", the oldest for " + words.Span(since(age))
}

// rates says what comes and what goes.
func rates(s *Status) string {
	if s.Total.In == nil || s.Total.Out == nil {
		return ""
	}
	return fmt.Sprintf("; %s come a second and %s are settled", words.PerSecond(*s.Total.In), words.PerSecond(*s.Total.Out))
}

// who names the members that have the partitions, three at most.
func who(some []*PartitionStatus) string {
	var names []string
	for _, p := range some {
		if p.Member == nil {
			continue
		}
		name := words.Visible(p.Member.ClientID) + " at " + words.Visible(strings.TrimPrefix(p.Member.Host, "/"))
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	if len(names) > 3 {
		names = append(names[:2], words.Number(len(names)-2, "other"))
	}
	return cmp.Or(strings.Join(names, ", "), "the members")
}

// apps names those whose records are deferred.
func apps(some []*PartitionStatus) string {
	records := map[string]int64{}
	for _, p := range some {
		for _, d := range p.Deferred {
			records[cmp.Or(words.Visible(d.AppID), "apps that are not configured")] += d.Records
		}
	}
	if len(records) == 0 {
		return ""
	}
	var names []string
	for name, n := range records {
		names = append(names, fmt.Sprintf("%s of %s", words.Grouped(n), name))
	}
	slices.Sort(names)
	return "; deferred are " + strings.Join(names, ", ")
}

func were(n int64) string {
	if n == 1 {
		return "it was"
	}
	return "they were"
}
