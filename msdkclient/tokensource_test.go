package msdkclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	. "github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// issuer is the platform as far as one user's tokens go: a2 and r2 follow a1 and r1, and only the newest are good. It
// takes a second to refresh.
type issuer struct {
	mu       sync.Mutex
	number   int
	asked    []string // the refresh tokens, in order
	answer   string   // to all refreshes; empty: as they deserve
	lifetime int      // in seconds
}

func (a *issuer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request struct{ RefreshToken string }
	_ = json.NewDecoder(r.Body).Decode(&request)
	time.Sleep(time.Second)
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked = append(a.asked, request.RefreshToken)
	switch {
	case a.answer != "":
		_, _ = io.WriteString(w, a.answer)
	case request.RefreshToken != "r"+strconv.Itoa(a.number):
		_, _ = io.WriteString(w, `{"ret":-20000,"msg":"40032,invalid refresh_token"}`)
	default:
		a.number++
		fmt.Fprintf(w, `{"ret":0,"accessToken":"a%d","refreshToken":"r%d","expiresIn":%d,"openid":"o1"}`, a.number, a.number, a.lifetime)
	}
}

// call is one for the user of an access token.
func (a *issuer) call(_ context.Context, accessToken string) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if accessToken != "a"+strconv.Itoa(a.number) {
		return &Error{Class: User, Path: PathFriends, HTTPStatus: 200, HasRet: true, Ret: -20000, Inner: 42001}
	}
	return nil
}

func (a *issuer) answers(text string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answer = text
}

// lasting says for how many seconds tokens are good.
func (a *issuer) lasting(seconds int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.lifetime = seconds
}

// wasAsked checks for what refresh tokens there have been refreshes.
func (a *issuer) wasAsked(t *testing.T, want ...string) {
	t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	if !slices.Equal(a.asked, want) {
		t.Errorf("refreshes of %q, want %q", a.asked, want)
	}
}

func (a *issuer) token() Token {
	return Token{
		OpenID: "o1", AccessToken: "a" + strconv.Itoa(a.number), RefreshToken: "r" + strconv.Itoa(a.number),
		Expiry: time.Now().Add(time.Duration(a.lifetime) * time.Second),
	}
}

// withTokens runs test in virtual time with a client of an issuer whose tokens last two hours.
func withTokens(t *testing.T, test func(t *testing.T, a *issuer, c *Client)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &issuer{number: 1, lifetime: 7200}
		pipe := msdktest.NewPipe()
		server := &http.Server{Handler: a}
		go func() { _ = server.Serve(pipe) }()
		c := newClient(t, "http://msdk.test", WithDialContext(pipe.DialContext))
		test(t, a, c)
		synctest.Wait()
		c.Close()
		_ = server.Close()
	})
}

// have checks which token there is.
func have(t *testing.T, s *TokenSource, want string) Token {
	t.Helper()
	got, err := s.Token(t.Context())
	if err != nil || got.AccessToken != want {
		t.Errorf("access token %q, %v; want %q", got.AccessToken, err, want)
	}
	return got
}

func TestATokenIsRefreshedOnceForAllWhoWait(t *testing.T) {
	t.Parallel()
	for rule, spoil := range map[string]func(a *issuer, token *Token){
		"as it has expired":                  func(_ *issuer, token *Token) { token.Expiry = time.Now() },
		"as the platform says it is no good": func(_ *issuer, token *Token) { token.AccessToken = "a0" },
		"… of whose end nothing is known":    func(_ *issuer, token *Token) { *token = Token{OpenID: "o1", AccessToken: "a0", RefreshToken: "r1"} },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			withTokens(t, func(t *testing.T, a *issuer, c *Client) {
				token := a.token()
				spoil(a, &token)
				s := c.TokenSource(testApp, token)
				errs := make(chan error, 10_000)
				for range cap(errs) {
					go func() { errs <- s.Do(t.Context(), a.call) }()
				}
				for range cap(errs) {
					if err := <-errs; err != nil {
						t.Error(err)
					}
				}
				a.wasAsked(t, "r1")
			})
		})
	}
}

func TestATokenIsRefreshedSomeTimeBeforeItExpires(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		s := c.TokenSource(testApp, a.token())
		time.Sleep(2*time.Hour - 5*time.Minute - time.Second)
		have(t, s, "a1")
		a.wasAsked(t)
		time.Sleep(time.Second)
		if got := have(t, s, "a2"); !got.Expiry.Equal(time.Now().Add(2*time.Hour)) || got.RefreshToken != "r2" || got.OpenID != "o1" {
			t.Errorf("%s, expires at %v", got.RefreshToken, got.Expiry)
		}
		time.Sleep(2*time.Hour - 6*time.Minute)
		have(t, s, "a2")
		a.wasAsked(t, "r1")
	})
}

func TestATokenThatDoesNotLastIsNotRefreshedAllTheTime(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		a.lasting(60)
		s := c.TokenSource(testApp, a.token())
		have(t, s, "a1")
		time.Sleep(54 * time.Second)
		have(t, s, "a2")
		time.Sleep(50 * time.Second)
		have(t, s, "a2")
		a.lasting(0) // then nothing is known
		time.Sleep(10 * time.Second)
		have(t, s, "a3")
		time.Sleep(1000 * time.Hour)
		have(t, s, "a3")
		a.wasAsked(t, "r1", "r2")
	})
}

func TestAnOldTokenIsNotRefreshedAgain(t *testing.T) {
	t.Parallel()
	for rule, inner := range map[string]int{
		"when its call fails late":                              42001,
		"when its call fails late, of a token that is replaced": 40001,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			withTokens(t, func(t *testing.T, a *issuer, c *Client) {
				token := a.token()
				token.AccessToken = "a0"
				s := c.TokenSource(testApp, token)
				begun, late := make(chan struct{}), make(chan error)
				go func() {
					calls := 0
					late <- s.Do(t.Context(), func(_ context.Context, accessToken string) error {
						if calls++; calls == 1 {
							close(begun)
							time.Sleep(time.Minute)
							return &Error{Class: User, HasRet: true, Ret: -20000, Inner: inner}
						}
						return a.call(t.Context(), accessToken)
					})
				}()
				<-begun
				if err := s.Do(t.Context(), a.call); err != nil {
					t.Error(err)
				}
				if err := <-late; err != nil {
					t.Error(err)
				}
				a.wasAsked(t, "r1")
			})
		})
	}
}

func TestACallIsMadeOnceMoreAndNotForEver(t *testing.T) {
	t.Parallel()
	expired := &Error{Class: User, HasRet: true, Ret: -20000, Inner: 42001}
	for rule, tt := range map[string]struct {
		err   error
		calls int
	}{
		"of a token that is never good":       {expired, 2},
		"of a wrapped error":                  {fmt.Errorf("friends: %w", expired), 2},
		"not for a user who must log in":      {&Error{Class: User, HasRet: true, Ret: -20000, Inner: 42004}, 1},
		"not for what passes":                 {&Error{Class: Retry}, 1},
		"not for another's error":             {errors.New("x"), 1},
		"not for a report's, which has none":  {&Error{Class: AppClass, HasRet: true, Ret: -20000, Inner: 42001}, 1},
		"not for success, and that is passed": {nil, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			withTokens(t, func(t *testing.T, a *issuer, c *Client) {
				calls := 0
				err := c.TokenSource(testApp, a.token()).Do(t.Context(), func(context.Context, string) error { calls++; return tt.err })
				if !errors.Is(err, tt.err) || calls != tt.calls {
					t.Errorf("%v after %d calls, want %v after %d", err, calls, tt.err, tt.calls)
				}
			})
		})
	}
}

func TestWhoseContextEndsWaitsNoLongerAndTheRefreshGoesOn(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		token := a.token()
		token.Expiry = time.Now()
		s := c.TokenSource(testApp, token)
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		began := time.Now()
		if _, err := s.Token(hurried); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Millisecond {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		have(t, s, "a2")
		if took := time.Since(began); took != time.Second {
			t.Errorf("took %v, a refresh takes a second", took)
		}
		a.wasAsked(t, "r1")

		token = a.token()
		token.Expiry = time.Now()
		s.Set(token)
		if _, err := s.Token(hurried); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a context that has ended: %v", err)
		}
		a.wasAsked(t, "r1")
	})
}

func TestARefreshThatFailsForWhatPassesIsTriedAgain(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		s := c.TokenSource(testApp, a.token())
		time.Sleep(2 * time.Hour)
		a.answers(`{"ret":-306}`)
		for range 2 {
			if _, err := s.Token(t.Context()); !IsRetryable(err) || Reauthorize(err) {
				t.Errorf("%v, want an error that passes", err)
			}
		}
		a.answers("")
		have(t, s, "a2")
		a.wasAsked(t, "r1", "r1", "r1")
	})
}

func TestATokenThatIsStillGoodDoesWhileItCannotBeRefreshed(t *testing.T) {
	t.Parallel()
	for rule, answer := range map[string]string{
		"for what passes":    `{"ret":-306}`,
		"for being too fast": `{"ret":-503}`,
		"for good":           `{"ret":-20000,"msg":"42004,x"}`,
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			withTokens(t, func(t *testing.T, a *issuer, c *Client) {
				s := c.TokenSource(testApp, a.token())
				time.Sleep(2*time.Hour - time.Minute)
				a.answers(answer)
				for range 100 {
					have(t, s, "a1")
				}
				a.wasAsked(t, "r1") // and not a hundred times
				time.Sleep(time.Minute)
				if _, err := s.Token(t.Context()); err == nil {
					t.Error("an expired token is given")
				}
			})
		})
	}
}

func TestAfterARefusalAllAreToldUntilThereIsANewToken(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		stale := a.token()
		stale.RefreshToken, stale.Expiry = "r0", time.Now()
		s := c.TokenSource(testApp, stale)
		for range 3 {
			_, err := s.Token(t.Context())
			if e := asError(t, err); e.Class != User || !Reauthorize(err) || NeedsRefresh(err) || IsRetryable(err) || e.Path != PathRefreshToken {
				t.Errorf("%v", err)
			}
			if text := err.Error(); !strings.Contains(text, "another process") || !strings.Contains(text, "log in") || strings.Contains(text, "r0") {
				t.Error(text)
			}
			if err := s.Do(t.Context(), a.call); !Reauthorize(err) {
				t.Error(err)
			}
		}
		a.wasAsked(t, "r0")
		s.Set(a.token())
		have(t, s, "a1")
		time.Sleep(2 * time.Hour)
		have(t, s, "a2")
		a.wasAsked(t, "r0", "r1")
	})
}

func TestWithoutARefreshTokenTheUserMustLogIn(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		s := c.TokenSource(testApp, Token{OpenID: "o1", AccessToken: "a0"})
		if err := s.Do(t.Context(), a.call); !Reauthorize(err) || asError(t, err).Class != User {
			t.Error(err)
		}
		a.wasAsked(t)
	})
}

func TestATokenIsSavedBeforeAnybodyGetsIt(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		var saved []byte
		token := a.token()
		token.Expiry = time.Now()
		s := c.TokenSource(testApp, token, OnRefresh(func(token Token) {
			time.Sleep(time.Minute) // a slow disk
			saved, _ = json.Marshal(token)
		}))
		got := have(t, s, "a2")
		var read Token
		if err := json.Unmarshal(saved, &read); err != nil || !read.Expiry.Equal(got.Expiry) || read.RefreshToken != "r2" || read.OpenID != "o1" || read.AccessToken != "a2" {
			t.Errorf("saved %s, %v", saved, err)
		}
	})
}

// Of two processes with one token, one has refreshed it.
func TestATokenThatAnotherHasRefreshedIsLoaded(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		stored := a.token()
		one := c.TokenSource(testApp, stored, OnRefresh(func(token Token) { stored = token }))
		other := c.TokenSource(testApp, stored, Reload(func(context.Context) (Token, error) { return stored, nil }))
		time.Sleep(2 * time.Hour)
		have(t, one, "a2")
		have(t, other, "a2")
		a.wasAsked(t, "r1", "r1")
		time.Sleep(2 * time.Hour)
		have(t, one, "a3")
		time.Sleep(2 * time.Hour)
		have(t, other, "a4") // what was loaded had expired
		a.wasAsked(t, "r1", "r1", "r2", "r2", "r3")
	})
}

func TestATokenThatCannotBeLoadedYetIsAskedForAgain(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		var (
			stored = a.token() // which the other has refreshed, and not saved yet
			down   error
		)
		stored.RefreshToken = "r0"
		s := c.TokenSource(testApp, stored, Reload(func(context.Context) (Token, error) { return stored, down }))
		time.Sleep(2 * time.Hour)
		for range 2 {
			if _, err := s.Token(t.Context()); !Reauthorize(err) {
				t.Error(err)
			}
		}
		down = errors.New("the store is down")
		if _, err := s.Token(t.Context()); !errors.Is(err, down) || Reauthorize(err) {
			t.Error(err)
		}
		down, stored = nil, a.token()
		have(t, s, "a1")
		a.wasAsked(t, "r0") // the platform once
	})
}

func TestALoadThatHangsEndsLikeACall(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		stale := Token{OpenID: "o1", AccessToken: "a0", RefreshToken: "r0", Expiry: time.Now()}
		s := c.TokenSource(testApp, stale, Reload(func(ctx context.Context) (Token, error) {
			<-ctx.Done()
			return Token{}, ctx.Err()
		}))
		began := time.Now()
		if _, err := s.Token(t.Context()); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 6*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestAnEmptyAnswerIsNoToken(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		token := a.token()
		token.Expiry = time.Now()
		s := c.TokenSource(testApp, token, OnRefresh(func(token Token) { t.Errorf("saved %+q", token.RefreshToken) }))
		a.answers(`{"ret":1,"msg":"empty result"}`)
		if got, err := s.Token(t.Context()); !IsRetryable(err) {
			t.Errorf("%q, %v", got.AccessToken, err)
		}
	})
}

func TestAnotherLoginWinsOverARefreshUnderWay(t *testing.T) {
	t.Parallel()
	withTokens(t, func(t *testing.T, a *issuer, c *Client) {
		token := a.token()
		token.Expiry = time.Now()
		s := c.TokenSource(testApp, token, OnRefresh(func(token Token) { t.Errorf("saved %s over the login's", token.RefreshToken) }))
		time.AfterFunc(time.Millisecond, func() {
			s.Set(Token{OpenID: "o1", AccessToken: "login", RefreshToken: "r9"})
		})
		began := time.Now()
		have(t, s, "login")
		if took := time.Since(began); took != time.Millisecond {
			t.Errorf("took %v", took)
		}
		time.Sleep(time.Minute)
		have(t, s, "login")
	})
}

func TestATokenIsShownNowhereButInJSON(t *testing.T) {
	t.Parallel()
	token := Token{OpenID: "sesame-o", AccessToken: "sesame-a", RefreshToken: "sesame-r", Expiry: time.Unix(1e9, 0).UTC()}
	s := newClient(t, "http://msdk.test").TokenSource(App{ID: "wx1", Key: "sesame-k", Encode: 1}, token)
	var logged strings.Builder
	for _, h := range []slog.Handler{slog.NewTextHandler(&logged, nil), slog.NewJSONHandler(&logged, nil)} {
		slog.New(h).Info("x", "token", token, "pointer", &token, "source", s)
	}
	shown := logged.String() + fmt.Sprint(token, &token, s)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x"} {
		shown += fmt.Sprintf(verb+verb+verb, token, &token, s)
	}
	if strings.Contains(shown, "sesame") || !strings.Contains(shown, "token until 2001-09-09T01:46:40Z") || !strings.Contains(shown, "token source of app wx1") {
		t.Error(shown)
	}
	if text, err := json.Marshal(token); err != nil || string(text) !=
		`{"openid":"sesame-o","accessToken":"sesame-a","refreshToken":"sesame-r","expiry":"2001-09-09T01:46:40Z"}` {
		t.Errorf("%s, %v", text, err)
	}
}

// The platform is one of a few lines here. Calls go on while the user's tokens change, and the newest is always saved.
func ExampleTokenSource() {
	platform := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch body, _ := io.ReadAll(r.Body); {
		case strings.HasPrefix(r.URL.Path, PathRefreshToken):
			_, _ = io.WriteString(w, `{"ret":0,"accessToken":"new","refreshToken":"next","expiresIn":7200,"openid":"ann"}`)
		case strings.Contains(string(body), `"new"`):
			_, _ = io.WriteString(w, `{"ret":0,"msg":"success"}`)
		default:
			_, _ = io.WriteString(w, `{"ret":-20000,"msg":"42001,access_token expired","err_type":3}`)
		}
	}))
	defer platform.Close()
	client, err := New(Config{BaseURL: platform.URL, Timeout: 5 * time.Second, ContentType: "application/json", MaxConns: 1})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	app := App{ID: "wx1", Key: "key", Encode: 1}
	ann := client.TokenSource(app, Token{OpenID: "ann", AccessToken: "old", RefreshToken: "first"},
		OnRefresh(func(t Token) { fmt.Println("save", t.RefreshToken) }))
	err = ann.Do(context.Background(), func(ctx context.Context, accessToken string) error {
		err := client.CheckToken(ctx, app, CheckTokenRequest{OpenID: "ann", AccessToken: accessToken})
		fmt.Println(accessToken+":", err)
		return err
	})
	if Reauthorize(err) {
		fmt.Println("ann has to log in again")
	}

	// Output:
	// old: msdk /auth/check_token: ret -20000/42001, access_token expired, "42001,access_token expired" (user)
	// save next
	// new: <nil>
}
