package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestAFileThatCannotBeUsedAnyMoreSaysWhyAndNotWhatItHolds(t *testing.T) {
	t.Parallel()
	for key, test := range map[string]struct {
		name string            // of the file that changes
		bad  map[string]string // what it may become, and what is said of it
	}{
		"kafka.tls.ca_file": {"ca.pem", map[string]string{"hunter2": "no PEM certificate", "": "no PEM certificate"}},
		"kafka.tls.cert_file, key_file": {"client.key", map[string]string{
			"hunter2": "find any PEM data",
			"-----BEGIN PRIVATE KEY-----\naHVudGVyMg==\n-----END PRIVATE KEY-----\n": "parse private key",
		}},
		"kafka.sasl.password_file": {"password", map[string]string{"hunter2\t": "ends in white space", "hunter2\ue000": "SCRAM does not allow", "": "1 byte to 64KiB"}},
		"msdk.ca_file":             {"gateway.pem", map[string]string{"hunter2": "PEM file with at least one certificate"}},
		"apps[1].appkey_file":      {"key", map[string]string{"hunter2 ": "ends in white space", "hunter2é": "not ASCII"}},
	} {
		t.Run(key, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			authority := kafkatest.NewAuthority(t, "authority")
			client := authority.Issue(t, "client", time.Hour)
			authority.Write(t, filepath.Join(dir, "ca.pem"))
			authority.Write(t, filepath.Join(dir, "gateway.pem"))
			client.Write(t, filepath.Join(dir, "client.pem"))
			client.WriteKey(t, filepath.Join(dir, "client.key"))
			write(t, dir, "password", "p")
			write(t, dir, "key", "k")
			cfg, err := config.Parse([]byte(`
kafka:
  tls: {enabled: true, ca_file: ca.pem, cert_file: client.pem, key_file: client.key}
  sasl: {mechanism: scram-sha-256, username: u, password_file: password}
msdk: {ca_file: gateway.pem}
apps: [{appid: wx1, appkey: k, topics: [a]}, {appid: wx2, appkey_file: key, topics: [b]}]
`), dir, env(nil))
			if err != nil {
				t.Fatal(err)
			}
			path := filepath.Join(dir, test.name)
			good, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			check := func() (wrong string) {
				for _, f := range cfg.Files() {
					err := f.Check()
					if err != nil && f.Key != key {
						t.Errorf("%s: %v", f.Key, err)
					}
					if err != nil {
						wrong = err.Error()
					}
				}
				return wrong
			}
			if wrong := check(); wrong != "" || len(cfg.Files()) != 5 {
				t.Fatalf("of %d files: %s", len(cfg.Files()), wrong)
			}
			for content, want := range test.bad {
				write(t, dir, test.name, content)
				if wrong := check(); !strings.Contains(wrong, want) || strings.Contains(wrong, "hunter2") || strings.Contains(wrong, "aHVudGVyMg") {
					t.Errorf("%q: %s", content, wrong)
				}
			}
			os.Remove(path)
			if wrong := check(); !strings.Contains(wrong, "no such file") || !strings.Contains(wrong, path) {
				t.Errorf("removed: %s", wrong)
			}
			write(t, dir, test.name, string(good))
			if wrong := check(); wrong != "" {
				t.Errorf("well again: %s", wrong)
			}
		})
	}
}
