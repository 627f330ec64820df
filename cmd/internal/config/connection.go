package config

import (
	"context"
	"fmt"
	"net"

	"github.com/battlereport/battlereport/consumer"
)

// Connection is how the brokers are reached; dial nil means TCP. It reads the files of tls, and connects to nothing.
func (k *Kafka) Connection(dial func(ctx context.Context, network, address string) (net.Conn, error)) (consumer.Connection, error) {
	conn := consumer.Connection{Brokers: k.Brokers, ClientID: k.ClientID, Dial: dial}
	var err error
	if t := k.TLS; t.Enabled {
		conn.TLS, err = consumer.TLSFiles{
			CA: t.CAFile, Cert: t.CertFile, Key: t.KeyFile, ServerName: t.ServerName, InsecureSkipVerify: t.InsecureSkipVerify,
		}.Load()
		if err != nil {
			return conn, fmt.Errorf("kafka.tls: %w", err)
		}
	}
	if conn.SASL, err = consumer.SASL(k.SASL.Mechanism, k.SASL.Username, k.SASL.Password.Reveal()); err != nil {
		return conn, fmt.Errorf("kafka.sasl: %w", err)
	}
	return conn, nil
}
