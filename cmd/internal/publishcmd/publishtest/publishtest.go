// Package publishtest has reports for the tests of those who publish them or what has become of them, looks at where they
// have come, and has a broker refuse them.
package publishtest

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// Report returns a report of the user, with spaces that no encoder would write.
func Report(openID string, score int) string {
	return fmt.Sprintf(`{"baseinfo": {"openid":"%s","platid":1}, "battleinfo":{"score": %d}}`, openID, score)
}

// Reports returns n lines, of a few users.
func Reports(n int) []string {
	lines := make([]string, n)
	for i := range lines {
		lines[i] = Report(fmt.Sprintf("user-%d", i%7), i+1)
	}
	return lines
}

// ByUser returns each user's values in the order of the topic.
func ByUser(t *testing.T, b *kafkatest.Broker, topic string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, r := range b.ReadAll(t, topic) {
		out[string(r.Key)] = append(out[string(r.Key)], string(r.Value))
	}
	return out
}

// WantByUser returns what [ByUser] finds when the lines of [Reports] lie in order.
func WantByUser(lines []string) map[string][]string {
	out := map[string][]string{}
	for i, text := range lines {
		user := fmt.Sprintf("user-%d", i%7)
		out[user] = append(out[user], text)
	}
	return out
}

// SameByUser reports whether each user has the same values in both, in the same order.
func SameByUser(a, b map[string][]string) bool { return maps.EqualFunc(a, b, slices.Equal) }

// RefuseProduce makes the broker answer the next requests to produce with an error for each partition in them.
func RefuseProduce(t *testing.T, b *kafkatest.Broker, with *kerr.Error, times int) {
	t.Helper()
	cluster := b.RequireKfake(t)
	cluster.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if times--; times < 0 {
			return nil, nil, false
		}
		produce := req.(*kmsg.ProduceRequest)
		resp := produce.ResponseKind().(*kmsg.ProduceResponse)
		for _, topic := range produce.Topics {
			rt := kmsg.NewProduceResponseTopic()
			rt.Topic, rt.TopicID = topic.Topic, topic.TopicID
			for _, partition := range topic.Partitions {
				rp := kmsg.NewProduceResponseTopicPartition()
				rp.Partition, rp.ErrorCode = partition.Partition, with.Code
				rt.Partitions = append(rt.Partitions, rp)
			}
			resp.Topics = append(resp.Topics, rt)
		}
		return resp, nil, true
	})
}
