package msdkclient

import "context"

// Status is what all answers have in common.
type Status struct {
	// Ret is 0 for success, or 1 for an empty result; everything else is a failure.
	Ret int `json:"ret" required:"true"`
	// Msg is "success", or says what is wrong. With Ret -10000 and -20000 it begins with the platform's own code and a comma.
	Msg string `json:"msg"`
	// ErrType, where it is given, says what to do: 0 nothing, 1 try later, 2 have the user authorise again, 3 refresh the
	// access token, 5 unknown.
	ErrType int `json:"err_type,omitempty"`
	// MSDKExtInfo is that of the request's URL, unchanged.
	MSDKExtInfo string `json:"msdkExtInfo,omitempty"`
}

// RefreshTokenRequest is the body of /auth/refresh_token.
type RefreshTokenRequest struct {
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// RefreshToken came with the user's login or with the last refresh. It is good for 30 days.
	RefreshToken string `json:"refreshToken" required:"true"`
	// OpenID is the user's, for the URL alone.
	OpenID string `json:"-" required:"true"`
}

// RefreshTokenResponse is the answer to /auth/refresh_token.
type RefreshTokenResponse struct {
	Status
	// AccessToken is the new token for the user's calls.
	AccessToken string `json:"accessToken" required:"true"`
	// ExpiresIn is how long AccessToken is good for, in seconds: 7200.
	ExpiresIn int64 `json:"expiresIn" required:"true"`
	// RefreshToken is for the next refresh.
	RefreshToken string `json:"refreshToken" required:"true"`
	// OpenID is the user the tokens are of.
	OpenID string `json:"openid"`
	// Scope is what the user has authorised, each with a comma behind it: snsapi_friend (the friends), snsapi_message (to
	// send messages), snsapi_userinfo (the user's own profile).
	Scope string `json:"scope"`
}

// RefreshToken trades a user's refresh token for a new access token: POST /auth/refresh_token (interface document, 3.1.1).
// An access token lasts two hours, a refresh token 30 days; after that the user has to log in again. [Reauthorize]
// tells of it. A non-nil error is an [*Error].
func (c *Client) RefreshToken(ctx context.Context, app App, r RefreshTokenRequest) (*RefreshTokenResponse, error) {
	r.fill(app)
	return do[RefreshTokenResponse](ctx, c, callRefreshToken, app, r.OpenID, r, r.RefreshToken)
}

// CheckTokenRequest is the body of /auth/check_token.
type CheckTokenRequest struct {
	// AccessToken is the user's.
	AccessToken string `json:"accessToken" required:"true"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid" required:"true"`
}

// CheckToken asks whether a user's access token is good: POST /auth/check_token (interface document, 3.1.2). It is if there
// is no error. If [NeedsRefresh] says so of the error, it has expired. A non-nil error is an [*Error].
func (c *Client) CheckToken(ctx context.Context, app App, r CheckTokenRequest) error {
	_, err := do[Status](ctx, c, callCheckToken, app, r.OpenID, r, r.AccessToken)
	return err
}
