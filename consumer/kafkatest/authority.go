package kafkatest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"testing"
	"time"
)

// An Authority signs certificates.
type Authority struct{ Certificate }

// A Certificate is one with its private key. It names this machine: 127.0.0.1 and localhost.
type Certificate struct {
	Leaf *x509.Certificate
	key  any
}

// NewAuthority returns an authority of that name, whose own certificate is good for an hour.
func NewAuthority(tb testing.TB, name string) Authority {
	tb.Helper()
	return Authority{sign(tb, authorized(name), nil)}
}

// Below returns an authority that is one since this one says so.
func (a Authority) Below(tb testing.TB, name string) Authority {
	tb.Helper()
	return Authority{sign(tb, authorized(name), &a.Certificate)}
}

func authorized(name string) *x509.Certificate {
	c := template(name, time.Hour)
	c.IsCA, c.KeyUsage = true, x509.KeyUsageCertSign
	return c
}

// Issue returns a new certificate that is good from a minute ago until life from now.
func (a Authority) Issue(tb testing.TB, name string, life time.Duration) Certificate {
	tb.Helper()
	return sign(tb, template(name, life), &a.Certificate)
}

func template(name string, life time.Duration) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(life),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true,
	}
}

// sign signs a certificate with the authority's key; without an authority, with its own.
func sign(tb testing.TB, c *x509.Certificate, authority *Certificate) Certificate {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	if authority == nil {
		authority = &Certificate{c, key}
	}
	der, err := x509.CreateCertificate(rand.Reader, c, authority.Leaf, key.Public(), authority.key)
	if err != nil {
		tb.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return Certificate{leaf, key}
}

// TLS is the certificate as package tls has it.
func (c Certificate) TLS() tls.Certificate {
	return tls.Certificate{Certificate: [][]byte{c.Leaf.Raw}, PrivateKey: c.key}
}

// Write writes the certificate to a PEM file.
func (c Certificate) Write(tb testing.TB, file string) {
	tb.Helper()
	writePEM(tb, file, "CERTIFICATE", c.Leaf.Raw)
}

// WriteKey writes the key to a PEM file.
func (c Certificate) WriteKey(tb testing.TB, file string) {
	tb.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(c.key)
	if err != nil {
		tb.Fatal(err)
	}
	writePEM(tb, file, "PRIVATE KEY", der)
}

func writePEM(tb testing.TB, file, kind string, der []byte) {
	tb.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		tb.Fatal(err)
	}
}
