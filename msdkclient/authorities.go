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
	if a.file == "" {
		return a.cfg
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	text, err := os.ReadFile(a.file) // one after the other: what was read last counts
	if err != nil || bytes.Equal(text, a.text) {
		return a.cfg
	}
	a.text = text
	if cfg, err := trusting(text, a.file); err == nil {
		a.cfg = cfg
	}
	return a.cfg
}

// tlsConfig is how the platform is known over TLS: by the system's authorities and, if there is a caFile, by those in it.
func tlsConfig(caFile string) (*tls.Config, error) {
	if caFile == "" {
		return &tls.Config{MinVersion: tls.VersionTLS12}, nil
	}
	text, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("read authorities of msdk: %w", err)
	}
	return trusting(text, caFile)
}

// trusting knows the platform by the system's authorities and those in the text of a file.
func trusting(text []byte, file string) (*tls.Config, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("read the system's authorities: %w", err)
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // of an editor: the first certificate would be passed over
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("read authorities of msdk: no PEM certificate in %s", file)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}
