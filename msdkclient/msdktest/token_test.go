package msdktest_test

import (
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestTokensAgeAndAreRefreshed(t *testing.T) {
	t.Parallel()
	synctest.Test(t, tokensAge) // to the second
}

func tokensAge(t *testing.T) {
	sim := msdktest.New(town)
	const path, refreshPath = msdkclient.PathCheckToken, msdkclient.PathRefreshToken
	good := func(token string) {
		t.Helper()
		mustAnswer(t, sim, newCall(path, "ann", check(token, "ann")), `{"ret":0,"msg":"success"`)
	}
	bad := func(c *call, want string) {
		t.Helper()
		mustAnswer(t, sim, c, `{"ret":-20000,"msg":"`+want)
	}
	good("at_ann")
	bad(newCall(path, "ann", check("at_eve", "ann")), `40001,invalid credential: no such token was given out`)
	bad(newCall(path, "ann", check("rt_ann", "ann")), `40001,invalid credential: a refresh token is no access token`)
	bad(newCall(path, "ann", check("at_dan", "ann")), `40001,invalid credential: the token is of app wx2`)
	bad(newCall(path, "ann", check("at_ann", "bob")), `40003,invalid openid: the token is that of ann`)
	bad(newCall(path, "ann", check("at_ann.99999999999", "ann")), `40001,invalid credential`)
	bad(newCall(path, "ann", check("at_ann.0", "ann")), `42001,access_token expired: it ended at 1970-01-01T02:00:00Z`)

	sim.Advance(2*time.Hour - time.Minute)
	good("at_ann")
	sim.Advance(time.Minute)
	bad(newCall(path, "ann", check("at_ann", "ann")), `42001,`)

	var tokens msdkclient.RefreshTokenResponse
	answer(t, sim, refreshPath, "ann", refresh("rt_ann"), &tokens)
	if tokens.OpenID != "ann" || tokens.ExpiresIn != 7200 || tokens.RefreshToken == "rt_ann" || tokens.Scope == "" || tokens.MSDKExtInfo != "s_1" {
		t.Errorf("refreshed to %+v", tokens)
	}
	good(tokens.AccessToken)
	mustAnswer(t, sim, newCall(refreshPath, "ann", refresh("rt_ann")), `{"ret":0`) // another process has the same
	good(tokens.AccessToken)
	bad(newCall(refreshPath, "ann", refresh("rt_dan")), `40032,invalid refresh_token: the token is of app wx2`)
	bad(newCall(refreshPath, "ann", refresh("at_ann")), `40032,invalid refresh_token: an access token is no refresh token`)
	bad(newCall(refreshPath, "ann", refresh("rt_eve")), `40032,invalid refresh_token: no such token`)

	sim.Advance(30*24*time.Hour - 2*time.Hour)
	bad(newCall(refreshPath, "ann", refresh("rt_ann")), `42004,refresh_token expired: it ended at `)
	mustAnswer(t, sim, newCall(refreshPath, "ann", refresh(tokens.RefreshToken)), `{"ret":0`)
	sim.Reset()
	good("at_ann")
}

func TestTheClockIsNeverPutBack(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for range 3 {
		before := sim.Now()
		for _, d := range []time.Duration{math.MaxInt64, -time.Hour} {
			if sim.Advance(d); sim.Now().Before(before) {
				t.Fatalf("after %s it is %s, and was %s", d, sim.Now(), before)
			}
		}
	}
	mustAnswer(t, sim, newCall(msdkclient.PathCheckToken, "ann", check("at_ann", "ann")), `{"ret":-20000,"msg":"42001,`)
}

func TestRefusedTokensComeWithAnErrType(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for body, want := range map[string]string{
		check("at_ann.0", "ann"): `"err_type":3,`,
		check("at_eve", "ann"):   `"err_type":2,`,
		check("at_ann", "ann"):   ``,
	} {
		_, got := newCall(msdkclient.PathCheckToken, "ann", body).do(sim)
		if want == "" && strings.Contains(got, "err_type") || !strings.Contains(got, want) {
			t.Errorf("%s: answered %s, want %s", body, got, want)
		}
	}
}

func TestCallsWithATokenWantThatOfTheirUser(t *testing.T) {
	t.Parallel()
	for path, body := range map[string]func(token string) string{
		msdkclient.PathCheckToken:       func(token string) string { return check(token, "ann") },
		msdkclient.PathShareMessage:     func(token string) string { return message(token, "ann", "bob", "") },
		msdkclient.PathShareGameMessage: func(token string) string { return game(token, "ann", "bob") },
		msdkclient.PathFriendsProfile:   func(token string) string { return check(token, "ann") },
		msdkclient.PathFriends:          func(token string) string { return check(token, "ann") },
		msdkclient.PathUserInfo:         func(token string) string { return withAppID(token, "ann", "") },
		msdkclient.PathVIP:              func(token string) string { return withAppID(token, "ann", `,"json":{"optype":1}`) },
		msdkclient.PathProfiles:         func(token string) string { return `{"accessToken":"` + token + `","openids":["ann","bob"]}` },
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(town)
			mustAnswer(t, sim, newCall(path, "ann", body("at_ann.0")), `{"ret":-20000,"msg":"42001,`)
			mustAnswer(t, sim, newCall(path, "ann", body("at_eve")), `{"ret":-20000,"msg":"40001,`)
			if path != msdkclient.PathProfiles { // which names nobody who asks
				mustAnswer(t, sim, newCall(path, "ann", body("at_bob")), `{"ret":-20000,"msg":"40003,`)
			}
			if _, got := newCall(path, "ann", body("at_ann")).do(sim); !strings.Contains(got, `"ret":0,`) {
				t.Errorf("answered %s", got)
			}
		})
	}
}
