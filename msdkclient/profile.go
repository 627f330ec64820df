package msdkclient

import (
	"context"
	"encoding/json"
)

// ReportScoreRequest is the body of /profile/wxscore. The numbers in it are strings: the server tells 1 from "1"
// (chapter 1.5).
type ReportScoreRequest struct {
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// GrantType is "client_credential". The document calls it the default, and programs leave it out. The [Client] sends it
	// for "".
	GrantType string `json:"grantType" enum:"client_credential"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid" required:"true"`
	// Score is a decimal integer, as a string.
	Score string `json:"score" required:"true" pattern:"^-?[0-9]+$" want:"a decimal integer, such as 1000000"`
	// Expires is when the score is forgotten: a Unix time in seconds, as a string, and neither a duration nor
	// milliseconds. "0" is never. The [Client] sends that for "".
	Expires string `json:"expires" required:"true" pattern:"^(0|[1-9][0-9]{9,11})$" want:"the Unix time in seconds, such as 1893456000, or 0 for never; no duration, no milliseconds"`
}

// ReportScore reports one user's score: POST /profile/wxscore (interface document, 3.4.1), a call that will be switched off;
// [Client.ReportBattle] replaces it. The platform refuses a second call for the same user within a second. A non-nil error
// is an [*Error].
func (c *Client) ReportScore(ctx context.Context, app App, r ReportScoreRequest) error {
	r.fill(app)
	_, err := do[Status](ctx, c, callReportScore, app, r.OpenID, r)
	return err
}

// ReportBattleRequest is the body of /profile/wxbattle_report.
type ReportBattleRequest struct {
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// OpenID is the user the call is made for, one of those reported.
	OpenID string `json:"openid" required:"true"`
	// Battles are the reports, one a user. In JSON they are an array, or one alone is an object.
	Battles Battles `json:"json" required:"true"`
}

// Battles are the reports of one call. In JSON they are an array, or one alone is an object.
type Battles []Battle

// Battle is the result of a round for one user.
type Battle struct {
	// BaseInfo says who plays what.
	BaseInfo BaseInfo `json:"baseinfo" required:"true"`
	// BattleInfo is the round itself.
	BattleInfo *BattleInfo `json:"battleinfo,omitempty"`
	// UserDefined is the game's own data by an id, as agreed with the platform.
	UserDefined map[string]UserDefined `json:"userdefined,omitempty"`
}

// BaseInfo says who plays what.
type BaseInfo struct {
	// OpenID is the user's; required where a call has many.
	OpenID string `json:"openid,omitempty"`
	// GameName is what the game is called; recommended.
	GameName string `json:"gamename,omitempty"`
	// PlatID is 0 for iOS, 1 for Android.
	PlatID int `json:"platid" required:"true" enum:"0,1"`
	// PartitionID is the zone, where a game has zones: a string, which the older edition has as an integer.
	PartitionID Value `json:"partitionid,omitzero" type:"string" also:"integer"`
	// RoleID is the character's, where a game has them.
	RoleID string `json:"roleid,omitempty"`
	// Level of the user, where a game has levels.
	Level *int64 `json:"level,omitempty"`
}

// BattleInfo is the result of a round.
type BattleInfo struct {
	// Score is what the leaderboard ranks by; without it there is no place on it.
	Score *int64 `json:"score,omitempty"`
	// IsWin tells whether the round was won, where rounds are.
	IsWin *bool `json:"iswin,omitempty"`
	// ModeID is the way of playing (older edition): 1 is the normal one.
	ModeID *int64 `json:"modeid,omitempty"`
	// ActTime is when the round was played (older edition): 2014-09-24 13:10:45.
	ActTime string `json:"acttime,omitempty" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}$" want:"a time such as 2014-09-24 13:10:45"`
}

// UserDefined is a piece of a game's own data.
type UserDefined struct {
	// Name for people.
	Name string `json:"name"`
	// Value is an integer or a string.
	Value Value `json:"value" required:"true"`
}

// ReportBattle reports the results of a round, of one or many users: POST /profile/wxbattle_report (interface document,
// 3.4.2). The platform takes a call's reports all or not at all, and refuses a second call for the same OpenID within a
// second. [Client.BattleReport] does the same for reports that are JSON texts already. A non-nil error is an [*Error].
func (c *Client) ReportBattle(ctx context.Context, app App, r ReportBattleRequest) error {
	r.fill(app)
	_, err := do[Status](ctx, c, callReportBattle, app, r.OpenID, r)
	return err
}

func (r ReportBattleRequest) check() error {
	if len(r.Battles) < 2 {
		return nil
	}
	for i, b := range r.Battles {
		if b.BaseInfo.OpenID == "" {
			return &FieldError{Field: "json[" + itoa(int64(i)) + "].baseinfo.openid", Want: "the user's openid, as there are many users"}
		}
	}
	return nil
}

// MarshalJSON writes one report as an object and many as an array, as the document's examples do.
func (b Battles) MarshalJSON() ([]byte, error) {
	if len(b) == 1 {
		return json.Marshal(b[0])
	}
	return json.Marshal([]Battle(b))
}

// UnmarshalJSON reads either form.
func (b *Battles) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '{' {
		*b = make(Battles, 1)
		return json.Unmarshal(text, &(*b)[0])
	}
	return json.Unmarshal(text, (*[]Battle)(b))
}

// VIPRequest is the body of /profile/wxget_vip.
type VIPRequest struct {
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid" required:"true"`
	// AccessToken is the user's.
	AccessToken string `json:"accessToken" required:"true"`
	// Query says whose levels are asked for.
	Query VIPQuery `json:"json" required:"true"`
}

// VIPQuery says whose VIP levels are asked for.
type VIPQuery struct {
	// OpType 1 asks for those of the user and of the friends who play too; there is no other. The [Client] sends
	// it for 0.
	OpType int `json:"optype" required:"true" enum:"1"`
}

// VIPResponse is the answer to /profile/wxget_vip.
type VIPResponse struct {
	Status
	// Data is empty if there is nothing to tell.
	Data VIPData `json:"data"`
}

// VIPData are the VIP levels of users.
type VIPData struct {
	// Users are the user who asks, first, and the friends.
	Users []VIPInfo `json:"vipinfo"`
}

// VIPInfo is the VIP level of a user.
type VIPInfo struct {
	// OpenID is the user's in this app.
	OpenID string `json:"openid"`
	// Level of the user; 0 is none.
	Level int64 `json:"level"`
	// Score that the level follows from.
	Score int64 `json:"score"`
	// Nick is what the level is called, such as "VIP1".
	Nick string `json:"nick"`
	// LogoURL is not to be used for the time being, says the document.
	LogoURL string `json:"logo_url"`
	// LogoFaceURL is not to be used for the time being, says the document.
	LogoFaceURL string `json:"logo_faceurl"`
}

// VIP returns the VIP levels of a user and of the friends who play too: POST /profile/wxget_vip (interface document, 3.4.3).
// A non-nil error is an [*Error].
func (c *Client) VIP(ctx context.Context, app App, r VIPRequest) (*VIPResponse, error) {
	r.fill(app)
	return do[VIPResponse](ctx, c, callVIP, app, r.OpenID, r, r.AccessToken)
}
