package msdktest

import (
	"slices"
	"time"
)

// State is what the server knows and remembers, fit for JSON. It is a copy.
type State struct {
	Time     time.Time      `json:"time"` // the server's, see [Server.Advance]
	Apps     []AppState     `json:"apps"`
	Messages []Message      `json:"messages"` // the last 200, the newest first
	Reports  int            `json:"reports"`  // accepted
	Outcomes map[string]int `json:"outcomes"` // of [Ledger]
}

// AppState is what the server knows of an app.
type AppState struct {
	AppID   string      `json:"appid"`
	AppKey  string      `json:"appkey"`
	MSDKKey string      `json:"msdkkey"`
	Users   []UserState `json:"users"`
	Media   []Media     `json:"media"` // the last 1000, the newest first
	Board   []Place     `json:"board"`
}

// UserState is what the server knows of a user: who it is, and the tokens given out last.
type UserState struct {
	User                         // its Friends are those who show up
	NewFriends         []string  `json:"new_friends,omitempty"` // who do not show up yet
	AccessToken        string    `json:"access_token"`
	AccessTokenEnds    time.Time `json:"access_token_ends"`
	RefreshToken       string    `json:"refresh_token"`
	RefreshTokenEnds   time.Time `json:"refresh_token_ends"`
	MessagesShownToday int       `json:"messages_shown_today"`
}

// State returns what the server knows and remembers now.
func (s *Server) State() State {
	state := State{Time: s.Now(), Reports: s.Ledger.Len(), Outcomes: s.Ledger.Outcomes()}
	w := s.world.Load()
	w.mu.Lock()
	for _, app := range s.config {
		a := w.apps[app.ID]
		shown := AppState{
			AppID: app.ID, AppKey: app.AppKey, MSDKKey: app.MSDKKey, Users: make([]UserState, len(app.Users)),
			Media: append([]Media{}, a.media...),
		}
		slices.Reverse(shown.Media)
		for i := range app.Users {
			shown.Users[i] = w.userState(a.users[app.Users[i].OpenID], state.Time)
		}
		state.Apps = append(state.Apps, shown)
	}
	state.Messages = append([]Message{}, w.messages...)
	w.mu.Unlock()
	slices.Reverse(state.Messages)
	for i := range state.Apps {
		state.Apps[i].Board = s.Leaderboard.Places(state.Apps[i].AppID)
	}
	return state
}

func (w *world) userState(p *person, now time.Time) UserState {
	access, accessGiven := w.tokenOf(accessPrefix, p, p.accessGiven)
	refresh, refreshGiven := w.tokenOf(refreshPrefix, p, p.refreshGiven)
	state := UserState{
		User:             *p.User,
		AccessToken:      access,
		AccessTokenEnds:  accessGiven.Add(AccessTokenLife),
		RefreshToken:     refresh,
		RefreshTokenEnds: refreshGiven.Add(RefreshTokenLife),
	}
	state.Friends = p.shown(now)
	for _, f := range p.friends {
		if now.Before(f.since) {
			state.NewFriends = append(state.NewFriends, f.openid)
		}
	}
	if p.day == now.In(china).Format(time.DateOnly) {
		state.MessagesShownToday = p.messages
	}
	return state
}

// tokenOf is the last token given out to a user, and when that was.
func (w *world) tokenOf(prefix string, p *person, given time.Time) (string, time.Time) {
	if given.IsZero() {
		return prefix + p.OpenID, w.began
	}
	return token(prefix, p.OpenID, given), given
}

// Befriend makes two users of an app friends, which shows up after an hour (see [Server.Advance]). It fails if the app or
// one of them is not known, with a [msdkclient.FieldError].
func (s *Server) Befriend(appid, a, b string) error {
	w := s.world.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	app := w.apps[appid]
	if app == nil {
		return misfit("app", appid, wantApp)
	}
	for name, openid := range map[string]string{"a": a, "b": b} {
		if app.users[openid] == nil {
			return misfit(name, openid, "a user of app "+appid)
		}
	}
	if a == b {
		return misfit("b", b, "another user than a")
	}
	shows := s.Now().Add(friendshipDelay)
	app.users[a].befriend(b, shows)
	app.users[b].befriend(a, shows)
	return nil
}

// Reset brings the server back to its beginning: users, friends, tokens, pictures, messages, scores, the ledger, the
// requests, the time and the script. The rules of SetRules stay.
func (s *Server) Reset() {
	s.clock.ahead.Store(0)
	s.world.Store(newWorld(s.config, s.Now()))
	s.Ledger.clear()
	s.Leaderboard.clear()
	s.requests.clear()
	s.script.restart()
	if s.limiter != nil {
		s.limiter.clear()
	}
}
