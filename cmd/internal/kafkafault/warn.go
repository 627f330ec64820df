package kafkafault

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
)

// warnEvery is how often an address is warned of, at most: each of a process's clients finds it out by itself.
const warnEvery = time.Hour

// Connection is how the brokers are reached; dial nil means TCP. What warn is told, once an hour of each address, is which
// of kafka.brokers are silent while others answer. It connects to nothing.
func Connection(k *config.Kafka, dial func(ctx context.Context, network, address string) (net.Conn, error), warn func(error)) (consumer.Connection, error) {
	conn, err := k.Connection(dial)
	conn.Warn = Warner(k, warn)
	return conn, err
}

// Warner returns what is told of addresses that are silent, and says so, with the cause. It is safe for concurrent use if
// say is, and calls it for one at a time.
func Warner(k *config.Kafka, say func(error)) func(error) {
	var (
		mu   sync.Mutex
		said = map[string]time.Time{}
	)
	return func(err error) {
		mu.Lock()
		defer mu.Unlock()
		if open := new(consumer.OpenError); errors.As(err, &open) {
			if last, is := said[open.Address]; is && time.Since(last) < warnEvery {
				return
			}
			said[open.Address] = time.Now()
		}
		say(Explain(k, err))
	}
}
