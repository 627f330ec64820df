package msdkclient

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// good are requests of all calls that may be sent.
var good = struct {
	refresh  RefreshTokenRequest
	check    CheckTokenRequest
	upload   UploadPictureRequest
	share    ShareMessageRequest
	game     ShareGameMessageRequest
	friends  FriendsProfileRequest
	profiles ProfilesRequest
	ids      FriendsRequest
	user     UserInfoRequest
	score    ReportScoreRequest
	battle   ReportBattleRequest
	vip      VIPRequest
}{
	RefreshTokenRequest{RefreshToken: "r", OpenID: "o1"},
	CheckTokenRequest{AccessToken: "t", OpenID: "o1"},
	UploadPictureRequest{FileName: "b.jpg", ContentType: "image/jpeg", Picture: []byte("\xff\xd8 +%")},
	ShareMessageRequest{OpenID: "o1", FriendOpenID: "o2", AccessToken: "t", Title: "hello"},
	ShareGameMessageRequest{
		AccessToken: "t", OpenID: "o1", ToUser: "o2", MsgType: MsgText, Title: "hello", Content: "you", Button: AppButton("go", "x"),
	},
	FriendsProfileRequest{AccessToken: "t", OpenID: "o1"},
	ProfilesRequest{AccessToken: "t", OpenIDs: []string{"o1", "o2"}},
	FriendsRequest{AccessToken: "t", OpenID: "o1"},
	UserInfoRequest{AccessToken: "t", OpenID: "o1"},
	ReportScoreRequest{OpenID: "o1", Score: "1000000"},
	ReportBattleRequest{OpenID: "o1", Battles: Battles{{BaseInfo: BaseInfo{OpenID: "o1"}, BattleInfo: &BattleInfo{Score: new(int64(7))}}}},
	VIPRequest{AccessToken: "t", OpenID: "o1"},
}

// calling makes each of the twelve calls once, by its path.
func calling(t *testing.T, c *Client, app App) map[string]func() error {
	t.Helper()
	ctx := t.Context()
	return map[string]func() error{
		PathRefreshToken:     func() error { _, err := c.RefreshToken(ctx, app, good.refresh); return err },
		PathCheckToken:       func() error { return c.CheckToken(ctx, app, good.check) },
		PathUploadPicture:    func() error { _, err := c.UploadPicture(ctx, app, good.upload); return err },
		PathShareMessage:     func() error { return c.ShareMessage(ctx, app, good.share) },
		PathShareGameMessage: func() error { return c.ShareGameMessage(ctx, app, good.game) },
		PathFriendsProfile:   func() error { _, err := c.FriendsProfile(ctx, app, good.friends); return err },
		PathProfiles:         func() error { _, err := c.Profiles(ctx, app, good.profiles); return err },
		PathFriends:          func() error { _, err := c.Friends(ctx, app, good.ids); return err },
		PathUserInfo:         func() error { _, err := c.UserInfo(ctx, app, good.user); return err },
		PathReportScore:      func() error { return c.ReportScore(ctx, app, good.score) },
		PathReportBattle:     func() error { return c.ReportBattle(ctx, app, good.battle) },
		PathVIP:              func() error { _, err := c.VIP(ctx, app, good.vip); return err },
	}
}

func TestEachCallIsSentAsTheDocumentHasIt(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]struct{ url, body, answer string }{
		PathRefreshToken:  {"/auth/refresh_token/ o1", `{"appid":"APP","refreshToken":"r"}`, `"accessToken":"a","refreshToken":"b"`},
		PathCheckToken:    {"/auth/check_token/ o1", `{"accessToken":"t","openid":"o1"}`, ""},
		PathUploadPicture: {"/share/upload_wx/ none", `{"flag":1,"appid":"APP","secret":"sesame-open","access_token":"","type":"thumb","filename":"b.jpg","filelength":5,"content_type":"image/jpeg","binary":"%FF%D8%20%2B%25"}`, `"media_id":"m"`},
		PathShareMessage:  {"/share/wx/ o1", `{"openid":"o1","fopenid":"o2","access_token":"t","extinfo":"","title":"hello","description":"","media_tag_name":"","thumb_media_id":""}`, ""},
		PathShareGameMessage: {"/share/wxgame/ o1", `{"access_token":"t","openid":"o1","appid":"APP","touser":"o2","msgtype":"text","title":"hello","content":"you",` +
			`"button":{"type":"app","name":"go","app":{"message_ext":"x"}}}`, ""},
		PathFriendsProfile: {"/relation/wxfriends_profile/ o1", `{"accessToken":"t","openid":"o1"}`, ""},
		PathProfiles:       {"/relation/wxprofile/ o1", `{"accessToken":"t","openids":["o1","o2"]}`, ""},
		PathFriends:        {"/relation/wxfriends/ o1", `{"openid":"o1","accessToken":"t"}`, ""},
		PathUserInfo:       {"/relation/wxuserinfo/ o1", `{"appid":"APP","openid":"o1","accessToken":"t"}`, ""},
		PathReportScore:    {"/profile/wxscore/ o1", `{"appid":"APP","grantType":"client_credential","openid":"o1","score":"1000000","expires":"0"}`, ""},
		PathReportBattle:   {"/profile/wxbattle_report/ o1", `{"appid":"APP","openid":"o1","json":{"baseinfo":{"openid":"o1","platid":0},"battleinfo":{"score":7}}}`, ""},
		PathVIP:            {"/profile/wxget_vip o1", `{"appid":"APP","openid":"o1","accessToken":"t","json":{"optype":1}}`, ""},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			var url, body string
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				user := "none"
				if q := r.URL.Query(); q.Has("openid") {
					user = q.Get("openid")
				}
				url = r.URL.Path + " " + user
				var text json.RawMessage
				_ = json.NewDecoder(r.Body).Decode(&text)
				body = string(text)
				_, _ = w.Write([]byte(`{"ret":0,"msg":"success",` + want.answer + `}`))
			})
			if err := calling(t, c, testApp)[path](); err != nil {
				t.Fatal(err)
			}
			if wantBody := strings.ReplaceAll(want.body, "APP", testApp.ID); url != want.url || body != wantBody {
				t.Errorf("%s %s\nwant\n%s %s", url, body, want.url, wantBody)
			}
		})
	}
}

func TestWhatThePlatformWouldNotTakeIsRefusedHere(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	ctx := t.Context()
	upload := func(spoil func(*UploadPictureRequest)) func() error {
		return func() error {
			r := good.upload
			spoil(&r)
			_, err := c.UploadPicture(ctx, testApp, r)
			return err
		}
	}
	share := func(spoil func(*ShareMessageRequest)) func() error {
		return func() error { r := good.share; spoil(&r); return c.ShareMessage(ctx, testApp, r) }
	}
	game := func(spoil func(*ShareGameMessageRequest)) func() error {
		return func() error { r := good.game; spoil(&r); return c.ShareGameMessage(ctx, testApp, r) }
	}
	score := func(spoil func(*ReportScoreRequest)) func() error {
		return func() error { r := good.score; spoil(&r); return c.ReportScore(ctx, testApp, r) }
	}
	battle := func(b ...Battle) func() error {
		return func() error {
			return c.ReportBattle(ctx, testApp, ReportBattleRequest{OpenID: "o1", Battles: b})
		}
	}
	var fraction Value
	if err := json.Unmarshal([]byte("1.5"), &fraction); err != nil {
		t.Fatal(err)
	}
	const expiry = "want the Unix time in seconds, such as 1893456000, or 0 for never; no duration, no milliseconds"
	for rule, tt := range map[string]struct {
		call func() error
		want string
	}{
		"no refresh token": {func() error {
			_, err := c.RefreshToken(ctx, testApp, RefreshTokenRequest{OpenID: "o1"})
			return err
		}, "refreshToken: want a string that is not empty"},
		"no user for the URL": {func() error {
			_, err := c.RefreshToken(ctx, testApp, RefreshTokenRequest{RefreshToken: "r"})
			return err
		}, "openid: want the user's openid, for the URL"},
		"no access token": {func() error { return c.CheckToken(ctx, testApp, CheckTokenRequest{OpenID: "o1"}) }, "accessToken: want a string that is not empty"},
		"no openid":       {func() error { return c.CheckToken(ctx, testApp, CheckTokenRequest{AccessToken: "t"}) }, "openid: want a string that is not empty"},
		"another app's id": {func() error {
			_, err := c.UserInfo(ctx, testApp, UserInfoRequest{AppID: "wx2", OpenID: "o1", AccessToken: "t"})
			return err
		}, "appid: wx2: want that of the call's app, " + testApp.ID},
		"no users to ask about": {func() error {
			_, err := c.Profiles(ctx, testApp, ProfilesRequest{AccessToken: "t"})
			return err
		}, "openids: want an array that is not empty"},
		"a user without a name among them": {func() error {
			_, err := c.Profiles(ctx, testApp, ProfilesRequest{AccessToken: "t", OpenIDs: []string{"o1", ""}})
			return err
		}, "openids[1]: want a string that is not empty"},
		"another optype": {func() error {
			_, err := c.VIP(ctx, testApp, VIPRequest{OpenID: "o1", AccessToken: "t", Query: VIPQuery{2}})
			return err
		}, "json.optype: 2: want 1"},

		"a picture of a byte too many": {upload(func(r *UploadPictureRequest) { r.Picture = make([]byte, 65537) }), "filelength: 65537: want 1 to 65536"},
		"no picture":                   {upload(func(r *UploadPictureRequest) { r.Picture = nil }), "filelength: 0: want 1 to 65536"},
		"another size than the picture's": {
			upload(func(r *UploadPictureRequest) { r.FileLength = 7 }),
			"filelength: 7: want the size of the picture, 5",
		},
		"a blank in a picture": {
			upload(func(r *UploadPictureRequest) { r.Binary, r.FileLength = "a b", 3 }),
			"binary: ' ' at 1: want percent-encoding by RFC 3986, in which a blank is %20 and a plus %2B",
		},
		"a plus in a picture": {
			upload(func(r *UploadPictureRequest) { r.Binary, r.FileLength = "a+b", 3 }),
			"binary: '+' at 1: want percent-encoding by RFC 3986, in which a blank is %20 and a plus %2B",
		},
		"half an escape in a picture": {
			upload(func(r *UploadPictureRequest) { r.Binary, r.FileLength = "a%2", 2 }),
			`binary: invalid URL escape "%2": want percent-encoding by RFC 3986, in which a blank is %20 and a plus %2B`,
		},
		"a file that is no picture": {
			upload(func(r *UploadPictureRequest) { r.ContentType = "text/html" }),
			`content_type: "text/html": want the type of a picture, such as image/jpeg`,
		},
		"another flag": {upload(func(r *UploadPictureRequest) { r.Flag = 2 }), "flag: 2: want 1"},
		"an upload whose key is none of its secrets": {func() error {
			_, err := c.UploadPicture(ctx, App{testApp.ID, "msdkkey", 2}, good.upload)
			return err
		}, "secret: want the appkey"},

		"a byte too many of extinfo":   {share(func(r *ShareMessageRequest) { r.ExtInfo = strings.Repeat("é", 1024) + "x" }), "extinfo: 2049 bytes: want 2048 bytes at most"},
		"a message without a title":    {share(func(r *ShareMessageRequest) { r.Title = "" }), "title: want a string that is not empty"},
		"a message to nobody":          {share(func(r *ShareMessageRequest) { r.FriendOpenID = "" }), "fopenid: want a string that is not empty"},
		"a message of an unknown type": {game(func(r *ShareGameMessageRequest) { r.MsgType = "sound" }), `msgtype: "sound": want text, image, video or link`},
		"an image without one":         {game(func(r *ShareGameMessageRequest) { r.MsgType = MsgImage }), "type_info.picurl: want it, for msgtype image"},
		"a video without its address": {game(func(r *ShareGameMessageRequest) {
			r.MsgType, r.TypeInfo = MsgVideo, &TypeInfo{PicURL: "u", Width: 1, Height: 1}
		}), "type_info.mediaurl: want it, for msgtype video"},
		"a link without an icon":           {game(func(r *ShareGameMessageRequest) { r.MsgType, r.TypeInfo = MsgLink, &TypeInfo{URL: "u"} }), "type_info.iconurl: want it, for msgtype link"},
		"a button of an unknown type":      {game(func(r *ShareGameMessageRequest) { r.Button.Type = "bell" }), `button.type: "bell": want rank, web or app`},
		"a button without what it is for":  {game(func(r *ShareGameMessageRequest) { r.Button.Type = "web" }), "button.webview: want it, for button.type web"},
		"a button that opens nothing":      {game(func(r *ShareGameMessageRequest) { r.Button = WebButton("b", "") }), "button.webview.url: want a string that is not empty"},
		"no button":                        {game(func(r *ShareGameMessageRequest) { r.Button = Button{} }), "button.type: want rank, web or app"},
		"a score with a fraction":          {score(func(r *ReportScoreRequest) { r.Score = "1.5" }), `score: "1.5": want a decimal integer, such as 1000000`},
		"no score":                         {score(func(r *ReportScoreRequest) { r.Score = "" }), "score: want a decimal integer, such as 1000000"},
		"an expiry that is a duration":     {score(func(r *ReportScoreRequest) { r.Expires = "86400" }), `expires: "86400": ` + expiry},
		"an expiry in milliseconds":        {score(func(r *ReportScoreRequest) { r.Expires = "1893456000000" }), `expires: "1893456000000": ` + expiry},
		"an expiry that is a date":         {score(func(r *ReportScoreRequest) { r.Expires = "2030-01-01" }), `expires: "2030-01-01": ` + expiry},
		"another grant":                    {score(func(r *ReportScoreRequest) { r.GrantType = "code" }), `grantType: "code": want client_credential`},
		"no report":                        {battle(), "json: want an object or array that is not empty"},
		"a platform that is none":          {battle(Battle{BaseInfo: BaseInfo{PlatID: 2}}), "json[0].baseinfo.platid: 2: want 0 or 1"},
		"a time of another form":           {battle(Battle{BattleInfo: &BattleInfo{ActTime: "2014-09-24T13:10:45Z"}}), `json[0].battleinfo.acttime: "2014-09-24T13:10:45Z": want a time such as 2014-09-24 13:10:45`},
		"many reports and one of nobody":   {battle(Battle{BaseInfo: BaseInfo{OpenID: "o1"}}, Battle{}), "json[1].baseinfo.openid: want the user's openid, as there are many users"},
		"data of the game without a value": {battle(Battle{UserDefined: map[string]UserDefined{"coins": {Name: "coins"}}}), "json[0].userdefined.coins.value: want an integer or string that is not empty"},
		"data of the game with a fraction": {battle(Battle{UserDefined: map[string]UserDefined{"coins": {"coins", fraction}}}), "json[0].userdefined.coins.value: 1.5: want an integer or string that is not empty"},
		"a zone with a fraction":           {battle(Battle{BaseInfo: BaseInfo{PartitionID: fraction}}), "json[0].baseinfo.partitionid: 1.5: want a string or integer"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			e := asError(t, tt.call())
			if e.Class != Record || e.HTTPStatus != 0 || e.Uncertain || e.Err == nil || e.Err.Error() != tt.want {
				t.Errorf("%v\nwant %s", e, tt.want)
			}
		})
	}
}

func TestGuestsAreRefusedBeforeTheCall(t *testing.T) {
	t.Parallel()
	c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was sent") })
	for path, call := range calling(t, c, App{ID: "G_1", Key: "k", Encode: 1}) {
		if e := asError(t, call()); e.Class != Endpoint || e.Path != path || !strings.Contains(e.Error(), "appid: G_1: want one without the prefix G_: guests may call nothing but /auth/guest_check_token") {
			t.Error(e)
		}
	}
	if e := asError(t, c.CheckToken(t.Context(), testApp, CheckTokenRequest{AccessToken: "t", OpenID: "G_ann"})); e.Class != Record || strings.Contains(e.Error(), "ann") {
		t.Error(e)
	}
}
