package msdkclient

import (
	"crypto/x509"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// To trust an authority of one's own is not to give up the others.
func TestAuthoritiesAreAddedToTheSystems(t *testing.T) {
	t.Parallel()
	platform := httptest.NewTLSServer(http.NotFoundHandler())
	t.Cleanup(platform.Close)
	system, err := x509.SystemCertPool()
	if err != nil {
		t.Skip(err)
	}
	cfg, err := tlsConfig(authority(t, platform))
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
