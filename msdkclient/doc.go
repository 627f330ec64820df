// Package msdkclient is a client of MSDK, the backend through which a game reaches WeChat: its users' tokens, friends and
// profiles, messages between them, and the leaderboards of the WeChat Game Center.
//
// # The calls
//
// Each of the twelve calls of the interface document (chapter 3) is a method of [Client], and takes a request whose fields
// are the document's, by name and type:
//
//   - POST /auth/refresh_token: [Client.RefreshToken], a new access token for a refresh token
//   - POST /auth/check_token: [Client.CheckToken], whether an access token is good
//   - POST /share/upload_wx: [Client.UploadPicture], a media id for a picture of at most 64 KiB
//   - POST /share/wx: [Client.ShareMessage], a message to a friend who plays too
//   - POST /share/wxgame: [Client.ShareGameMessage], a message shown in the game center
//   - POST /relation/wxfriends_profile: [Client.FriendsProfile], the friends who play too, with their profiles
//   - POST /relation/wxprofile: [Client.Profiles], the profiles of users who are named
//   - POST /relation/wxfriends: [Client.Friends], the openids of the friends who play too
//   - POST /relation/wxuserinfo: [Client.UserInfo], a user's own profile
//   - POST /profile/wxscore: [Client.ReportScore], one user's score (to be switched off)
//   - POST /profile/wxbattle_report: [Client.ReportBattle], the results of a round, of one or many users
//   - POST /profile/wxget_vip: [Client.VIP], the VIP levels of a user and of friends
//
// [Client.BattleReport] is ReportBattle for reports that are JSON texts already, and [Client.Send] makes any of the calls
// with a body that is. [Calls] describes them all, as data.
//
// # How to begin
//
// Make one [Client] for a process with [New], and share it: it owns the connections, and is safe for concurrent use.
//
//	client, err := msdkclient.New(msdkclient.DefaultConfig())
//	…
//	app := msdkclient.App{ID: "wx…", Key: appkey, Encode: 1}
//	user, err := client.UserInfo(ctx, app, msdkclient.UserInfoRequest{OpenID: openid, AccessToken: token})
//
// Each call is told the [App] that makes it; appid, appkey and what else is the same in all calls need not be said again in the
// request.
//
// What a request must hold is checked before it is sent: what the platform would refuse is an [*Error] with a [*FieldError]
// in it, which names the field, the value and what is allowed. Answers are read liberally, as many hands have written them:
// numbers may come as strings and strings as numbers, a message may hold any bytes. All digits of a number are kept.
//
// # What a failure means
//
// Every failure is an [*Error], to be had by [errors.As]. Its [Class] says what the caller can do, and Uncertain whether the
// platform may have acted all the same. For the usual decisions there are four questions:
//
//   - [IsRetryable]: it may pass. Wait and call again; the call is signed anew.
//   - [IsThrottled]: calls come too fast. Wait for RetryAfter at least.
//   - [NeedsRefresh]: the user's access token has expired, as it does after two hours. See [Client.TokenSource].
//   - [Reauthorize]: the user has to log in again.
//
// The same code means different things by call: 40001 to a report says that the app itself is not welcome, to a call with a
// user's token that this token is no good. [Explain] tells all that is known of a code.
//
// A call is one attempt: the package does not retry, wait, queue, batch or log. The platform refuses a second call about one
// user within a second, and one whose timestamp is more than ten minutes off.
//
// # What is kept secret
//
// Keys, tokens and signatures appear in no error and no text this package makes. [RedactURL] makes a call's URL fit to be
// shown.
//
// # To try it
//
// Package [github.com/battlereport/battlereport/msdkclient/msdktest] is a platform to test against; the examples run on it.
package msdkclient
