package config

import (
	"fmt"
	"io"
)

const redacted = "[redacted]"

// Secret is text that must not be shown. Package fmt with any verb, JSON, YAML and slog all write [redacted] for it,
// also when it is empty. [Secret.Reveal] gives the text. Keep it in exported fields only: fmt reads unexported ones
// without asking their methods.
type Secret string

// Reveal returns the text itself, for the place that signs or authenticates.
func (s Secret) Reveal() string { return string(s) }

// String returns [redacted].
func (Secret) String() string { return redacted }

// Format writes [redacted] for every verb: with String alone, a wrong verb such as %d would show the text.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

// MarshalText returns [redacted]; encoding/json, YAML and slog's handlers ask it.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
