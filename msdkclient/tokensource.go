package msdkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// TokenSource keeps one user's token good: it refreshes the access token some minutes before it expires, or when the
// platform says that it is no good, once for all who wait. It is safe for concurrent use.
//
// A refresh replaces the refresh token too. Of two processes with one token only the first to refresh it can go on; the
// other is refused, and needs the new one by [Reload] or [TokenSource.Set].
type TokenSource struct {
	client    *Client
	app       App
	onRefresh func(Token)
	reload    func(context.Context) (Token, error)

	mu      sync.Mutex
	token   Token
	number  int       // of token: each has another
	due     time.Time // when token is to be refreshed; zero: when it is spent
	spent   bool      // the platform has said that token is to be refreshed
	refused error     // the refresh of token, for good; nil: not so
	renewal *renewal  // that is under way; nil: none is
}

// renewal is one try to get a new token.
type renewal struct {
	done chan struct{} // closed at its end, or when [TokenSource.Set] makes it needless
	err  error         // how it failed; nil: there is another token
}

// A TokenOption changes how a [TokenSource] is made.
type TokenOption func(*TokenSource)

// OnRefresh has save called with each new token before anybody gets it, so that it is not lost if the process dies. save
// must not call the source.
func OnRefresh(save func(Token)) TokenOption {
	return func(s *TokenSource) { s.onRefresh = save }
}

// Reload has load called when the platform refuses to refresh the token: perhaps another process has done so, and saved
// the new one. load has as long as a call has. It must not call the source.
func Reload(load func(context.Context) (Token, error)) TokenOption {
	return func(s *TokenSource) { s.reload = load }
}

// TokenSource returns a source that begins with a user's token, as the login or [OnRefresh] gave it. It calls nothing yet.
func (c *Client) TokenSource(app App, t Token, opts ...TokenOption) *TokenSource {
	s := &TokenSource{client: c, app: app, onRefresh: func(Token) {}}
	for _, opt := range opts {
		opt(s)
	}
	s.Set(t)
	return s
}

// Set replaces the token, by that of a new login for instance. It ends the waiting of those who wait for a refresh; one
// that is under way changes nothing any more. A login is to be saved after Set, since until then a refresh may be saved.
func (s *TokenSource) Set(t Token) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(t)
	if s.renewal != nil {
		close(s.renewal.done)
		s.renewal = nil
	}
}

func (s *TokenSource) take(t Token) {
	s.token, s.due, s.spent, s.refused = t, t.due(time.Now()), false, nil
	s.number++
}

// Token returns a token that is good, as far as is known, and waits for it if it has to be refreshed. If the refresh fails
// for what passes, the token that there is does until it expires, and then the error is returned, an [*Error], and the next
// call tries again. If the platform refuses it, of which [Reauthorize] tells, so do all calls from then on, until Set.
//
// The refresh is the source's: when ctx ends Token returns, with an error that is ctx's, and the refresh goes on.
func (s *TokenSource) Token(ctx context.Context) (Token, error) {
	t, _, err := s.get(ctx)
	return t, err
}

// Do makes a call with the access token. If the call's error says that the token must be refreshed, see [NeedsRefresh], or
// if the token has been replaced meanwhile, and the call's error is about that, it is made once more with the new one.
//
// The errors are those of the call and of Token.
func (s *TokenSource) Do(ctx context.Context, call func(ctx context.Context, accessToken string) error) error {
	t, number, err := s.get(ctx)
	if err != nil {
		return err
	}
	if err = call(ctx, t.AccessToken); !s.isSpent(number, err) {
		return err
	}
	if t, _, err = s.get(ctx); err != nil {
		return err
	}
	return call(ctx, t.AccessToken)
}

// isSpent reports whether the failure of a call says that its token is no good, while another is or can be had.
func (s *TokenSource) isSpent(number int, err error) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.number != number {
		return NeedsRefresh(err) || Reauthorize(err)
	}
	s.spent = s.spent || NeedsRefresh(err)
	return NeedsRefresh(err)
}

// get returns the token with its number.
func (s *TokenSource) get(ctx context.Context) (Token, int, error) {
	var r *renewal // that was waited for
	for {
		s.mu.Lock()
		switch {
		case !s.spent && (s.due.IsZero() || time.Now().Before(s.due)):
			defer s.mu.Unlock()
			return s.token, s.number, nil
		case r != nil && r.err != nil:
			defer s.mu.Unlock()
			return Token{}, 0, r.err
		case s.refused != nil && s.reload == nil:
			defer s.mu.Unlock()
			return Token{}, 0, s.refused
		case s.renewal == nil && ctx.Err() == nil:
			s.renewal = &renewal{done: make(chan struct{})}
			go s.renew(context.WithoutCancel(ctx), s.renewal, s.token, s.refused)
		}
		r = s.renewal
		s.mu.Unlock()
		if err := r.wait(ctx); err != nil {
			return Token{}, 0, fmt.Errorf("wait for a new access token: %w", err)
		}
	}
}

func (r *renewal) wait(ctx context.Context) error {
	if r == nil { // the context had ended
		return ctx.Err()
	}
	select {
	case <-r.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// pause is how long a token that is still good does before its refresh is tried again.
const pause = 10 * time.Second

// renew carries out r. refused is how the token's refresh was refused, if it was before.
func (s *TokenSource) renew(ctx context.Context, r *renewal, old Token, refused error) {
	t, isNew, err := s.another(ctx, old, refused)
	if isNew && s.isUnderWay(r) {
		s.onRefresh(t)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.renewal != r {
		return // Set came first
	}
	now := time.Now()
	switch {
	case err == nil:
		s.take(t)
	case Reauthorize(err):
		s.refused, r.err = err, err
		s.due = old.Expiry
	default:
		r.err = err
		if s.due = now.Add(pause); old.isOver(s.due) {
			s.due = old.Expiry
		}
	}
	s.renewal = nil
	close(r.done)
}

func (s *TokenSource) isUnderWay(r *renewal) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.renewal == r
}

// another returns a token in the place of the old one: a new one, or that of whoever has refreshed it already.
func (s *TokenSource) another(ctx context.Context, old Token, refused error) (t Token, isNew bool, err error) {
	if refused == nil {
		t, err = s.refresh(ctx, old)
		if !Reauthorize(err) || s.reload == nil {
			return t, err == nil, err
		}
		refused = err
	}
	loading, cancel := context.WithTimeout(ctx, s.client.timeout)
	defer cancel()
	other, err := s.reload(loading)
	switch {
	case err != nil:
		return Token{}, false, fmt.Errorf("load the token that another has refreshed: %w", err)
	case other.AccessToken == old.AccessToken && other.RefreshToken == old.RefreshToken:
		return Token{}, false, refused
	default:
		return other, false, nil // if that has expired, it is refreshed next
	}
}

var errNoRefreshToken = errors.New("no refresh token is there: the user has to log in")

func (s *TokenSource) refresh(ctx context.Context, old Token) (Token, error) {
	if old.RefreshToken == "" {
		return Token{}, &Error{Class: User, Path: PathRefreshToken, Err: errNoRefreshToken}
	}
	answer, err := s.client.RefreshToken(ctx, s.app, RefreshTokenRequest{RefreshToken: old.RefreshToken, OpenID: old.OpenID})
	switch {
	case Reauthorize(err):
		return Token{}, fmt.Errorf("the refresh token is too old, or has been used by another process: the user has to log in: %w", err)
	case err != nil:
		return Token{}, err
	}
	return Token{
		OpenID: old.OpenID, AccessToken: answer.AccessToken, RefreshToken: answer.RefreshToken,
		Expiry: expiry(answer.ExpiresIn, time.Now()),
	}, nil
}

// String names the app alone.
func (s *TokenSource) String() string { return "token source of " + s.app.String() }

// Format prints String for every verb.
func (s *TokenSource) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, s.String())
}
