package consumer

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
)

// TLSFiles names the PEM files of a TLS connection.
type TLSFiles struct {
	CA                 string // authorities to trust; empty: the system's
	Cert, Key          string // this client's own, for mutual TLS; both or neither
	ServerName         string // whom the broker's certificate must name; empty: the host that is dialled
	InsecureSkipVerify bool   // do not verify the broker: for tests only
}

// Load reads the files into a TLS configuration (TLS 1.2 or newer).
func (f TLSFiles) Load() (*tls.Config, error) {
	cfg := &tls.Config{
		MinVersion: tls.VersionTLS12, ServerName: f.ServerName,
		InsecureSkipVerify: f.InsecureSkipVerify, //nolint:gosec // the operator's explicit choice
	}
	if f.CA != "" {
		pem, err := readPEM(f.CA)
		if err != nil {
			return nil, fmt.Errorf("read TLS authorities: %w", err)
		}
		cfg.RootCAs = x509.NewCertPool()
		if !cfg.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read TLS authorities: no PEM certificate in %s", f.CA)
		}
	}
	if (f.Cert == "") != (f.Key == "") {
		return nil, errors.New("read TLS certificate: certificate and key come together")
	}
	if f.Cert != "" {
		pair, err := readPair(f.Cert, f.Key)
		if err != nil {
			return nil, fmt.Errorf("read TLS certificate %s and key %s: %w", f.Cert, f.Key, err)
		}
		cfg.Certificates = []tls.Certificate{pair}
	}
	return cfg, nil
}
