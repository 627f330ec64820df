package topic

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/consumer"
)

// NewClient returns a franz-go client of the cluster: kafka-go neither leaves
// out the records of aborted transactions nor writes transactions. It does not
// connect; the error is that of a connection that can never work. Questions take 10 s
// at most, unless opts say otherwise, and what a quota takes ([Clock]). Close it.
func NewClient(conn consumer.Connection, opts ...kgo.Opt) (*kgo.Client, error) {
	clock := &Clock{}
	all := []kgo.Opt{
		kgo.SeedBrokers(consumer.Bootstrap), kgo.Dialer(clock.dial(conn)), kgo.WithHooks(numbering{}, clock),
		kgo.WithContext(context.WithValue(context.Background(), clockKey{}, clock)),
		kgo.ConnIdleTimeout(connIdle),
		kgo.RetryTimeout(askTimeout),
		kgo.AlwaysRetryEOF(),                       // a broker that is about to restart hangs up, too
		kgo.MetadataMinAge(500 * time.Millisecond), // a new topic's leaders are found out soon
	}
	if conn.ClientID != "" {
		all = append(all, kgo.ClientID(conn.ClientID))
	}
	return kgo.NewClient(append(all, opts...)...)
}

// connIdle is for how long a connection may be of no use. One over which a quota has
// the client wait is not: another would be told to wait, too.
const connIdle = 2 * time.Minute

// numbering has the error of a connection that could not be opened say to which broker.
type numbering struct{}

// OnBrokerConnect is told of each attempt, before whoever wanted the connection.
func (numbering) OnBrokerConnect(broker kgo.BrokerMetadata, _ time.Duration, _ net.Conn, err error) {
	if open := new(consumer.OpenError); errors.As(err, &open) && broker.NodeID >= 0 {
		open.Broker = broker.NodeID
	}
}
