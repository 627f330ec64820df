package consumer_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestAByteOrderMarkBeforePEMIsDropped(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	marked := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(t.TempDir(), filepath.Base(path))
		if err := os.WriteFile(path, append([]byte("\ufeff"), text...), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	config, err := consumer.TLSFiles{CA: marked(s.CAFile), Cert: marked(s.CertFile), Key: marked(s.KeyFile)}.Load()
	if err != nil {
		t.Fatal(err)
	}
	if err := canConnect(t, consumer.Connection{Brokers: s.TLSAddrs, TLS: config}); err != nil {
		t.Error(err)
	}
}
