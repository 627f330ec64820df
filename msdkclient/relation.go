package msdkclient

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"strconv"
)

// Profile is what is known of a user's account (WXInfo in the interface document).
type Profile struct {
	// NickName is what the user is called.
	NickName string `json:"nickName"`
	// Sex of the user.
	Sex Sex `json:"sex"`
	// Picture of the user.
	Picture PictureURL `json:"picture"`
	// Province that the user lives in; the field is spelled so.
	Province string `json:"provice"`
	// City that the user lives in.
	City string `json:"city"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid"`
	// Country that the user lives in (/relation/wxprofile).
	Country string `json:"country,omitempty"`
	// Language of the user (/relation/wxprofile).
	Language string `json:"language,omitempty"`
}

// Sex as the account has it. It comes as a number or as a string; users who have not filled it in may be taken for male.
type Sex int

// The values of [Sex].
const (
	SexUnknown Sex = iota
	SexMale
	SexFemale
)

// PictureURL is the address of a user's picture; it may be empty.
type PictureURL string

var pictureSize = regexp.MustCompile(`/(0|46|64|96|132)$`)

// The sizes of a user's picture, in pixels of its sides.
var pictureSizes = map[int]bool{0: true, 46: true, 64: true, 96: true, 132: true}

// Size is the address of the picture at 46, 64, 96 or 132 pixels a side, or as it was uploaded with 0. It is empty if there
// is no picture, and if there is none of that size.
func (u PictureURL) Size(pixels int) string {
	if u == "" || !pictureSizes[pixels] {
		return ""
	}
	return pictureSize.ReplaceAllString(string(u), "") + "/" + strconv.Itoa(pixels)
}

// ProfilesResponse is the answer to /relation/wxfriends_profile and /relation/wxprofile.
type ProfilesResponse struct {
	Status
	// Profiles are those asked for.
	Profiles []Profile `json:"lists"`
	// Privilege of the first user, such as "chinaunicom".
	Privilege []string `json:"privilege"`
	// Country of the user who asks.
	Country string `json:"country,omitempty"`
	// Language of the user who asks.
	Language string `json:"language,omitempty"`
}

// FriendsProfileRequest is the body of /relation/wxfriends_profile.
type FriendsProfileRequest struct {
	// AccessToken is the user's.
	AccessToken string `json:"accessToken" required:"true"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid" required:"true"`
}

// FriendsProfile returns the profiles of the friends who play the same game: POST /relation/wxfriends_profile (interface
// document, 3.3.1). It does in one call what [Client.Friends] and [Client.Profiles] do in two. A non-nil error is an [*Error].
func (c *Client) FriendsProfile(ctx context.Context, app App, r FriendsProfileRequest) (*ProfilesResponse, error) {
	return do[ProfilesResponse](ctx, c, callFriendsProfile, app, r.OpenID, r, r.AccessToken)
}

// ProfilesRequest is the body of /relation/wxprofile.
type ProfilesRequest struct {
	// AccessToken is the user's who asks.
	AccessToken string `json:"accessToken" required:"true"`
	// OpenIDs are the users asked about. Privileges are told of the first alone.
	OpenIDs []string `json:"openids" required:"true"`
	// OpenID is the user who asks, for the URL alone. Empty: the first of OpenIDs.
	OpenID string `json:"-"`
}

// Profiles returns the profiles of users: POST /relation/wxprofile (interface document, 3.3.2; for "boutique" games). A
// non-nil error is an [*Error].
func (c *Client) Profiles(ctx context.Context, app App, r ProfilesRequest) (*ProfilesResponse, error) {
	if len(r.OpenIDs) > 0 {
		r.OpenID = cmp.Or(r.OpenID, r.OpenIDs[0])
	}
	return do[ProfilesResponse](ctx, c, callProfiles, app, r.OpenID, r, r.AccessToken)
}

// FriendsRequest is the body of /relation/wxfriends.
type FriendsRequest struct {
	// OpenID is the user's in this app.
	OpenID string `json:"openid" required:"true"`
	// AccessToken is the user's.
	AccessToken string `json:"accessToken" required:"true"`
}

// FriendsResponse is the answer to /relation/wxfriends.
type FriendsResponse struct {
	Status
	// OpenIDs are the friends'.
	OpenIDs []string `json:"openids"`
}

// Friends returns the openids of the friends who play the same game: POST /relation/wxfriends (interface document, 3.3.3).
// A friend added shows after about an hour. A non-nil error is an [*Error].
func (c *Client) Friends(ctx context.Context, app App, r FriendsRequest) (*FriendsResponse, error) {
	return do[FriendsResponse](ctx, c, callFriends, app, r.OpenID, r, r.AccessToken)
}

// UserInfoRequest is the body of /relation/wxuserinfo.
type UserInfoRequest struct {
	// AppID is the app's. Empty: that of the [App] of the call.
	AppID string `json:"appid" required:"true"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid" required:"true"`
	// AccessToken is the user's.
	AccessToken string `json:"accessToken" required:"true"`
}

// UserInfoResponse is the answer to /relation/wxuserinfo.
type UserInfoResponse struct {
	Status
	// NickName is what the user is called.
	NickName string `json:"nickname"`
	// Picture of the user.
	Picture PictureURL `json:"picture"`
	// Province that the user lives in.
	Province string `json:"province"`
	// City that the user lives in.
	City string `json:"city"`
	// Country that the user lives in.
	Country string `json:"country"`
	// Sex of the user. Here it is sent as a string.
	Sex Sex `json:"sex" also:"string"`
	// UnionID is the user's in all apps of the same developer.
	UnionID string `json:"unionid"`
	// Privilege of the user, such as "chinaunicom".
	Privilege []string `json:"privilege"`
	// Language of the user; it may be missing.
	Language string `json:"language,omitempty"`
	// GPSCity is the city that the user was last seen in.
	GPSCity string `json:"gpsCity,omitempty"`
	// OpenID is the user's in this app.
	OpenID string `json:"openid,omitempty"`
}

// MarshalJSON is the answer as the platform sends it, with the sex as a string.
func (r UserInfoResponse) MarshalJSON() ([]byte, error) {
	type plain UserInfoResponse
	return json.Marshal(struct {
		plain
		Sex string `json:"sex"`
	}{plain(r), strconv.Itoa(int(r.Sex))})
}

// UserInfo returns a user's own profile: POST /relation/wxuserinfo (interface document, 3.3.4). A non-nil error is an
// [*Error].
func (c *Client) UserInfo(ctx context.Context, app App, r UserInfoRequest) (*UserInfoResponse, error) {
	r.fill(app)
	return do[UserInfoResponse](ctx, c, callUserInfo, app, r.OpenID, r, r.AccessToken)
}
