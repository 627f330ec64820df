package consumer

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/kerr"
)

var (
	bearerToken    = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)                 // b64token of RFC 6750
	extensionName  = regexp.MustCompile(`^[A-Za-z]+$`)                            // key of RFC 7628, 3.1
	extensionValue = regexp.MustCompile("^[\\x21-\\x7e \t\r\n]+$")                // value of the same
	refusalStatus  = regexp.MustCompile(`^[\x20-\x21\x23-\x5b\x5d-\x7e]{1,64}\z`) // of RFC 6750, 3.1
)

// IsBearerToken tells whether a text can be a token of OAUTHBEARER.
func IsBearerToken(text string) bool { return bearerToken.MatchString(text) }

// OAuthBearer returns the SASL mechanism OAUTHBEARER (RFC 7628). Each handshake asks
// token for one, with a context that ends with it: an error of its is that of the
// handshake, and must not show a token. The extensions are told to the broker beside
// it, as some want them (KIP-342): names of letters, but auth, with values of
// printable ASCII. No error shows a token or an extension's value. It is safe for
// concurrent use if token is.
func OAuthBearer(token func(context.Context) (string, error), extensions map[string]string) (sasl.Mechanism, error) {
	for name, value := range extensions {
		switch {
		case !extensionName.MatchString(name) || name == "auth":
			return nil, fmt.Errorf("SASL extension %q: want a name of letters, and another than auth", name)
		case !extensionValue.MatchString(value):
			return nil, fmt.Errorf("SASL extension %s: want a value of printable ASCII", name)
		}
	}
	return &bearer{token, maps.Clone(extensions)}, nil
}

type bearer struct {
	token      func(context.Context) (string, error)
	extensions map[string]string
}

func (*bearer) Name() string { return "OAUTHBEARER" }

// Format writes the name alone: package fmt would show the extensions.
func (b *bearer) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(b.Name())) }

func (b *bearer) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := b.token(ctx)
	if err != nil {
		return nil, nil, err
	}
	if !IsBearerToken(token) {
		return nil, nil, errors.New("OAUTHBEARER: what should be a token is none (RFC 6750)")
	}
	const separator = "\x01"
	first := bytes.NewBufferString("n,," + separator + "auth=Bearer " + token + separator)
	for _, name := range slices.Sorted(maps.Keys(b.extensions)) {
		first.WriteString(name + "=" + b.extensions[name] + separator)
	}
	first.WriteString(separator)
	return &bearing{expires: expiry(token)}, first.Bytes(), nil
}

// bearing is an exchange: the broker answers with nothing, or with what is wrong, as JSON. To that the client says
// that it has understood, and is refused.
type bearing struct {
	expires time.Time
	refused *TokenRefusedError
}

func (b *bearing) Next(_ context.Context, challenge []byte) (done bool, answer []byte, err error) {
	if b.refused != nil {
		return false, nil, b.refused // a broker that goes on all the same
	}
	if len(challenge) == 0 {
		return true, nil, nil
	}
	var said struct{ Status string }
	_ = json.Unmarshal(challenge, &said)
	if !refusalStatus.MatchString(said.Status) {
		said.Status = ""
	}
	b.refused = &TokenRefusedError{Status: said.Status, Expires: b.expires}
	return false, []byte{1}, nil
}

// refusal is what the broker has said before it ended the exchange.
func (b *bearing) refusal() error {
	if b.refused == nil {
		return &TokenRefusedError{Expires: b.expires}
	}
	return b.refused
}

// A TokenRefusedError says that a broker does not take a token of OAUTHBEARER. It
// wraps [kerr.SaslAuthenticationFailed], and shows nothing of the token but its end.
type TokenRefusedError struct {
	Status  string    // what the broker calls it, such as invalid_token; may be empty
	Expires time.Time // by the token's own words, if it is a JWT that says so
}

func (e *TokenRefusedError) Error() string {
	text := "the broker refuses the token"
	if e.Status != "" {
		text += " (" + e.Status + ")"
	}
	if e.Expired() {
		text += ", which has expired at " + e.Expires.UTC().Format(time.RFC3339)
	}
	return text
}

// Expired tells that the token has expired, by its own words and this machine's clock.
func (e *TokenRefusedError) Expired() bool { return !e.Expires.IsZero() && time.Now().After(e.Expires) }

// Unwrap returns what the broker has answered.
func (e *TokenRefusedError) Unwrap() error { return kerr.SaslAuthenticationFailed }

// expiry is the end of a token as it says itself, if it is a JWT (RFC 7519); no signature is looked at.
func expiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	payload, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	var claims struct{ Exp float64 }
	if err != nil || json.Unmarshal(payload, &claims) != nil || claims.Exp <= 0 || claims.Exp > 1e11 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Exp), 0)
}
