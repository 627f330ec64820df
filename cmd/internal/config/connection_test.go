package config_test

import (
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

func TestTheBrokersAreReachedAsConfigured(t *testing.T) {
	t.Parallel()
	cfg, err := config.Parse([]byte("kafka: {client_id: c, tls: {enabled: true, server_name: kafka.internal}, sasl: {mechanism: scram-sha-512, username: u, password: p}}\n"+oneApp), "", env(nil))
	if err != nil {
		t.Fatal(err)
	}
	conn, err := cfg.Kafka.Connection(nil)
	if err != nil {
		t.Fatal(err)
	}
	if conn.ClientID != "c" || conn.TLS.ServerName != "kafka.internal" || conn.TLS.InsecureSkipVerify || conn.SASL.Name() != "SCRAM-SHA-512" {
		t.Errorf("%+v, TLS %+v", conn, conn.TLS)
	}
}
