package msdkclient

import (
	"errors"
	"strings"
)

// mask hides a call's secrets in text from outside: a server may repeat the URL it was asked for, and net/http quotes
// what it cannot parse.
type mask struct {
	replacer *strings.Replacer
}

func newMask(key, sig string) mask {
	pairs := []string{sig, "[sig]"}
	if key != "" {
		pairs = append(pairs, key, "[key]")
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
