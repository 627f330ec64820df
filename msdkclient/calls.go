package msdkclient

import (
	"reflect"
	"slices"
	"strings"
)

// The paths of the twelve calls, as the interface document writes them.
const (
	PathRefreshToken     = "/auth/refresh_token"
	PathCheckToken       = "/auth/check_token"
	PathUploadPicture    = "/share/upload_wx"
	PathShareMessage     = "/share/wx"
	PathShareGameMessage = "/share/wxgame"
	PathFriendsProfile   = "/relation/wxfriends_profile"
	PathProfiles         = "/relation/wxprofile"
	PathFriends          = "/relation/wxfriends"
	PathUserInfo         = "/relation/wxuserinfo"
	PathReportScore      = "/profile/wxscore"
	PathReportBattle     = "/profile/wxbattle_report"
	PathVIP              = "/profile/wxget_vip"
)

// Limits on an answer, in bytes. A friend takes 250 to 300 bytes of a list, and there may be thousands.
const (
	maxAnswer     = 64 << 10
	maxListAnswer = 4 << 20
	sizeOfFriend  = 250
)

// Call describes one of the twelve calls of the MSDK interface document. It is not to be modified.
type Call struct {
	Path      string // "/auth/refresh_token"
	Section   string // of the interface document: "3.1.1"
	Method    string // of [Client]: "RefreshToken"
	Summary   string // a line for people
	UserToken bool   // it carries a token of the user: an answer about one concerns that user alone
	MaxAnswer int64  // bytes of an answer that are read

	bare     bool // the documented URL has no slash after the path
	request  reflect.Type
	response reflect.Type
}

// The calls, in the order of the document.
var (
	callRefreshToken = &Call{
		Path: PathRefreshToken, Section: "3.1.1", Method: "RefreshToken", UserToken: true, MaxAnswer: maxAnswer,
		Summary: "a new access token for a refresh token",
		request: reflect.TypeFor[RefreshTokenRequest](), response: reflect.TypeFor[RefreshTokenResponse](),
	}
	callCheckToken = &Call{
		Path: PathCheckToken, Section: "3.1.2", Method: "CheckToken", UserToken: true, MaxAnswer: maxAnswer,
		Summary: "whether an access token is good",
		request: reflect.TypeFor[CheckTokenRequest](), response: reflect.TypeFor[Status](),
	}
	callUploadPicture = &Call{
		Path: PathUploadPicture, Section: "3.2.1", Method: "UploadPicture", MaxAnswer: maxAnswer,
		Summary: "a media id for a picture, to share messages with",
		request: reflect.TypeFor[UploadPictureRequest](), response: reflect.TypeFor[UploadPictureResponse](),
	}
	callShareMessage = &Call{
		Path: PathShareMessage, Section: "3.2.2", Method: "ShareMessage", UserToken: true, MaxAnswer: maxAnswer,
		Summary: "a message from a user to a friend who plays too",
		request: reflect.TypeFor[ShareMessageRequest](), response: reflect.TypeFor[Status](),
	}
	callShareGameMessage = &Call{
		Path: PathShareGameMessage, Section: "3.2.3", Method: "ShareGameMessage", UserToken: true, MaxAnswer: maxAnswer,
		Summary: "a message to a friend, shown in the game center",
		request: reflect.TypeFor[ShareGameMessageRequest](), response: reflect.TypeFor[Status](),
	}
	callFriendsProfile = &Call{
		Path: PathFriendsProfile, Section: "3.3.1", Method: "FriendsProfile", UserToken: true, MaxAnswer: maxListAnswer,
		Summary: "a user's friends who play too, with their profiles",
		request: reflect.TypeFor[FriendsProfileRequest](), response: reflect.TypeFor[ProfilesResponse](),
	}
	callProfiles = &Call{
		Path: PathProfiles, Section: "3.3.2", Method: "Profiles", UserToken: true, MaxAnswer: maxListAnswer,
		Summary: "the profiles of users who are named",
		request: reflect.TypeFor[ProfilesRequest](), response: reflect.TypeFor[ProfilesResponse](),
	}
	callFriends = &Call{
		Path: PathFriends, Section: "3.3.3", Method: "Friends", UserToken: true, MaxAnswer: maxListAnswer,
		Summary: "the openids of a user's friends who play too",
		request: reflect.TypeFor[FriendsRequest](), response: reflect.TypeFor[FriendsResponse](),
	}
	callUserInfo = &Call{
		Path: PathUserInfo, Section: "3.3.4", Method: "UserInfo", UserToken: true, MaxAnswer: maxAnswer,
		Summary: "a user's own profile",
		request: reflect.TypeFor[UserInfoRequest](), response: reflect.TypeFor[UserInfoResponse](),
	}
	callReportScore = &Call{
		Path: PathReportScore, Section: "3.4.1", Method: "ReportScore", MaxAnswer: maxAnswer,
		Summary: "one user's score, by the call that wxbattle_report replaces",
		request: reflect.TypeFor[ReportScoreRequest](), response: reflect.TypeFor[Status](),
	}
	callReportBattle = &Call{
		Path: PathReportBattle, Section: "3.4.2", Method: "ReportBattle", MaxAnswer: maxAnswer,
		Summary: "the results of a round, of one or many users",
		request: reflect.TypeFor[ReportBattleRequest](), response: reflect.TypeFor[Status](),
	}
	callVIP = &Call{
		Path: PathVIP, Section: "3.4.3", Method: "VIP", UserToken: true, MaxAnswer: maxListAnswer, bare: true,
		Summary: "the VIP levels of a user and of friends",
		request: reflect.TypeFor[VIPRequest](), response: reflect.TypeFor[VIPResponse](),
	}
)

var calls = []*Call{
	callRefreshToken, callCheckToken, callUploadPicture, callShareMessage, callShareGameMessage, callFriendsProfile,
	callProfiles, callFriends, callUserInfo, callReportScore, callReportBattle, callVIP,
}

// Calls returns the twelve calls in the order of the interface document.
func Calls() []*Call { return slices.Clone(calls) }

// LookupCall finds a call by its path, with or without a slash at the end. /wxoauth/check_token is an older name of
// /auth/check_token.
func LookupCall(path string) (*Call, bool) {
	path = strings.TrimSuffix(path, "/")
	if path == "/wxoauth/check_token" {
		path = PathCheckToken
	}
	i := slices.IndexFunc(calls, func(c *Call) bool { return c.Path == path })
	if i < 0 {
		return nil, false
	}
	return calls[i], true
}

// NewRequest returns a pointer to an empty request of this call, such as a *[RefreshTokenRequest].
func (c *Call) NewRequest() any { return reflect.New(c.request).Interface() }

// NewResponse returns a pointer to an empty answer to this call, such as a *[RefreshTokenResponse].
func (c *Call) NewResponse() any { return reflect.New(c.response).Interface() }

// RequestFields describes the body of this call.
func (c *Call) RequestFields() []*Field { return fieldsOf(c.request) }

// ResponseFields describes the answer to this call.
func (c *Call) ResponseFields() []*Field { return fieldsOf(c.response) }

// URLPath is the path as the document has it in the URL: with a slash at its end for all calls but /profile/wxget_vip.
func (c *Call) URLPath() string {
	if c.bare {
		return c.Path
	}
	return c.Path + "/"
}
