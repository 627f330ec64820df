package kafkatest

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Quota has the broker keep the clients of that id to so many bytes a second of what they
// consume, and of what they produce, until the test ends. The fake broker keeps nobody to
// anything, and several brokers have a quota each, which gives at once what it allows in
// eleven seconds: there the test is skipped.
func (b *Broker) Quota(tb testing.TB, clientID string, bytesPerSecond float64) {
	tb.Helper()
	if b.fake != nil || len(b.addrs) > 1 {
		tb.Skip("needs one broker that has quotas, named by " + BrokersVariable)
	}
	set := func(remove bool) error {
		entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
		entity.Type, entity.Name = "client-id", &clientID
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entry.Entity = append(entry.Entity, entity)
		for _, key := range []string{"consumer_byte_rate", "producer_byte_rate"} {
			entry.Ops = append(entry.Ops, kmsg.AlterClientQuotasRequestEntryOp{Key: key, Value: bytesPerSecond, Remove: remove})
		}
		req := kmsg.NewPtrAlterClientQuotasRequest()
		req.Entries = append(req.Entries, entry)
		return b.with(func(client *kgo.Client) error {
			res, err := req.RequestWith(context.Background(), client)
			if err == nil && len(res.Entries) > 0 {
				err = kerr.ErrorForCode(res.Entries[0].ErrorCode)
			}
			return err
		})
	}
	if err := set(false); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := set(true); err != nil {
			tb.Error(err)
		}
	})
}
