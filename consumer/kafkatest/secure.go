package kafkatest

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
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
		return startSecure(tb)
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

func startSecure(tb testing.TB) Secure {
	tb.Helper()
	dir := tb.TempDir()
	s := Secure{
		CAFile:   filepath.Join(dir, "ca.pem"),
		CertFile: filepath.Join(dir, "client.pem"),
		KeyFile:  filepath.Join(dir, "client.key"),
		Username: "battlereport",
		Password: "correct-horse",
	}
	authority := NewAuthority(tb, "test authority")
	authority.Write(tb, s.CAFile)
	authority.WriteKey(tb, s.authorityKey())
	client := authority.Issue(tb, "client", time.Hour)
	client.Write(tb, s.CertFile)
	client.WriteKey(tb, s.KeyFile)

	pool := x509.NewCertPool()
	pool.AddCert(authority.Leaf)
	server := tls.Config{Certificates: []tls.Certificate{authority.Issue(tb, "broker", time.Hour).TLS()}}
	mutual := server.Clone()
	mutual.ClientAuth, mutual.ClientCAs = tls.RequireAndVerifyClientCert, pool
	s.TLSAddrs = start(tb, []kfake.Opt{kfake.TLS(mutual)}).Addrs()
	s.SASLAddrs = start(tb, []kfake.Opt{
		kfake.TLS(&server), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", s.Username, s.Password),
		kfake.Superuser("SCRAM-SHA-256", s.Username, s.Password),
		kfake.Superuser("SCRAM-SHA-512", s.Username, s.Password),
	}).Addrs()
	return s
}

// authorityKey is where the key of the authority is, of brokers that this repository starts.
func (s Secure) authorityKey() string { return filepath.Join(filepath.Dir(s.CAFile), "ca.key") }

// Authority returns the authority in CAFile, for certificates beside the client's. It skips the test if its key is not
// beside it.
func (s Secure) Authority(tb testing.TB) Authority {
	tb.Helper()
	pair, err := tls.LoadX509KeyPair(s.CAFile, s.authorityKey())
	if errors.Is(err, fs.ErrNotExist) {
		tb.Skip("needs the key of the brokers' authority, " + s.authorityKey())
	}
	if err != nil {
		tb.Fatal(err)
	}
	return Authority{Certificate{pair.Leaf, pair.PrivateKey}}
}
