package msdkclient

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// ShortestSecret is the length in bytes of a key or a token below which it is none, and hiding it would only spoil the text:
// those of the platform are far longer, and a key x is in every answer.
const ShortestSecret = 8

// mask hides a call's secrets in text from outside: a server may repeat the URL or the body it was sent, and net/http
// quotes what it cannot parse. So may a proxy repeat the credentials it was sent. It is one goroutine's.
type mask struct {
	key, sig string
	user     string // the openid in the URL
	proxy    *Proxy
	tokens   []string
	replacer *strings.Replacer // made when there is something to hide from: few calls fail
}

func newMask(key, sig, user string, proxy *Proxy, tokens ...string) *mask {
	return &mask{key: key, sig: sig, user: user, proxy: proxy, tokens: tokens}
}

func (m *mask) text(s string) string {
	if m.replacer == nil {
		m.replacer = m.newReplacer()
	}
	return m.replacer.Replace(s)
}

func (m *mask) newReplacer() *strings.Replacer {
	type pair struct{ secret, shown string }
	var pairs []pair
	add := func(secret, shown string) {
		for _, form := range forms(secret) {
			pairs = append(pairs, pair{form, shown})
		}
	}
	add(m.sig, "[sig]")
	if len(m.key) >= ShortestSecret {
		add(m.key, "[key]")
	}
	for _, secret := range m.proxy.secrets() { // people choose them, so that a short one may be real
		add(secret, "[proxy credentials]")
	}
	for _, token := range m.tokens {
		if len(token) >= ShortestSecret {
			add(token, "[secret]")
		}
	}
	// Where one begins another, the rest of the other would stay.
	slices.SortStableFunc(pairs, func(a, b pair) int { return cmp.Compare(len(b.secret), len(a.secret)) })
	var all []string
	for _, p := range pairs {
		all = append(all, p.secret, p.shown)
	}
	return strings.NewReplacer(all...)
}

var percentEncoded = regexp.MustCompile(`%[0-9A-F]{2}`)

// forms are those in which a secret is written: as it is, escaped in a URL, and in a string of JSON.
func forms(secret string) []string {
	query, blank, path := url.QueryEscape(secret), escape(secret), url.PathEscape(secret)
	quoted := strings.TrimSuffix(strings.TrimPrefix(string(quote(secret)), `"`), `"`)
	all := []string{
		secret, query, blank, path, quoted, strings.ReplaceAll(quoted, "/", `\/`),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(secret),
		strings.NewReplacer(`\`, `\\`, `"`, `\"`, "/", `\/`).Replace(secret),
	}
	for _, form := range []string{query, blank, path} {
		all = append(all, percentEncoded.ReplaceAllStringFunc(form, strings.ToLower))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// answer hides the key and the signature in an answer. Tokens are what may have been asked for. A mask that is nil has
// nothing to hide.
func (m *mask) answer(text []byte) []byte {
	if m == nil || len(text) == 0 {
		return text
	}
	return []byte(newMask(m.key, m.sig, m.user, m.proxy).text(string(text)))
}

// err keeps an error as it is unless its text holds a secret, or the URL's user; then only the masked text remains. What
// the platform says of a user is another matter: that is for people.
func (m *mask) err(err error) error {
	text := err.Error()
	masked := m.text(text)
	if m.user != "" {
		masked = strings.ReplaceAll(masked, "openid="+escape(m.user), "openid=[openid]")
	}
	if masked != text {
		return errors.New(masked)
	}
	return err
}
