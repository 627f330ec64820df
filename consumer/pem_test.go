package consumer_test

import (
	"bytes"
	"crypto/tls"
	"os"
	"path/filepath"
	"slices"
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
	plain, err := consumer.TLSFiles{CA: s.CAFile, Cert: s.CertFile, Key: s.KeyFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	got, err := consumer.TLSFiles{CA: marked(s.CAFile), Cert: marked(s.CertFile), Key: marked(s.KeyFile)}.Load()
	if err != nil || !got.RootCAs.Equal(plain.RootCAs) || !slices.EqualFunc(got.Certificates, plain.Certificates, func(a, b tls.Certificate) bool {
		return slices.EqualFunc(a.Certificate, b.Certificate, bytes.Equal)
	}) {
		t.Errorf("%v, error %v", got, err)
	}
}
