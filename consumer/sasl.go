package consumer

import (
	"context"
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
)

// SASL returns the mechanism named none, plain, scram-sha-256 or scram-sha-512
// (nil for none). A username or password that the mechanism cannot take gives a
// [CredentialError]. No error shows the password, neither here nor later.
func SASL(mechanism, username, password string) (sasl.Mechanism, error) {
	switch mechanism {
	case "", "none":
		return nil, nil
	case "plain":
		return guarded{plain.Mechanism{Username: username, Password: password}}, nil
	case "scram-sha-256":
		return scramOf(scram.SHA256, username, password)
	case "scram-sha-512":
		return scramOf(scram.SHA512, username, password)
	default:
		return nil, fmt.Errorf("SASL mechanism %q: want none, plain, scram-sha-256 or scram-sha-512", mechanism)
	}
}

// A CredentialError is of a username or a password that SCRAM does not take, and
// shows neither.
type CredentialError struct {
	Part string // "username" or "password"
	Byte int    // where the character is that is not allowed, from 1; 0: left and right are mixed
}

func (e *CredentialError) Error() string { return "the " + e.Part + " " + e.Flaw() }

// Flaw says what is wrong, without the part.
func (e *CredentialError) Flaw() string {
	if e.Byte == 0 {
		return "mixes characters written from the left and from the right, which SCRAM does not allow (RFC 4013)"
	}
	return fmt.Sprintf("has a character at byte %d that SCRAM does not allow (RFC 4013)", e.Byte)
}

// scramOf asks first whether the library can prepare the credentials, as its own
// error would show them.
func scramOf(algorithm scram.Algorithm, username, password string) (sasl.Mechanism, error) {
	for _, part := range []struct{ name, text string }{{"username", username}, {"password", password}} {
		if prepares(part.text) {
			continue
		}
		for i, r := range part.text {
			if !prepares(string(r)) {
				return nil, &CredentialError{Part: part.name, Byte: i + 1}
			}
		}
		return nil, &CredentialError{Part: part.name}
	}
	m, err := scram.Mechanism(algorithm, username, password)
	if err != nil {
		return nil, errors.New("SCRAM does not take the username or the password") // nor would it say why
	}
	return guarded{m}, nil
}

func prepares(text string) bool {
	_, err := scram.Mechanism(scram.SHA256, text, "")
	return err == nil
}

// guarded is a mechanism whose errors are words of ours: those of a library that
// was given a password may hold it.
type guarded struct{ sasl.Mechanism }

func (g guarded) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	exchange, first, err := g.Mechanism.Start(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("%s cannot be begun", g.Name())
	}
	return guardedExchange{exchange, g.Name()}, first, nil
}

// Format writes the name alone: package fmt would look into the mechanism.
func (g guarded) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(g.Name())) }

type guardedExchange struct {
	sasl.StateMachine
	mechanism string
}

func (e guardedExchange) Next(ctx context.Context, challenge []byte) (done bool, answer []byte, err error) {
	if done, answer, err = e.StateMachine.Next(ctx, challenge); err != nil {
		return done, nil, fmt.Errorf("%s: the broker did not prove that it knows the password", e.mechanism)
	}
	return done, answer, nil
}
