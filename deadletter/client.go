package deadletter

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	kafkasasl "github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl"

	"github.com/battlereport/battlereport/consumer"
)

const dialTimeout = 10 * time.Second

// newClient returns a franz-go client of the cluster: kafka-go neither leaves
// out the records of aborted transactions nor writes transactions.
func newClient(conn consumer.Connection, opts ...kgo.Opt) (*kgo.Client, error) {
	all := []kgo.Opt{
		kgo.SeedBrokers(conn.Brokers...), kgo.Dialer(dialer(conn)),
		kgo.MetadataMinAge(500 * time.Millisecond), // a new topic's leaders are found out soon
	}
	if conn.ClientID != "" {
		all = append(all, kgo.ClientID(conn.ClientID))
	}
	if conn.SASL != nil {
		all = append(all, kgo.SASL(mechanism{conn.SASL}))
	}
	return kgo.NewClient(append(all, opts...)...)
}

// dialer opens connections as kafka-go does: TLS on top of conn.Dial, for the
// name that was dialled.
func dialer(conn consumer.Connection) func(ctx context.Context, network, address string) (net.Conn, error) {
	dial := conn.Dial
	if dial == nil {
		dial = (&net.Dialer{KeepAlive: 30 * time.Second}).DialContext
	}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialTimeout)
		defer cancel()
		c, err := dial(ctx, network, address)
		if err != nil || conn.TLS == nil {
			return c, err
		}
		cfg := conn.TLS
		if cfg.ServerName == "" {
			host, _, err := net.SplitHostPort(address)
			if err != nil {
				_ = c.Close()
				return nil, fmt.Errorf("dial %s: %w", address, err)
			}
			cfg = cfg.Clone()
			cfg.ServerName = host
		}
		secure := tls.Client(c, cfg)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = c.Close()
			return nil, fmt.Errorf("open TLS to %s: %w", address, err)
		}
		return secure, nil
	}
}

// mechanism is a SASL mechanism of kafka-go for franz-go.
type mechanism struct{ kafkasasl.Mechanism }

func (m mechanism) Authenticate(ctx context.Context, _ string) (sasl.Session, []byte, error) {
	state, first, err := m.Start(ctx)
	if err != nil {
		return nil, nil, err
	}
	return &session{ctx, state}, first, nil
}

type session struct {
	ctx   context.Context // of the connection's opening, which the session is part of
	state kafkasasl.StateMachine
}

func (s *session) Challenge(challenge []byte) (done bool, answer []byte, err error) {
	return s.state.Next(s.ctx, challenge)
}
