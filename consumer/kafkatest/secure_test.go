package kafkatest_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestASecureBrokerLetsInWhoHasACertificate(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	cert, err := tls.LoadX509KeyPair(s.CertFile, s.KeyFile)
	if err != nil {
		t.Fatal(err)
	}
	with := trusting(t, s)
	with.Certificates = []tls.Certificate{cert}
	for rule, test := range map[string]struct {
		config *tls.Config
		in     bool
	}{
		"with the client's certificate": {with, true},
		"without a certificate":         {trusting(t, s), false},
		"not trusting the authority":    {&tls.Config{Certificates: with.Certificates}, false},
	} {
		t.Run(rule, func(t *testing.T) {
			if err := metadata(t, s.TLSAddrs, test.config, nil); (err == nil) != test.in {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func TestASecureBrokerLetsInWhoHasThePassword(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	for rule, test := range map[string]struct {
		mechanism sasl.Mechanism
		in        bool
	}{
		"PLAIN with the password":     {plain.Mechanism{Username: s.Username, Password: s.Password}, true},
		"PLAIN with another password": {plain.Mechanism{Username: s.Username, Password: "wrong"}, false},
		"no authentication":           {nil, false},

		"SCRAM-SHA-256 with the password":     {scramOf(t, scram.SHA256, s.Username, s.Password), true},
		"SCRAM-SHA-256 with another password": {scramOf(t, scram.SHA256, s.Username, "wrong"), false},
		"SCRAM-SHA-512 with the password":     {scramOf(t, scram.SHA512, s.Username, s.Password), true},
	} {
		t.Run(rule, func(t *testing.T) {
			if err := metadata(t, s.SASLAddrs, trusting(t, s), test.mechanism); (err == nil) != test.in {
				t.Errorf("got error %v", err)
			}
		})
	}
}

func scramOf(t *testing.T, hash scram.Algorithm, username, password string) sasl.Mechanism {
	t.Helper()
	mechanism, err := scram.Mechanism(hash, username, password)
	if err != nil {
		t.Fatal(err)
	}
	return mechanism
}

func metadata(t *testing.T, addrs []string, config *tls.Config, mechanism sasl.Mechanism) error {
	transport := &kafka.Transport{TLS: config, SASL: mechanism}
	defer transport.CloseIdleConnections()
	client := kafka.Client{Addr: kafka.TCP(addrs...), Transport: transport}
	_, err := client.Metadata(t.Context(), &kafka.MetadataRequest{})
	return err
}

func trusting(t *testing.T, s kafkatest.Secure) *tls.Config {
	t.Helper()
	ca, err := os.ReadFile(s.CAFile)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(ca)
	return &tls.Config{RootCAs: pool}
}
