package msdktest

import (
	"strconv"
	"strings"
	"time"
)

// How long tokens are good for (interface document, 3.1.1).
const (
	AccessTokenLife  = 2 * time.Hour
	RefreshTokenLife = 30 * 24 * time.Hour
)

// A token says whose it is and when it was given out, so that none has to be remembered: at_player1.1767225600. Without a
// time it was given out when the platform began.
const (
	accessPrefix  = "at_"
	refreshPrefix = "rt_"
)

func token(prefix, openid string, given time.Time) string {
	return prefix + openid + "." + strconv.FormatInt(given.Unix(), 10)
}

// lookUp finds the user of a token and when it was given out; nil: it is no token of this app.
func (a *appWorld) lookUp(prefix, token string, began, now time.Time) (*person, time.Time) {
	rest, found := strings.CutPrefix(token, prefix)
	if !found {
		return nil, time.Time{}
	}
	if p := a.users[rest]; p != nil {
		return p, began
	}
	dot := strings.LastIndexByte(rest, '.')
	seconds, err := strconv.ParseInt(rest[dot+1:], 10, 64)
	given := time.Unix(seconds, 0)
	if dot < 0 || err != nil || given.After(now) {
		return nil, time.Time{}
	}
	return a.users[rest[:dot]], given
}

// userOf is the user of an access token, or why it is refused.
func (v *visit) userOf(token string) (*person, Answer) {
	p, given := v.app.lookUp(accessPrefix, token, v.world.began, v.now)
	if p == nil {
		return nil, v.refuse(40001, v.whyNoToken(accessPrefix, token))
	}
	if end := given.Add(AccessTokenLife); !v.now.Before(end) {
		return nil, v.refuse(42001, "it ended at "+stamp(end)+": refresh it")
	}
	return p, Answer{}
}

// user is the user of an access token, who must be that of the openid.
func (v *visit) user(token, openid string) (*person, Answer) {
	p, refusal := v.userOf(token)
	if p != nil && p.OpenID != openid {
		return nil, v.refuse(40003, "the token is that of "+p.OpenID)
	}
	return p, refusal
}

// whyNoToken says what a token is that is none of this app's.
func (v *visit) whyNoToken(prefix, token string) string {
	for id, app := range v.world.apps {
		if p, _ := app.lookUp(prefix, token, v.world.began, v.now); p != nil {
			return "the token is of app " + id
		}
	}
	switch {
	case prefix == accessPrefix && strings.HasPrefix(token, refreshPrefix):
		return "a refresh token is no access token"
	case prefix == refreshPrefix && strings.HasPrefix(token, accessPrefix):
		return "an access token is no refresh token"
	}
	return "no such token was given out; a user begins with " + prefix + "OPENID"
}

// stamp is a time for people.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }
