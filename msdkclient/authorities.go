package msdkclient

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
	"sync"
)

// authorities are those by which the platform is known, as their file has them now. They are safe for concurrent use.
type authorities struct {
	file string // empty: the system's alone, which do not change

	mu   sync.Mutex
	text []byte // of the file, whether it can be used or not
	cfg  *tls.Config
}

func newAuthorities(caFile string) (*authorities, error) {
	cfg, err := tlsConfig(caFile)
	return &authorities{file: caFile, cfg: cfg}, err
}

// tlsConfig is how the platform is known, and the same as before unless that has changed. A file that cannot be used now
// leaves what was.
func (a *authorities) tlsConfig() *tls.Config {
	var text []byte
	var err error
	if a.file != "" {
		text, err = os.ReadFile(a.file)
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil || bytes.Equal(text, a.text) {
		return a.cfg
	}
	a.text = text
	if cfg, err := tlsConfig(a.file); err == nil {
		a.cfg = cfg
	}
	return a.cfg
}

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
