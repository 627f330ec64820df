package msdkclient_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	. "github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestAPlatformOfAnAuthorityInTheFileIsTrusted(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}})
	t.Cleanup(sim.Close)
	platform := httptest.NewTLSServer(sim)
	t.Cleanup(platform.Close)
	c, err := New(Config{BaseURL: platform.URL, Timeout: 5 * time.Second, ContentType: "a/b", MaxConns: 1, CAFile: authority(t, platform)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.BattleReport(t.Context(), testApp, "o1", report); err != nil || sim.Ledger.Len() != 1 {
		t.Errorf("%v, %d reports taken", err, sim.Ledger.Len())
	}
}

// A platform of another authority takes the place of the first, and the file is changed before it or after it.
func TestACallTrustsTheAuthoritiesThatAreInTheFileOrElseTheLastThatWere(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		change func(t *testing.T, file string, other []byte)
		trusts string
	}{
		"it is as it was": {func(*testing.T, string, []byte) {}, "first"},
		"it is replaced":  {func(_ *testing.T, file string, other []byte) { os.WriteFile(file, other, 0o600) }, "second"},
		"it has one more": {func(t *testing.T, file string, other []byte) {
			os.WriteFile(file, append(read(t, file), other...), 0o600)
		}, "first second"},
		"another is renamed": {func(_ *testing.T, file string, other []byte) {
			os.WriteFile(file+"~", other, 0o600)
			os.Rename(file+"~", file)
		}, "second"},
		"it is removed":        {func(_ *testing.T, file string, _ []byte) { os.Remove(file) }, "first"},
		"it is emptied":        {func(_ *testing.T, file string, _ []byte) { os.Truncate(file, 0) }, "first"},
		"it is something else": {func(_ *testing.T, file string, _ []byte) { os.WriteFile(file, []byte("no certificate"), 0o600) }, "first"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			first, second := selfSigned(t), selfSigned(t)
			file := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(file, first.pem, 0o600); err != nil {
				t.Fatal(err)
			}
			sim := msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: testApp.ID, AppKey: testApp.Key}}, NoUserLimit: true})
			t.Cleanup(sim.Close)
			var shown atomic.Pointer[tls.Certificate]
			shown.Store(&first.pair)
			platform := httptest.NewUnstartedServer(sim)
			platform.Config.ErrorLog = log.New(io.Discard, "", 0)
			platform.TLS = &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return &tls.Config{Certificates: []tls.Certificate{*shown.Load()}}, nil
			}}
			platform.Config.SetKeepAlivesEnabled(false) // each call has a handshake
			platform.StartTLS()
			t.Cleanup(platform.Close)
			c, err := New(Config{BaseURL: platform.URL, Timeout: 5 * time.Second, ContentType: "a/b", MaxConns: 1, CAFile: file})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(c.Close)
			call := func() error { return c.BattleReport(t.Context(), testApp, "o1", report) }
			if err := call(); err != nil {
				t.Fatal(err)
			}
			test.change(t, file, second.pem)
			for name, authority := range map[string]*selfSignature{"first": first, "second": second} {
				shown.Store(&authority.pair)
				var failed *Error
				if err := call(); (err == nil) != strings.Contains(test.trusts, name) || err != nil && (!errors.As(err, &failed) || failed.Uncertain) {
					t.Errorf("the %s: %v", name, err)
				}
			}
			os.WriteFile(file, first.pem, 0o600)
			shown.Store(&first.pair)
			if err := call(); err != nil {
				t.Errorf("when all is as it was: %v", err)
			}
		})
	}
}

// What has been trusted no more is not used on a connection that is there already.
func TestConnectionsBeginAnewOnceTheAuthoritiesHaveChanged(t *testing.T) {
	t.Parallel()
	platform := selfSigned(t)
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, platform.pem, 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := New(Config{BaseURL: "https://msdk.example", Timeout: time.Second, ContentType: "a/b", MaxConns: 1, CAFile: file})
	if err != nil {
		t.Fatal(err)
	}
	before := c.Transport()
	if c.Transport() != before {
		t.Error("though nothing has changed")
	}
	if err := os.WriteFile(file, append(platform.pem, selfSigned(t).pem...), 0o600); err != nil {
		t.Fatal(err)
	}
	after := c.Transport()
	if after == before || c.Transport() != after {
		t.Error("they do not, or again and again")
	}
}

type selfSignature struct {
	pair tls.Certificate
	pem  []byte
}

// selfSigned is a certificate of a platform on this machine that is its own authority.
func selfSigned(t *testing.T) *selfSignature {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "platform"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return &selfSignature{tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})}
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// To trust an authority of one's own is not to give up the others.
func TestAuthoritiesAreAddedToTheSystems(t *testing.T) {
	t.Parallel()
	platform := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(platform.Close)
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Skip(err)
	}
	cfg, err := TLSConfig(authority(t, platform))
	if err != nil {
		t.Fatal(err)
	}
	system.AddCert(platform.Certificate())
	if !cfg.RootCAs.Equal(system) {
		t.Error("they are not those of the system and of the file")
	}
}

func TestAFileWithoutAuthoritiesIsRefused(t *testing.T) {
	t.Parallel()
	for rule, content := range map[string]string{
		"an empty one": "",
		"another text": "no certificate",
		"a key":        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			_, err := New(Config{BaseURL: "https://msdk.example", Timeout: time.Second, ContentType: "a/b", MaxConns: 1, CAFile: file})
			if err == nil || !strings.Contains(err.Error(), file) {
				t.Error(err)
			}
		})
	}
	_, err := New(Config{BaseURL: "https://msdk.example", Timeout: time.Second, ContentType: "a/b", MaxConns: 1, CAFile: "none.pem"})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("of a file that is not there: %v", err)
	}
}
