package consumer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestMutualTLSLetsInWhoHasACertificate(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	own := consumer.TLSFiles{CA: s.CAFile, Cert: s.CertFile, Key: s.KeyFile}
	for rule, test := range map[string]struct {
		files  consumer.TLSFiles
		accept bool
	}{
		"with the client's certificate":         {own, true},
		"without a certificate":                 {consumer.TLSFiles{CA: s.CAFile}, false},
		"not trusting the authority":            {consumer.TLSFiles{Cert: s.CertFile, Key: s.KeyFile}, false},
		"by the certificate's other name":       {consumer.TLSFiles{CA: s.CAFile, Cert: s.CertFile, Key: s.KeyFile, ServerName: "localhost"}, true},
		"not by a name it does not have":        {consumer.TLSFiles{CA: s.CAFile, Cert: s.CertFile, Key: s.KeyFile, ServerName: "elsewhere"}, false},
		"unless the broker need not be trusted": {consumer.TLSFiles{Cert: s.CertFile, Key: s.KeyFile, InsecureSkipVerify: true}, true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			config, err := test.files.Load()
			if err != nil {
				t.Fatal(err)
			}
			err = canConnect(t, consumer.Connection{Brokers: s.TLSAddrs, TLS: config})
			if (err == nil) != test.accept {
				t.Errorf("got error %v", err)
			}
			if test.files.CA == "" && !test.files.InsecureSkipVerify && !errors.As(err, new(x509.UnknownAuthorityError)) {
				t.Errorf("the error %v does not say that the authority is unknown", err)
			}
		})
	}
}

// A tunnel has another name than the broker behind it.
func TestABrokerIsReachedByANameItsCertificateDoesNotHave(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	for name, in := range map[string]bool{"localhost": true, "": false} {
		config, err := consumer.TLSFiles{CA: s.CAFile, Cert: s.CertFile, Key: s.KeyFile, ServerName: name}.Load()
		if err != nil {
			t.Fatal(err)
		}
		conn := consumer.Connection{Brokers: []string{"tunnel.example:9093"}, TLS: config}
		conn.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == conn.Brokers[0] {
				address = s.TLSAddrs[0]
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
		if err := canConnect(t, conn); (err == nil) != in {
			t.Errorf("kafka-go's client with server name %q: %v", name, err)
		}
		opened, err := conn.Opener()(t.Context(), "tcp", conn.Brokers[0]) // for the group and franz-go
		if (err == nil) != in {
			t.Errorf("a connection with server name %q: %v", name, err)
		}
		if err == nil {
			opened.Close()
		}
	}
}

// otherAuthority trusts the client's certificate in place of the authority's.
func otherAuthority(t *testing.T, s kafkatest.Secure) *tls.Config {
	t.Helper()
	config, err := consumer.TLSFiles{CA: s.CertFile, Cert: s.CertFile, Key: s.KeyFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	return config
}

// canConnect asks with the client, which shares nothing with the consumer group but the settings.
func canConnect(t *testing.T, conn consumer.Connection) error {
	t.Helper()
	client := conn.Client()
	defer consumer.CloseClient(client)
	_, err := client.Metadata(t.Context(), &kafka.MetadataRequest{})
	return err
}

func TestTheConsumerGroupConnectsLikeTheClient(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	mutual, err := consumer.TLSFiles{CA: s.CAFile, Cert: s.CertFile, Key: s.KeyFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	server, err := consumer.TLSFiles{CA: s.CAFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	mechanism := func(name, password string) sasl.Mechanism {
		m, err := consumer.SASL(name, s.Username, password)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for rule, test := range map[string]struct {
		conn consumer.Connection
		say  string // what it says while it does not get in
	}{
		"mutual TLS":     {consumer.Connection{Brokers: s.TLSAddrs, TLS: mutual}, ""},
		"PLAIN":          {consumer.Connection{Brokers: s.SASLAddrs, TLS: server, SASL: mechanism("plain", s.Password)}, ""},
		"SCRAM-SHA-256":  {consumer.Connection{Brokers: s.SASLAddrs, TLS: server, SASL: mechanism("scram-sha-256", s.Password)}, ""},
		"SCRAM-SHA-512":  {consumer.Connection{Brokers: s.SASLAddrs, TLS: server, SASL: mechanism("scram-sha-512", s.Password)}, ""},
		"wrong password": {consumer.Connection{Brokers: s.SASLAddrs, TLS: server, SASL: mechanism("plain", "wrong")}, "connect to " + s.SASLAddrs[0] + ": "},
		"wrong CA":       {consumer.Connection{Brokers: s.TLSAddrs, TLS: otherAuthority(t, s)}, "certificate signed by unknown authority"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			var log journal
			c, err := consumer.New(consumer.Config{
				Connection: test.conn, Group: kafkatest.Name(t), Topics: []string{kafkatest.Name(t)}, Logger: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			joined := false
			go func() {
				defer cancel()
				for ctx.Err() == nil && (test.say == "" || log.count(test.say) == 0) {
					time.Sleep(10 * time.Millisecond)
					if test.say == "" && c.Joined() {
						return
					}
				}
			}()
			if err := c.Run(ctx, func(ctx context.Context, gen *consumer.Generation) {
				joined = true
				gen.Fetch(ctx, nil, nil)
			}); err != nil {
				t.Error(err)
			}
			if joined != (test.say == "") || log.count(test.say) == 0 {
				t.Errorf("joined: %v, log:\n%s", joined, log.text())
			}
		})
	}
}

func TestTLSFilesSayWhatIsWrongWithThem(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.pem")
	if err := os.WriteFile(text, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing.pem")
	for rule, test := range map[string]struct {
		files consumer.TLSFiles
		want  string
		is    error
	}{
		"no file of authorities":       {consumer.TLSFiles{CA: missing}, "read TLS authorities: open " + missing, fs.ErrNotExist},
		"no certificate in it":         {consumer.TLSFiles{CA: text}, "read TLS authorities: no PEM certificate in " + text, nil},
		"a certificate without a key":  {consumer.TLSFiles{Cert: text}, "read TLS certificate: certificate and key come together", nil},
		"a key without a certificate":  {consumer.TLSFiles{Key: text}, "read TLS certificate: certificate and key come together", nil},
		"no file of the certificate":   {consumer.TLSFiles{Cert: missing, Key: text}, "read TLS certificate " + missing + " and key " + text + ": open " + missing, fs.ErrNotExist},
		"a certificate that is no PEM": {consumer.TLSFiles{Cert: text, Key: text}, "read TLS certificate " + text + " and key " + text + ": ", nil},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			_, err := test.files.Load()
			if err == nil || !strings.HasPrefix(err.Error(), test.want) || (test.is != nil && !errors.Is(err, test.is)) {
				t.Errorf("got error %v, want %s", err, test.want)
			}
		})
	}
}
