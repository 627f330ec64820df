package consumer_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// wire is a connection of the operating system's, by both its ends. Over net.Pipe both sides of a handshake that fails
// may wait with what they write for the other to read.
func wire(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if ours, err = net.Dial("tcp", l.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = l.Accept(); err != nil {
		t.Fatal(err)
	}
	return ours, theirs
}

// opens connects to a broker at the address, which is who the certificates say, and returns the connection and whom the
// broker has seen; nil: nobody who has a certificate.
func opens(t *testing.T, config *tls.Config, address string, broker ...kafkatest.Certificate) (conn net.Conn, seen *x509.Certificate, err error) {
	t.Helper()
	chain := broker[0].TLS()
	for _, c := range broker[1:] {
		chain.Certificate = append(chain.Certificate, c.Leaf.Raw)
	}
	ours, theirs := wire(t)
	server := tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{chain}, ClientAuth: tls.RequestClientCert, SessionTicketsDisabled: true})
	done := make(chan struct{})
	go func() {
		defer close(done)
		if server.Handshake() == nil {
			if chain := server.ConnectionState().PeerCertificates; len(chain) > 0 {
				seen = chain[0]
			}
			go func() {
				defer theirs.Close()
				if _, err := server.Read(make([]byte, 1<<10)); err == nil {
					_, _ = server.Write([]byte(speaksNothing))
					_, _ = server.Read(make([]byte, 1))
				}
			}()
		}
	}()
	conn, err = consumer.Connection{TLS: config, Dial: func(context.Context, string, string) (net.Conn, error) { return ours, nil }}.
		Opener()(t.Context(), "tcp", address)
	if err == nil {
		t.Cleanup(func() { conn.Close() })
	}
	<-done
	return conn, seen, err
}

func TestAHandshakeShowsTheCertificateThatIsInTheFilesOrElseTheLastThatWas(t *testing.T) {
	t.Parallel()
	authority := kafkatest.NewAuthority(t, "authority")
	broker := authority.Issue(t, "broker", time.Hour)
	old, renewed := authority.Issue(t, "old", time.Hour), authority.Issue(t, "new", time.Hour)
	for rule, test := range map[string]struct {
		change func(t *testing.T, cert, key string)
		want   kafkatest.Certificate
	}{
		"they are as they were":                {func(*testing.T, string, string) {}, old},
		"both are renewed":                     {func(t *testing.T, cert, key string) { renewed.Write(t, cert); renewed.WriteKey(t, key) }, renewed},
		"the certificate, and not yet its key": {func(t *testing.T, cert, _ string) { renewed.Write(t, cert) }, old},
		"the key, and not yet its certificate": {func(t *testing.T, _, key string) { renewed.WriteKey(t, key) }, old},
		"the certificate is removed":           {func(t *testing.T, cert, _ string) { os.Remove(cert) }, old},
		"the key is removed":                   {func(t *testing.T, _, key string) { os.Remove(key) }, old},
		"one is emptied":                       {func(t *testing.T, cert, _ string) { os.Truncate(cert, 0) }, old},
		"one is cut off":                       {func(t *testing.T, cert, _ string) { renewed.Write(t, cert); os.Truncate(cert, 100) }, old},
		"one has become a directory":           {func(t *testing.T, cert, _ string) { os.Remove(cert); os.Mkdir(cert, 0o700) }, old},
		"others are renamed into their place": {func(t *testing.T, cert, key string) {
			renewed.Write(t, cert+".new")
			renewed.WriteKey(t, key+".new")
			os.Rename(cert+".new", cert)
			os.Rename(key+".new", key)
		}, renewed},
		"they are links that lead elsewhere": {func(t *testing.T, cert, key string) {
			dir := t.TempDir()
			renewed.Write(t, filepath.Join(dir, "cert"))
			renewed.WriteKey(t, filepath.Join(dir, "key"))
			os.Remove(cert)
			os.Remove(key)
			os.Symlink(filepath.Join(dir, "cert"), cert)
			os.Symlink(filepath.Join(dir, "key"), key)
		}, renewed},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cert, key := filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
			old.Write(t, cert)
			old.WriteKey(t, key)
			config, err := consumer.TLSFiles{Cert: cert, Key: key, InsecureSkipVerify: true}.Load()
			if err != nil {
				t.Fatal(err)
			}
			shows := func(want kafkatest.Certificate) {
				t.Helper()
				if _, seen, err := opens(t, config.Clone(), "localhost:1", broker); err != nil || !seen.Equal(want.Leaf) {
					t.Errorf("it shows %v, %v", seen, err)
				}
			}
			test.change(t, cert, key)
			shows(test.want)
			os.Remove(cert) // which is not so with all that they may have become
			renewed.Write(t, cert)
			renewed.WriteKey(t, key)
			shows(renewed)
		})
	}
}

// A broker that only asks for a certificate would refuse one of an authority that it does not know.
func TestACertificateIsNotShownToWhoWantsOneOfAnother(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	other := kafkatest.NewAuthority(t, "other").Issue(t, "client", time.Hour)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
	other.Write(t, cert)
	other.WriteKey(t, key)
	config, err := consumer.TLSFiles{CA: s.CAFile, Cert: cert, Key: key}.Load()
	if err != nil {
		t.Fatal(err)
	}
	request := &tls.CertificateRequestInfo{AcceptableCAs: [][]byte{s.Authority(t).Leaf.RawSubject}, SignatureSchemes: []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256}, Version: tls.VersionTLS13}
	if shown, err := config.GetClientCertificate(request); err != nil || len(shown.Certificate) > 0 {
		t.Errorf("%v, %v", shown, err)
	}
}

func TestAHandshakeTrustsTheAuthoritiesThatAreInTheFileOrElseTheLastThatWere(t *testing.T) {
	t.Parallel()
	old, renewed := kafkatest.NewAuthority(t, "old"), kafkatest.NewAuthority(t, "new")
	brokers := map[string]kafkatest.Certificate{"old": old.Issue(t, "broker", time.Hour), "new": renewed.Issue(t, "broker", time.Hour)}
	both := filepath.Join(t.TempDir(), "both.pem")
	renewed.Write(t, both)
	old.Write(t, both+".old")
	one, err := os.ReadFile(both)
	if err != nil {
		t.Fatal(err)
	}
	two, err := os.ReadFile(both + ".old")
	if err != nil {
		t.Fatal(err)
	}
	for rule, test := range map[string]struct {
		change func(t *testing.T, file string)
		trusts map[string]bool
	}{
		"it is as it was":      {func(*testing.T, string) {}, map[string]bool{"old": true}},
		"it is replaced":       {func(t *testing.T, file string) { renewed.Write(t, file) }, map[string]bool{"new": true}},
		"it has one more":      {func(t *testing.T, file string) { os.WriteFile(file, append(one, two...), 0o600) }, map[string]bool{"old": true, "new": true}},
		"it is removed":        {func(t *testing.T, file string) { os.Remove(file) }, map[string]bool{"old": true}},
		"it is emptied":        {func(t *testing.T, file string) { os.Truncate(file, 0) }, map[string]bool{"old": true}},
		"it is something else": {func(t *testing.T, file string) { old.WriteKey(t, file) }, map[string]bool{"old": true}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "ca.pem")
			old.Write(t, file)
			config, err := consumer.TLSFiles{CA: file}.Load()
			if err != nil {
				t.Fatal(err)
			}
			before, _, err := opens(t, config, "127.0.0.1:1", brokers["old"])
			if err != nil {
				t.Fatal(err)
			}
			test.change(t, file)
			for name, broker := range brokers {
				_, _, err := opens(t, config.Clone(), "127.0.0.1:1", broker)
				if (err == nil) != test.trusts[name] {
					t.Errorf("that of the %s authority: %v", name, err)
				}
				if failed := new(tls.CertificateVerificationError); err != nil && (!errors.As(err, &failed) || !errors.As(err, new(x509.UnknownAuthorityError)) || len(failed.UnverifiedCertificates) != 1) {
					t.Errorf("the error is %#v", err)
				}
			}
			if _, err := before.Write([]byte("x")); err != nil {
				t.Errorf("a connection that was there: %v", err)
			}
		})
	}
}

// That the authorities may change takes nothing from what is verified.
func TestABrokerIsVerifiedByItsChainItsNameAndItsTime(t *testing.T) {
	t.Parallel()
	authority := kafkatest.NewAuthority(t, "authority")
	file := filepath.Join(t.TempDir(), "ca.pem")
	authority.Write(t, file)
	below := authority.Below(t, "below")
	good := authority.Issue(t, "broker", time.Hour)
	for rule, test := range map[string]struct {
		name, address string
		broker        []kafkatest.Certificate
		want          any // the type of the error
	}{
		"by the name that is dialled":             {"", "localhost:1", []kafkatest.Certificate{good}, nil},
		"by the address that is dialled":          {"", "127.0.0.1:1", []kafkatest.Certificate{good}, nil},
		"not by another name":                     {"", "elsewhere:1", []kafkatest.Certificate{good}, new(x509.HostnameError)},
		"not by another address":                  {"", "127.0.0.2:1", []kafkatest.Certificate{good}, new(x509.HostnameError)},
		"nor by one of IPv6":                      {"", "[::1]:1", []kafkatest.Certificate{good}, new(x509.HostnameError)},
		"by the name that is set":                 {"localhost", "elsewhere:1", []kafkatest.Certificate{good}, nil},
		"by the address that is set":              {"127.0.0.1", "elsewhere:1", []kafkatest.Certificate{good}, nil},
		"not by another that is set":              {"127.0.0.2", "127.0.0.1:1", []kafkatest.Certificate{good}, new(x509.HostnameError)},
		"with those between it and the authority": {"", "localhost:1", []kafkatest.Certificate{below.Issue(t, "broker", time.Hour), below.Certificate}, nil},
		"not without these":                       {"", "localhost:1", []kafkatest.Certificate{below.Issue(t, "broker", time.Hour)}, new(x509.UnknownAuthorityError)},
		"not when it has expired":                 {"", "localhost:1", []kafkatest.Certificate{authority.Issue(t, "broker", -time.Second)}, new(x509.CertificateInvalidError)},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			config, err := consumer.TLSFiles{CA: file, ServerName: test.name}.Load()
			if err != nil {
				t.Fatal(err)
			}
			_, _, err = opens(t, config, test.address, test.broker...)
			if (err == nil) != (test.want == nil) {
				t.Fatal(err)
			}
			if err != nil && (!errors.As(err, test.want) || !errors.As(err, new(*tls.CertificateVerificationError)) || !errors.Is(err, consumer.ErrHandshake)) {
				t.Errorf("the error is %#v", err)
			}
		})
	}
}

// A clone that is used without an Opener is not told which address it connects to.
func TestABrokerWhoseNameIsNotKnownIsRefused(t *testing.T) {
	t.Parallel()
	authority := kafkatest.NewAuthority(t, "authority")
	file := filepath.Join(t.TempDir(), "ca.pem")
	authority.Write(t, file)
	for name, want := range map[struct{ set, dialled string }]bool{
		{"", ""}: false, {"", "127.0.0.1"}: false, {"", "localhost"}: true, {"", "elsewhere"}: false,
		{"127.0.0.1", "127.0.0.1"}: true, {"127.0.0.2", "127.0.0.2"}: false, {"localhost", "localhost"}: true,
	} {
		config, err := consumer.TLSFiles{CA: file, ServerName: name.set}.Load()
		if err != nil {
			t.Fatal(err)
		}
		config = config.Clone()
		config.ServerName = name.dialled
		ours, theirs := wire(t)
		done := make(chan struct{})
		go func() {
			defer close(done)
			_ = tls.Server(theirs, &tls.Config{Certificates: []tls.Certificate{authority.Issue(t, "broker", time.Hour).TLS()}, SessionTicketsDisabled: true}).Handshake()
			theirs.Close()
		}()
		if err := tls.Client(ours, config).Handshake(); (err == nil) != want {
			t.Errorf("by the name %v: %v", name, err)
		}
		ours.Close()
		<-done
	}
}

func TestTheFirstToExpireOfAChainIsKnown(t *testing.T) {
	t.Parallel()
	authority := kafkatest.NewAuthority(t, "authority")
	below := authority.Below(t, "below") // for an hour
	dir := t.TempDir()
	files := consumer.TLSFiles{Cert: filepath.Join(dir, "cert"), Key: filepath.Join(dir, "key")}
	for life, want := range map[time.Duration]string{time.Minute: "client", 2 * time.Hour: "below", -time.Second: "client"} {
		client := below.Issue(t, "client", life)
		client.Write(t, files.Cert)
		client.WriteKey(t, files.Key)
		below.Write(t, filepath.Join(dir, "below"))
		chain, err := os.ReadFile(filepath.Join(dir, "below"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := os.OpenFile(files.Cert, os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write(chain); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if c, err := files.FirstToExpire(); err != nil || c.Subject.CommonName != want {
			t.Errorf("of one that is good for %v: %v, %v", life, c, err)
		}
	}
	if c, err := (consumer.TLSFiles{}).FirstToExpire(); c != nil || err != nil {
		t.Errorf("without one: %v, %v", c, err)
	}
	os.Remove(files.Key)
	if _, err := files.FirstToExpire(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("without its key: %v", err)
	}
}
