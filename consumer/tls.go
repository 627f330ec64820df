package consumer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
)

// TLSFiles names the PEM files of a TLS connection.
type TLSFiles struct {
	CA                 string // authorities to trust; empty: the system's
	Cert, Key          string // this client's own, for mutual TLS; both or neither
	ServerName         string // whom the broker's certificate must name; empty: the host that is dialled
	InsecureSkipVerify bool   // do not verify the broker: for tests only
}

// Load reads the files into a TLS configuration (TLS 1.2 or newer), and has each handshake read them again: certificates
// are renewed while programs run. What cannot be used then, as in the moment between the renewal of a certificate and
// that of its key, does not count, and what was read before does. Nor does it where there is nothing to use yet: then the
// error says why.
//
// The configuration and its clones are safe for concurrent use. With a CA they verify the broker in VerifyConnection, and
// InsecureSkipVerify is set so that crypto/tls leaves it to them. A broker that is known by an IP address alone is refused
// but where [Connection.Opener] connects, or ServerName says which, since VerifyConnection is told of names only.
func (f TLSFiles) Load() (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: f.ServerName,
		InsecureSkipVerify: f.InsecureSkipVerify, //nolint:gosec // the operator's explicit choice
	}
	if f.CA != "" {
		authorities, err := latestOf(f.authorities)
		if err != nil {
			return nil, fmt.Errorf("read TLS authorities: %w", err)
		}
		if !f.InsecureSkipVerify {
			cfg.InsecureSkipVerify = true
			cfg.VerifyConnection = func(broker tls.ConnectionState) error {
				if broker.ServerName == "" {
					broker.ServerName = f.ServerName
				}
				return verify(broker, authorities.get())
			}
		}
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("read TLS certificate: certificate and key come together")
	}
	if f.Cert != "" {
		pair, err := latestOf(f.pair)
		if err != nil {
			return nil, fmt.Errorf("read TLS certificate %s and key %s: %w", f.Cert, f.Key, err)
		}
		cfg.GetClientCertificate = func(wanted *tls.CertificateRequestInfo) (*tls.Certificate, error) {
			own := pair.get()
			if wanted.SupportsCertificate(own) != nil {
				return new(tls.Certificate), nil // as with a fixed one: the broker says whether it can do without
			}
			return own, nil
		}
	}
	return cfg, nil
}

// FirstToExpire returns that of the certificate in Cert and those that lead from it to an authority which expires first;
// nil without Cert. The error says why the files cannot be used as they are now.
func (f TLSFiles) FirstToExpire() (*x509.Certificate, error) {
	if f.Cert == "" {
		return nil, nil
	}
	pair, err := f.pair()
	if err != nil {
		return nil, err
	}
	first := pair.Leaf
	for _, der := range pair.Certificate[1:] {
		if c, err := x509.ParseCertificate(der); err == nil && c.NotAfter.Before(first.NotAfter) {
			first = c
		}
	}
	return first, nil
}

func (f TLSFiles) authorities() (*x509.CertPool, error) {
	pem, err := readPEM(f.CA)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("no PEM certificate in %s", f.CA)
	}
	return pool, nil
}

func (f TLSFiles) pair() (*tls.Certificate, error) {
	pair, err := readPair(f.Cert, f.Key)
	return &pair, err
}

// latest is what was last read of files that change. It is safe for concurrent use.
type latest[T any] struct {
	read func() (*T, error)
	last atomic.Pointer[T]
}

func latestOf[T any](read func() (*T, error)) (*latest[T], error) {
	first, err := read()
	if err != nil {
		return nil, err
	}
	l := &latest[T]{read: read}
	l.last.Store(first)
	return l, nil
}

// get reads the files again. Where that fails it returns what was.
func (l *latest[T]) get() *T {
	if now, err := l.read(); err == nil {
		l.last.Store(now)
	}
	return l.last.Load()
}

// Alert returns the alert with which the other side has ended a TLS handshake, if that is what befell it, and else nil.
// crypto/tls has no type for it but over QUIC: what tells is the operation that failed.
func Alert(err error) error {
	if op := new(net.OpError); errors.As(err, &op) && op.Op == "remote error" {
		return op.Err
	}
	return nil
}

var errNoName = errors.New("the broker is known by an address alone")

// verify does what crypto/tls does of itself where authorities do not change.
func verify(broker tls.ConnectionState, authorities *x509.CertPool) error {
	chain := broker.PeerCertificates
	failed := func(err error) error {
		return &tls.CertificateVerificationError{UnverifiedCertificates: chain, Err: err}
	}
	if broker.ServerName == "" { // for which Verify would take any name
		return failed(errNoName)
	}
	intermediates := x509.NewCertPool()
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: broker.ServerName, Roots: authorities, Intermediates: intermediates}); err != nil {
		return failed(err)
	}
	return nil
}

// named is cfg with a VerifyConnection that is told of ServerName, whatever that is: crypto/tls tells it what was
// indicated to the server, which addresses are not (RFC 6066, 3).
func named(cfg *tls.Config) *tls.Config {
	if cfg.VerifyConnection == nil {
		return cfg
	}
	cfg, verify := cfg.Clone(), cfg.VerifyConnection
	name := cfg.ServerName
	cfg.VerifyConnection = func(server tls.ConnectionState) error {
		server.ServerName = name
		return verify(server)
	}
	return cfg
}
