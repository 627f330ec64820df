package msdktest

import (
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// refreshToken gives out new tokens. The old ones stay good until their time is over: of two processes that refresh with
// the same token, both go on.
func (v *visit) refreshToken() (any, Answer) {
	old := v.body.(*msdkclient.RefreshTokenRequest).RefreshToken
	p, given := v.app.lookUp(refreshPrefix, old, v.world.began, v.now)
	if p == nil {
		return nil, v.refuse(40032, v.whyNoToken(refreshPrefix, old))
	}
	if end := given.Add(RefreshTokenLife); !v.now.Before(end) {
		return nil, v.refuse(42004, "it ended at "+stamp(end)+": the user logs in again")
	}
	now := v.now.Truncate(time.Second) // as tokens tell it
	p.accessGiven, p.refreshGiven = now, now
	return msdkclient.RefreshTokenResponse{
		Status:       v.status(),
		AccessToken:  token(accessPrefix, p.OpenID, now),
		ExpiresIn:    int64(AccessTokenLife.Seconds()),
		RefreshToken: token(refreshPrefix, p.OpenID, now),
		OpenID:       p.OpenID,
		Scope:        "snsapi_friend,snsapi_message,snsapi_userinfo,",
	}, Answer{}
}

func (v *visit) checkToken() (any, Answer) {
	b := v.body.(*msdkclient.CheckTokenRequest)
	if _, refusal := v.user(b.AccessToken, b.OpenID); refusal != (Answer{}) {
		return nil, refusal
	}
	return nil, Answer{}
}
