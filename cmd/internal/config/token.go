package config

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go/sasl"

	"github.com/battlereport/battlereport/consumer"
)

// oauthBearer is the mechanism whose secret is a token, that of now, in place of a user and a password.
const oauthBearer = "oauthbearer"

var tokenRule = rule{
	want: "a token of letters, digits and -._~+/ with = at its end alone (RFC 6750)",
	form: regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`),
	flaw: tokenFlaw,
}

// tokenFlaw is flaw for a token.
func tokenFlaw(text string) string {
	if what := flaw(text); what != "" {
		return what
	}
	if !consumer.IsBearerToken(text) {
		return "has a character that is in no token"
	}
	return ""
}

// A TokenError says why a command has given no token. It shows none.
type TokenError struct {
	Command string // its first word
	Err     error
}

func (e *TokenError) Error() string {
	return fmt.Sprintf("kafka.sasl.token_command: %q %v", e.Command, e.Err)
}

// Unwrap returns why.
func (e *TokenError) Unwrap() error { return e.Err }

// Missing tells that there is no such command, or that it may not be run: it will not be otherwise the next time. What
// else is in the way of a new process may be: files or processes that are too many now, a program that is being written.
func (e *TokenError) Missing() bool {
	return slices.ContainsFunc([]error{exec.ErrNotFound, exec.ErrDot, fs.ErrNotExist, fs.ErrPermission, syscall.ENOEXEC}, func(lasting error) bool {
		return errors.Is(e.Err, lasting)
	})
}

const (
	tokenTimeout = 8 * time.Second // for a command; a connection is opened in 10 s
	tokenEnd     = time.Second     // for what it leaves behind
	mostOutput   = 64 << 10        // bytes
	mostTold     = 300             // bytes of what it says of itself
)

// bearer is the mechanism whose handshakes each take the token of then.
func (s *SASL) bearer() (sasl.Mechanism, error) {
	extensions := map[string]string{}
	for _, e := range s.Extensions {
		name, value, _ := strings.Cut(e, "=")
		extensions[name] = value
	}
	if len(s.TokenCommand) > 0 {
		return consumer.OAuthBearer(tokenCommand(s.TokenCommand).token, extensions)
	}
	token := newCredential(s.Token, s.TokenFile, tokenRule)
	return consumer.OAuthBearer(func(context.Context) (string, error) { return token.Now().Reveal(), nil }, extensions)
}

// tokenCommand is a program with its arguments that prints a token.
type tokenCommand []string

// token runs the command. What it says when it fails is told, without what it printed and what looks like a token.
func (c tokenCommand) token(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	printed, said := &boundedBuffer{}, &boundedBuffer{}
	cmd := exec.CommandContext(ctx, c[0], c[1:]...)
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = printed, said, tokenEnd
	err := cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) { // it has ended well: what it left behind has its output open
		err = nil
	}
	fail := func(err error) (string, error) { return "", &TokenError{c[0], err} }
	var exit *exec.ExitError
	token := strings.TrimSpace(printed.String())
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		return "", ctx.Err()
	case ctx.Err() != nil:
		return fail(fmt.Errorf("does not end in %v", tokenTimeout))
	case errors.As(err, &exit):
		return fail(fmt.Errorf("fails (%v)%s", exit, told(said.String(), token)))
	case err != nil:
		return fail(fmt.Errorf("cannot be run: %w", reason(err)))
	case token == "":
		return fail(errors.New("prints nothing" + told(said.String(), token)))
	case tokenFlaw(token) != "":
		return fail(errors.New("prints what is no token: it " + tokenFlaw(token)))
	}
	return token, nil
}

var likeToken = regexp.MustCompile(`[A-Za-z0-9._~+/=-]{25,}`)

// told is the last line that a program said of itself.
func told(said, token string) string {
	if token != "" {
		said = strings.ReplaceAll(said, token, redacted)
	}
	said = strings.TrimSpace(likeToken.ReplaceAllString(said, redacted))
	said = said[strings.LastIndexByte(said, '\n')+1:]
	if len(said) > mostTold {
		said = strings.ToValidUTF8(said[:mostTold], "") + "…"
	}
	if said == "" {
		return ""
	}
	return fmt.Sprintf(": %q", said)
}

// boundedBuffer keeps the first of what is written.
type boundedBuffer struct{ bytes.Buffer }

func (b *boundedBuffer) Write(p []byte) (int, error) {
	_, _ = b.Buffer.Write(p[:min(len(p), mostOutput-b.Len())])
	return len(p), nil
}

// tokenFile is the path of a file that holds a token, or empty for none.
func tokenFile(to *Secret, from *string, dir string) *scalar {
	s := secretFile(to, from, tokenRule, dir)
	fill := s.set
	s.want = "the path of a file that holds the token"
	s.schema = map[string]any{"type": "string"}
	s.set = func(text string) string {
		if text == "" {
			*to, *from = "", ""
			return ""
		}
		return fill(text)
	}
	return s
}

// command is a program with its arguments. One that is named by a path is relative to dir.
func command(to *[]string, dir string) *list {
	return listOf(to, "words", "", func(element *string) field {
		s := text(element, filledRule)
		set := s.set
		s.set = func(text string) string {
			want := set(text)
			if want == "" && len(*to) > 0 && element == &(*to)[0] && strings.ContainsRune(text, '/') {
				*element = inDir(dir, text)
				if !strings.ContainsRune(*element, filepath.Separator) { // or it would be looked for in PATH
					*element = "." + string(filepath.Separator) + *element
				}
			}
			return want
		}
		return field{scalar: s}
	})
}

var extensionRule = rule{
	want: "name=value, a name of letters other than auth, and a value of printable ASCII without spaces",
	form: regexp.MustCompile(`^[A-Za-z]+=[!-~]+$`),
	also: func(text string) bool { return !strings.HasPrefix(text, "auth=") },
}
