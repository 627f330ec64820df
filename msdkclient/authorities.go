package msdkclient

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// tlsConfig is how the platform is known over TLS: by the system's authorities and, if there is a caFile, by those in it.
func tlsConfig(caFile string) (*tls.Config, error) {
	cfg := &tls.Config{MinVersion: tls.VersionTLS12}
	if caFile == "" {
		return cfg, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read authorities of msdk: %w", err)
	}
	if cfg.RootCAs, err = x509.SystemCertPool(); err != nil {
		return nil, fmt.Errorf("read the system's authorities: %w", err)
	}
	pem = bytes.TrimPrefix(pem, []byte("\ufeff")) // of an editor: the first certificate would be passed over
	if !cfg.RootCAs.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("read authorities of msdk: no PEM certificate in %s", caFile)
	}
	return cfg, nil
}
