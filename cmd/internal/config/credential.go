package config

import "sync/atomic"

// A Credential is a secret as it is now. It is safe for concurrent use.
type Credential struct {
	file string // empty: it does not change
	rule rule
	last atomic.Pointer[Secret]
}

func newCredential(s Secret, file string, r rule) *Credential {
	c := &Credential{file: file, rule: r}
	c.last.Store(&s)
	return c
}

// Key is the app's.
func (a *App) Key() *Credential { return newCredential(a.AppKey, a.AppKeyFile, keyRule) }

// Now returns the secret, which is read again if it is from a file. What would be refused at the start, or is not there,
// leaves what was.
func (c *Credential) Now() Secret {
	if c.file != "" {
		if now, want := readSecret(c.file, c.rule); want == "" {
			c.last.Store(&now)
		}
	}
	return *c.last.Load()
}
