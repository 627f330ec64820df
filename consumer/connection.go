package consumer

import (
	"context"
	"crypto/tls"
	"net"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
)

// Connection says how a Kafka cluster is reached. Programs beside the consumer
// (dead letters, publishers) use the same.
type Connection struct {
	Brokers  []string // host:port, any of the cluster's
	ClientID string
	TLS      *tls.Config    // nil: plain text
	SASL     sasl.Mechanism // nil: no authentication

	// Dial opens a connection; nil means TCP.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)

	// Warn is told, by an [OpenError], of each of Brokers that is silent while another
	// answers; nil: nobody is. It is called concurrently.
	Warn func(error)
}

// Client returns a client with connections of its own. Release them with
// [CloseClient].
func (c Connection) Client() *kafka.Client { return c.client(nil) }

// client is a client for these topics. It asks for the cluster's layout every
// few seconds, and without topics for that of all there are.
func (c Connection) client(topics []string) *kafka.Client {
	return &kafka.Client{
		Addr: kafka.TCP(Bootstrap),
		Transport: &kafka.Transport{
			Dial:           c.opener(true), // with TLS and SASL
			DialTimeout:    dialTimeout,
			MetadataTopics: topics,
			ClientID:       c.ClientID,
		},
	}
}

// CloseClient closes the idle connections of a client made by
// [Connection.Client]; those in use close when their call ends.
func CloseClient(client *kafka.Client) {
	if t, ok := client.Transport.(*kafka.Transport); ok {
		t.CloseIdleConnections()
	}
}

// dialer is for kafka-go's consumer group.
func (c Connection) dialer() *kafka.Dialer {
	open := c.opener(true)
	return &kafka.Dialer{
		ClientID: c.ClientID,
		DialFunc: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := open(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return &uncreating{Conn: conn}, nil
		},
		Timeout: dialTimeout,
	}
}

// until is the same, with connections that break when cut ends. kafka-go waits
// for answers that nobody waits for any more, and its consumer group, which takes
// no context, for that of a join perhaps for minutes.
func (c Connection) until(cut context.Context) Connection {
	dial := c.dial()
	c.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(cut, cancel)()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &cuttable{Conn: conn, stop: context.AfterFunc(cut, func() { _ = conn.Close() })}, nil
	}
	return c
}

type cuttable struct {
	net.Conn
	stop func() bool
}

func (c *cuttable) Close() error {
	c.stop()
	return c.Conn.Close()
}

// keepAlive has a connection on which nothing is said, and through which nothing comes
// any more, found out within a minute.
var keepAlive = net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 10 * time.Second, Count: 3}

func (c Connection) dial() func(context.Context, string, string) (net.Conn, error) {
	if c.Dial != nil {
		return c.Dial
	}
	return (&net.Dialer{KeepAliveConfig: keepAlive}).DialContext
}
