package msdktest

import (
	"math"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// maxAdvance is a year, in seconds.
const maxAdvance = 365 * 24 * 60 * 60

// endpoints are all there are, in the order of the index.
func endpoints() []endpoint {
	return []endpoint{
		{"GET", "/_/", "this index", "", index},
		{
			"GET", "/_/state", "apps with their keys, users with their tokens and friends, pictures, messages, leaderboards; or a part of it",
			"?app=APPID&openid=OPENID", showState,
		},
		{"GET", "/_/board", "the leaderboard of an app, best first", "?app=APPID&limit=10", showBoard},
		{
			"GET", "/_/requests", "the last requests, the newest first, and what was right and wrong in each",
			"?limit=10&failed=true&app=APPID&openid=OPENID&path=/profile/wxscore", showRequests,
		},
		{"GET", "/_/why", "why a score is, or is not, on the board", "?app=APPID&openid=OPENID", explain},
		{"GET", "/_/script", "the rules that answer calls, with the times that are left", "", showScript},
		{
			"POST", "/_/script", "adds rules: the first that matches a good call answers it, so many times, or always",
			`{"rules":[{"app":"APPID","path":"/profile/wxscore","openid":"OPENID","times":1,"answer":{"ret":-20000,"msg":"45009,api freq out of limit"}}]}`, addScript,
		},
		{"DELETE", "/_/script", "takes all rules away", "", clearScript},
		{"POST", "/_/advance", "puts the clock forward, so that tokens expire", `{"seconds":7200}`, advance},
		{"POST", "/_/friends", "makes two users of an app friends", `{"app":"APPID","a":"OPENID","b":"OPENID"}`, befriend},
		{"POST", "/_/reset", "puts everything back to how it began: users, tokens, boards, requests, clock and script", "", startOver},
	}
}

func index(*Server, *http.Request) (any, error) {
	return struct {
		Endpoints []endpoint `json:"endpoints"`
		Answer    any        `json:"answer"` // of a rule
	}{endpoints(), map[string]string{
		"ret":         "a number",
		"msg":         "its text; with ret -10000 and -20000 it begins with the platform's code and a comma",
		"http":        "a status, 200 to 599; a failure without ret has no JSON body",
		"body":        "in the place of ret and msg, word for word",
		"retry_after": "the header's value, a string",
		"delay":       "how long the answer takes, such as 500ms; alone it lets the call pass",
		"fault":       "hang (never answer), reset (break the connection), drip (a byte each tenth of a second) or cut (half of the answer)",
		"accept":      "true: what is reported counts all the same",
	}}, nil
}

func showScript(s *Server, _ *http.Request) (any, error) { return s.script.list(), nil }

func addScript(s *Server, r *http.Request) (any, error) {
	var more cues
	if err := readJSON(r, &more); err != nil {
		return nil, err
	}
	if err := more.check(s.knows); err != nil {
		return nil, err
	}
	if err := s.script.add(more.Rules); err != nil {
		return nil, err
	}
	return s.script.list(), nil
}

func clearScript(s *Server, _ *http.Request) (any, error) {
	s.script.clear()
	return s.script.list(), nil
}

func showRequests(s *Server, r *http.Request) (any, error) {
	query, err := queryOf(r, "limit", "failed", "app", "openid", "path")
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	failed := false
	if text := query.Get("failed"); text != "" {
		if failed, err = strconv.ParseBool(text); err != nil {
			return nil, misfit("failed", text, "true or false")
		}
	}
	list := []requestJSON{}
	for _, e := range s.Requests() {
		if len(list) == limit {
			break
		}
		if failed && e.OK() || !e.isAbout(query.Get("app"), query.Get("openid"), query.Get("path")) {
			continue
		}
		list = append(list, e.json())
	}
	return struct {
		Requests []requestJSON `json:"requests"`
	}{list}, nil
}

// limitOf is how many at most a query asks for.
func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return math.MaxInt, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 {
		return 0, misfit("limit", text, "a whole number, 0 or more")
	}
	return n, nil
}

// appOf is the app that a query names.
func (s *Server) appOf(query url.Values) (string, error) {
	appid := query.Get("app")
	if !s.knows(appid) {
		return "", misfit("app", appid, wantApp)
	}
	return appid, nil
}

func explain(s *Server, r *http.Request) (any, error) {
	query, err := queryOf(r, "app", "openid")
	if err != nil {
		return nil, err
	}
	appid, err := s.appOf(query)
	if err != nil {
		return nil, err
	}
	openid := query.Get("openid")
	if openid == "" {
		return nil, &msdkclient.FieldError{Field: "openid", Want: "whose score it is about"}
	}
	return s.why(appid, openid), nil
}

func showState(s *Server, r *http.Request) (any, error) {
	query, err := queryOf(r, "app", "openid")
	if err != nil {
		return nil, err
	}
	appid, openid := query.Get("app"), query.Get("openid")
	if appid != "" {
		if _, err := s.appOf(query); err != nil {
			return nil, err
		}
	}
	state := s.State()
	state.Apps = slices.DeleteFunc(state.Apps, func(a AppState) bool { return appid != "" && a.AppID != appid })
	if openid != "" {
		for i := range state.Apps {
			a := &state.Apps[i]
			a.Users = slices.DeleteFunc(a.Users, func(u UserState) bool { return u.OpenID != openid })
			a.Board = slices.DeleteFunc(a.Board, func(p Place) bool { return p.OpenID != openid })
		}
	}
	state.Messages = slices.DeleteFunc(state.Messages, func(m Message) bool {
		return appid != "" && m.AppID != appid || openid != "" && m.From != openid && m.To != openid
	})
	return state, nil
}

func showBoard(s *Server, r *http.Request) (any, error) {
	query, err := queryOf(r, "app", "limit")
	if err != nil {
		return nil, err
	}
	limit, err := limitOf(query)
	if err != nil {
		return nil, err
	}
	appid, err := s.appOf(query)
	if err != nil {
		return nil, err
	}
	places := s.Leaderboard.Places(appid)
	return struct {
		App     string  `json:"app"`
		Players int     `json:"players"`
		Board   []Place `json:"board"`
	}{appid, len(places), places[:min(limit, len(places))]}, nil
}

func advance(s *Server, r *http.Request) (any, error) {
	var body struct {
		Seconds int64 `json:"seconds"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	if body.Seconds < 1 || body.Seconds > maxAdvance {
		return nil, &msdkclient.FieldError{
			Field: "seconds", Value: strconv.FormatInt(body.Seconds, 10), Want: "1 to " + strconv.Itoa(maxAdvance) + ", which is a year",
		}
	}
	s.Advance(time.Duration(body.Seconds) * time.Second)
	return struct {
		Time time.Time `json:"time"`
	}{s.Now()}, nil
}

func befriend(s *Server, r *http.Request) (any, error) {
	var body struct {
		App string `json:"app"`
		A   string `json:"a"`
		B   string `json:"b"`
	}
	if err := readJSON(r, &body); err != nil {
		return nil, err
	}
	if err := s.Befriend(body.App, body.A, body.B); err != nil {
		return nil, err
	}
	return struct {
		Shows time.Time `json:"shows"` // up
	}{s.Now().Add(friendshipDelay)}, nil
}

func startOver(s *Server, _ *http.Request) (any, error) {
	s.Reset()
	return struct {
		Time time.Time `json:"time"`
	}{s.Now()}, nil
}
