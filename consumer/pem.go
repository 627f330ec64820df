package consumer

import (
	"bytes"
	"crypto/tls"
	"os"
)

// readPEM reads a file of PEM blocks. The byte order mark that an editor may have put before them is dropped: with it the
// first would be no block, and be passed over without a word.
func readPEM(path string) ([]byte, error) {
	text, err := os.ReadFile(path)
	return bytes.TrimPrefix(text, []byte("\ufeff")), err
}

// readPair reads a certificate, and those that lead from it to an authority, and its key.
func readPair(certPath, keyPath string) (tls.Certificate, error) {
	cert, err := readPEM(certPath)
	if err != nil {
		return tls.Certificate{}, err
	}
	key, err := readPEM(keyPath)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.X509KeyPair(cert, key)
}
