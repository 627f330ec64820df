package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// Secure says how to reach brokers that do not let anybody in. Their certificate names 127.0.0.1 and localhost.
type Secure struct {
	TLSAddrs  []string // TLS with a client certificate
	SASLAddrs []string // TLS and SASL: PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512

	CAFile            string // PEM; signed the certificates of brokers and client
	CertFile, KeyFile string // PEM; the client's

	Username, Password string // the same for every SASL mechanism
}

// StartSecure returns brokers that end with the test: the listeners of a real cluster, named by environment
// variables like [BrokersVariable], or else two fake clusters. They say nothing about topics: whether a client
// gets in is what there is to test. It skips the test when the environment names a real cluster without these.
func StartSecure(tb testing.TB) Secure {
	tb.Helper()
	if os.Getenv(BrokersVariable) == "" {
		s, err := startSecure(tb)
		if err != nil {
			tb.Fatal(err)
		}
		return s
	}
	variable := func(name string) string {
		value := os.Getenv("BATTLEREPORT_TEST_" + name)
		if value == "" {
			tb.Skip("needs BATTLEREPORT_TEST_" + name + ", since " + BrokersVariable + " names a real cluster")
		}
		return value
	}
	return Secure{
		TLSAddrs:  strings.Split(variable("TLS_BROKERS"), ","),
		SASLAddrs: strings.Split(variable("SASL_BROKERS"), ","),
		CAFile:    variable("TLS_CA_FILE"),
		CertFile:  variable("TLS_CERT_FILE"),
		KeyFile:   variable("TLS_KEY_FILE"),
		Username:  variable("SASL_USERNAME"),
		Password:  variable("SASL_PASSWORD"),
	}
}

func startSecure(tb testing.TB) (Secure, error) {
	dir := tb.TempDir()
	s := Secure{
		CAFile:   filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "client.pem"),
		KeyFile:  filepath.Join(dir, "client.key"),
		Username: "battlereport",
		Password: "correct-horse",
	}
	ca, err := newCertificate("test authority", nil)
	if err != nil {
		return Secure{}, err
	}
	broker, err := newCertificate("broker", &ca)
	if err != nil {
		return Secure{}, err
	}
	client, err := newCertificate("client", &ca)
	if err != nil {
		return Secure{}, err
	}
	if err := errors.Join(
		os.WriteFile(s.CAFile, ca.pem(), 0o600),
		os.WriteFile(s.CertFile, client.pem(), 0o600),
		client.writeKey(s.KeyFile),
	); err != nil {
		return Secure{}, fmt.Errorf("write the test's certificates: %w", err)
	}

	pool := x509.NewCertPool()
	pool.AddCert(ca.leaf)
	server := tls.Config{Certificates: []tls.Certificate{
		{Certificate: [][]byte{broker.leaf.Raw}, PrivateKey: broker.key},
	}}
	mutual := server.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, pool
	s.TLSAddrs = start(tb, []kfake.Opt{kfake.TLS(mutual)}).Addrs()
	s.SASLAddrs = start(tb, []kfake.Opt{
		kfake.TLS(&server), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", s.Username, s.Password),
		kfake.Superuser("SCRAM-SHA-256", s.Username, s.Password),
		kfake.Superuser("SCRAM-SHA-512", s.Username, s.Password),
	}).Addrs()
	return s, nil
}

// certificate is a certificate with its private key.
type certificate struct {
	leaf *x509.Certificate
	key  *ecdsa.PrivateKey
}

// newCertificate returns a certificate for this machine, good for an hour, that the authority has signed. Without
// an authority it returns one.
func newCertificate(name string, authority *certificate) (certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return certificate{}, fmt.Errorf("generate the key of the %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Minute),
		NotAfter:              time.Now().Add(time.Hour),
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		BasicConstraintsValid: true,
	}
	parent := certificate{template, key}
	if authority == nil {
		template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	} else {
		parent = *authority
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent.leaf, key.Public(), parent.key)
	if err != nil {
		return certificate{}, fmt.Errorf("sign the certificate of the %s: %w", name, err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return certificate{}, fmt.Errorf("parse the certificate of the %s: %w", name, err)
	}
	return certificate{leaf, key}, nil
}

func (c certificate) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.leaf.Raw})
}

func (c certificate) writeKey(path string) error {
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		return err
	}
	return os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}
