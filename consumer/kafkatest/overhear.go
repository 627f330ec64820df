package kafkatest

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Overhear has hear told of each request to the fake cluster from now on, and to which broker, before it is answered.
// It is called by one goroutine, which it must not keep. On a real cluster the test is skipped.
func (b *Broker) Overhear(tb testing.TB, hear func(broker int32, r kmsg.Request)) {
	tb.Helper()
	fake := b.RequireKfake(tb)
	fake.Control(func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		hear(fake.CurrentNode(), r)
		return nil, nil, false
	})
}

// OfAllTopics tells that a request is about all topics there are, which may be thousands, rather than about those that
// it names.
func OfAllTopics(r kmsg.Request) bool {
	switch r := r.(type) {
	case *kmsg.MetadataRequest:
		return r.Topics == nil || r.Version == 0 && len(r.Topics) == 0
	case *kmsg.OffsetFetchRequest:
		for _, g := range r.Groups {
			if g.Topics == nil {
				return true
			}
		}
		return len(r.Groups) == 0 && r.Topics == nil
	}
	return false
}
