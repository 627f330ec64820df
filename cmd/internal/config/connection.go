package config

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"sync/atomic"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/battlereport/battlereport/consumer"
)

// Connection is how the brokers are reached; dial nil means TCP. It reads the files of tls, and connects to nothing. The
// files of tls, and those of the password or the token, are read again at each handshake; what cannot be used then leaves
// what was. The command for a token runs at each.
func (k *Kafka) Connection(dial func(ctx context.Context, network, address string) (net.Conn, error)) (consumer.Connection, error) {
	conn := consumer.Connection{Brokers: k.Brokers, ClientID: k.ClientID, Dial: dial}
	var err error
	if k.TLS.Enabled {
		if conn.TLS, err = k.TLS.files().Load(); err != nil {
			return conn, fmt.Errorf("kafka.tls: %w", err)
		}
	}
	if conn.SASL, err = k.SASL.with(k.SASL.Password); err != nil {
		return conn, fmt.Errorf("kafka.sasl: %w", err)
	}
	if k.SASL.PasswordFile != "" {
		conn.SASL = newRenewed(&k.SASL, conn.SASL)
	}
	return conn, nil
}

func (t *TLS) files() consumer.TLSFiles {
	return consumer.TLSFiles{
		CA: t.CAFile, Cert: t.CertFile, Key: t.KeyFile, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify,
	}
}

// FirstToExpire reads the client's certificate and those that lead from it to an authority, and returns that which
// expires first; nil if there is none.
func (t *TLS) FirstToExpire() (*x509.Certificate, error) { return t.files().FirstToExpire() }

func (s *SASL) with(password Secret) (sasl.Mechanism, error) {
	if s.Mechanism == oauthBearer {
		return s.bearer()
	}
	return consumer.SASL(s.Mechanism, s.Username, password.Reveal())
}

// renewed is a mechanism whose handshakes take the password as it is then. It is safe for concurrent use. Printed, it
// shows addresses: all that it has is behind pointers, into which package fmt does not look.
type renewed struct {
	sasl     *SASL
	password *Credential
	last     atomic.Pointer[sasl.Mechanism]
}

func newRenewed(s *SASL, first sasl.Mechanism) *renewed {
	r := &renewed{sasl: s, password: newCredential(s.Password, s.PasswordFile, credentialRule)}
	r.last.Store(&first)
	return r
}

// Name implements [sasl.Mechanism].
func (r *renewed) Name() string { return (*r.last.Load()).Name() }

// Start implements [sasl.Mechanism].
func (r *renewed) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	if now, err := r.sasl.with(r.password.Now()); err == nil { // it is one that SCRAM takes
		r.last.Store(&now)
	}
	return (*r.last.Load()).Start(ctx)
}
