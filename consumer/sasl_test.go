package consumer_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func TestSASLLetsInWhoHasThePassword(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	config, err := consumer.TLSFiles{CA: s.CAFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		for rule, test := range map[string]struct {
			password string
			accept   bool
		}{
			"with the password":     {s.Password, true},
			"with another password": {"wrong", false},
		} {
			t.Run(mechanism+" "+rule, func(t *testing.T) {
				t.Parallel()
				m, err := consumer.SASL(mechanism, s.Username, test.password)
				if err != nil {
					t.Fatal(err)
				}
				err = canConnect(t, consumer.Connection{Brokers: s.SASLAddrs, TLS: config, SASL: m})
				if test.accept && err != nil {
					t.Error(err)
				}
				if !test.accept && !errors.Is(err, kerr.SaslAuthenticationFailed) && !errors.Is(err, consumer.ErrHungUp) { // the fake broker hangs up
					t.Errorf("got error %v", err)
				}
				if err != nil && strings.Contains(err.Error(), test.password) {
					t.Errorf("the error %v shows the password", err)
				}
			})
		}
	}
}

func TestAnUnknownSASLMechanismIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := consumer.SASL("gssapi", "u", "secret"); err == nil || err.Error() != `SASL mechanism "gssapi": want none, plain, scram-sha-256 or scram-sha-512` {
		t.Errorf("got error %v", err)
	}
	for _, none := range []string{"", "none"} {
		if m, err := consumer.SASL(none, "", ""); m != nil || err != nil {
			t.Errorf("%q gives %v, error %v", none, m, err)
		}
	}
}

func TestNoErrorOfAMechanismShowsThePassword(t *testing.T) {
	t.Parallel()
	const password = "hunter2"
	for _, mechanism := range []string{"scram-sha-256", "scram-sha-512"} {
		for text, flaw := range map[string]string{
			password + "\n":     "has a character at byte 8 that SCRAM does not allow (RFC 4013)",
			"\x00" + password:   "has a character at byte 1 that SCRAM does not allow (RFC 4013)",
			password + "\ue000": "has a character at byte 8 that SCRAM does not allow (RFC 4013)",
			password + "سر":     "mixes characters written from the left and from the right, which SCRAM does not allow (RFC 4013)",
		} {
			_, err := consumer.SASL(mechanism, "u", text)
			var unfit *consumer.CredentialError
			if !errors.As(err, &unfit) || err.Error() != "the password "+flaw {
				t.Errorf("%s with the password %q: %v", mechanism, text, err)
			}
			if _, err := consumer.SASL(mechanism, text, password); err == nil || err.Error() != "the username "+flaw {
				t.Errorf("%s with the username %q: %v", mechanism, text, err)
			}
		}
		m, err := consumer.SASL(mechanism, "u", password)
		if err != nil {
			t.Fatal(err)
		}
		exchange, _, err := m.Start(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, answer, err := exchange.Next(t.Context(), []byte("r="+password+",s=,i=1"))
		if want := m.Name() + ": the broker did not prove that it knows the password"; err == nil || err.Error() != want || answer != nil {
			t.Errorf("an odd answer: %q, %v", answer, err)
		}
	}
	for _, mechanism := range []string{"plain", "scram-sha-256", "scram-sha-512"} {
		m, err := consumer.SASL(mechanism, "u", password)
		if err != nil {
			t.Fatal(err)
		}
		conn := consumer.Connection{SASL: m}
		if text := fmt.Sprintf("%v %+v %#v %s %d", conn, conn, conn, m, m); strings.Contains(text, password) || strings.Contains(text, "104, 117") {
			t.Errorf("printed: %s", text)
		}
	}
}
