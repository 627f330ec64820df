package deadletter

import (
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// slowed says that brokers have a quota on what is written: when it begins, and again
// when there was no word of it for a minute.
type slowed struct {
	log *slog.Logger

	mu    sync.Mutex
	until time.Time // a minute after the last wait
}

// OnBrokerThrottle is for franz-go to call.
func (s *slowed) OnBrokerThrottle(broker kgo.BrokerMetadata, wait time.Duration, _ bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if now.After(s.until) {
		s.log.Info("a quota of the brokers' has dead letters wait", "broker", broker.NodeID, "wait", wait)
	}
	s.until = now.Add(wait + time.Minute)
}
