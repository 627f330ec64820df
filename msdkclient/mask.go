package msdkclient

import (
	"errors"
	"strings"
)

// shortestSecret is the length of a token below which it is none, and hiding it would only spoil the text.
const shortestSecret = 8

// mask hides a call's secrets in text from outside: a server may repeat the URL it was asked for, and net/http quotes
// what it cannot parse. So may a proxy repeat the credentials it was sent.
type mask struct {
	replacer *strings.Replacer
}

func newMask(key, sig string, proxy *Proxy, secrets ...string) mask {
	pairs := []string{sig, "[sig]"}
	if key != "" {
		pairs = append(pairs, key, "[key]")
	}
	for _, secret := range proxy.secrets() {
		pairs = append(pairs, secret, "[proxy credentials]")
	}
	for _, secret := range secrets {
		if len(secret) >= shortestSecret {
			pairs = append(pairs, secret, "[secret]")
		}
	}
	return mask{strings.NewReplacer(pairs...)}
}

func (m mask) text(s string) string {
	return m.replacer.Replace(s)
}

// err keeps an error as it is unless its text holds a secret; then only the masked text remains.
func (m mask) err(err error) error {
	text := err.Error()
	if masked := m.text(text); masked != text {
		return errors.New(masked)
	}
	return err
}
