package consumer_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl/oauth"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
)

func always(token string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) { return token, nil }
}

// expiring is a JWT of no signature that ends then.
func expiring(at time.Time) string {
	part := base64.RawURLEncoding.EncodeToString
	return part([]byte(`{"alg":"none"}`)) + "." + part(fmt.Appendf(nil, `{"sub":"u","exp":%d}`, at.Unix())) + "."
}

func TestATokenIsToldAsRFC7628HasIt(t *testing.T) {
	t.Parallel()
	const token = "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg=="
	for want, extensions := range map[string]map[string]string{
		"n,,\x01auth=Bearer " + token + "\x01\x01":                         nil,
		"n,,\x01auth=Bearer " + token + "\x01host=h\x01port=143\x01\x01":   {"port": "143", "host": "h"},
		"n,,\x01auth=Bearer " + token + "\x01logicalCluster=lkc-1\x01\x01": {"logicalCluster": "lkc-1"},
	} {
		m, err := consumer.OAuthBearer(always(token), extensions)
		if err != nil {
			t.Fatal(err)
		}
		_, first, err := m.Start(t.Context())
		if err != nil || m.Name() != "OAUTHBEARER" || string(first) != want {
			t.Errorf("%s: %q, %v, want %q", m.Name(), first, err, want)
		}
		_, other, err := oauth.Auth{Token: token, Extensions: extensions}.AsMechanism().Authenticate(t.Context(), "")
		if err != nil || string(other) != string(first) {
			t.Errorf("franz-go says %q, %v, and we %q", other, err, first)
		}
	}
}

func TestExtensionsThatWouldBeReadOtherwiseAreRefused(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{"": "x", "a b": "x", "auth": "x", "a1": "x", "a": "", "b": "hunter2\x01auth=x", "c": "é"} {
		if _, err := consumer.OAuthBearer(always("t"), map[string]string{name: value}); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q=%q: %v", name, value, err)
		}
	}
}

func TestNoErrorShowsAToken(t *testing.T) {
	t.Parallel()
	const token = "hunter2"
	for _, odd := range []string{token + "\n", token + " x", token + "\x01", "", token + "é"} {
		m, _ := consumer.OAuthBearer(always(odd), map[string]string{"a": token})
		if _, _, err := m.Start(t.Context()); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("the token %q: %v", odd, err)
		}
		if text := fmt.Sprintf("%v %+v %#v", m, m, consumer.Connection{SASL: m}); strings.Contains(text, token) {
			t.Error(text)
		}
	}
	for _, challenge := range []string{`{"status":"` + token + "\u001b" + `"}`, token} {
		m, _ := consumer.OAuthBearer(always(token), nil)
		exchange, _, _ := m.Start(t.Context())
		if done, answer, err := exchange.Next(t.Context(), []byte(challenge)); done || string(answer) != "\x01" || err != nil {
			t.Errorf("%v, %q, %v", done, answer, err)
		}
		if _, _, err := exchange.Next(t.Context(), nil); err == nil || strings.Contains(err.Error(), token) {
			t.Errorf("a broker that goes on: %v", err)
		}
	}
}

func TestABrokerTakesATokenOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		token func() string
		want  string // of the refusal; empty: there is none
	}{
		"the one it knows":                           {func() string { return "good" }, ""},
		"another is not taken":                       {func() string { return "bad" }, "the broker refuses the token (invalid_token)"},
		"nor one that has expired":                   {func() string { return expiring(time.Now().Add(-time.Second)) }, "the broker refuses the token (invalid_token), which has expired at 1999-12-31T23:59:59Z"},
		"one that has not may be wrong all the same": {func() string { return expiring(time.Now().Add(time.Hour)) }, "the broker refuses the token (invalid_token)"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := kafkatest.StartVirtual(t)
				door := b.Doorman(time.Minute)
				door.Bearer = func(token string) bool { return token == "good" }
				m, err := consumer.OAuthBearer(always(test.token()), nil)
				if err != nil {
					t.Fatal(err)
				}
				conn, err := consumer.Connection{Brokers: b.Addrs(), Dial: door.Dial, SASL: m}.Opener()(t.Context(), "tcp", consumer.Bootstrap)
				if err == nil {
					_ = conn.Close()
				}
				var refused *consumer.TokenRefusedError
				switch {
				case test.want == "" && err != nil:
					t.Error(err)
				case test.want != "" && (!errors.As(err, &refused) || refused.Error() != test.want || !errors.Is(err, kerr.SaslAuthenticationFailed)):
					t.Errorf("%v, want %s", err, test.want)
				}
			})
		})
	}
}

// Kafka takes a token that is not signed, of whoever it names, where nobody has told it to take others; and its sessions
// end with theirs.
func TestKafkaTakesATokenForAsLongAsItIsGood(t *testing.T) {
	t.Parallel()
	if os.Getenv(kafkatest.BrokersVariable) == "" {
		t.Skip("needs a real cluster: the fake broker does not know OAUTHBEARER")
	}
	s := kafkatest.StartSecure(t)
	config, err := consumer.TLSFiles{CA: s.CAFile}.Load()
	if err != nil {
		t.Fatal(err)
	}
	for rule, test := range map[string]struct {
		token string
		want  string // of the refusal
	}{
		"one that is good":     {expiring(time.Now().Add(time.Hour)), ""},
		"one that has expired": {expiring(time.Now().Add(-time.Hour)), "the broker refuses the token (invalid_token), which has expired at "},
		"one that is no JWT":   {"hunter2", "the broker refuses the token (invalid_token)"},
	} {
		m, err := consumer.OAuthBearer(always(test.token), map[string]string{"logicalCluster": "l"})
		if err != nil {
			t.Fatal(err)
		}
		err = canConnect(t, consumer.Connection{Brokers: s.SASLAddrs, TLS: config, SASL: m})
		var refused *consumer.TokenRefusedError
		if is := errors.As(err, &refused); is != (test.want != "") || is && !strings.HasPrefix(refused.Error(), test.want) || !is && err != nil {
			t.Errorf("%s: %v, want %s", rule, err, test.want)
		}
	}
}

// A handshake that has no token is over, with the reason.
func TestWhyThereIsNoTokenIsTold(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := kafkatest.StartVirtual(t)
		door := b.Doorman(time.Minute)
		door.Bearer = func(string) bool { return true }
		gone := errors.New("nobody gives me one")
		m, _ := consumer.OAuthBearer(func(context.Context) (string, error) { return "", gone }, nil)
		_, err := consumer.Connection{Brokers: b.Addrs(), Dial: door.Dial, SASL: m}.Opener()(t.Context(), "tcp", consumer.Bootstrap)
		if !errors.Is(err, gone) {
			t.Error(err)
		}
	})
}
