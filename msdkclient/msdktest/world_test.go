package msdktest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// town has ann and bob, who are friends, and cid, who is nobody's; dan plays another game.
var town = msdktest.Config{
	NoUserLimit: true,
	Apps: []msdktest.App{
		{ID: "wx1", AppKey: appKey, MSDKKey: msdkKey, Users: []msdktest.User{
			{
				OpenID: "ann", NickName: "Ann 安", Sex: 2, Picture: "http://pic/ann", Province: "Guangdong", City: "Shenzhen", Country: "CN",
				Language: "zh_CN", UnionID: "u-ann", Privilege: []string{"chinaunicom"}, VIPLevel: 3, VIPScore: 310, Friends: []string{"bob"},
			},
			{OpenID: "bob", NickName: "Bob", Country: "JP", Language: "ja", Privilege: []string{}, VIPLevel: 1, VIPScore: 10},
			{OpenID: "cid", NickName: "Cid", Privilege: []string{}},
		}},
		{ID: "wx2", AppKey: appKey, Users: []msdktest.User{{OpenID: "dan"}}},
	},
}

// The bodies of calls, as the document has them.
var (
	refresh = func(token string) string { return `{"appid":"wx1","refreshToken":"` + token + `"}` }
	check   = func(token, openid string) string { return `{"accessToken":"` + token + `","openid":"` + openid + `"}` }
	message = func(token, from, to, media string) string {
		return fmt.Sprintf(`{"openid":%q,"fopenid":%q,"access_token":%q,"extinfo":"x","title":"t","description":"d","media_tag_name":"m","thumb_media_id":%q}`, from, to, token, media)
	}
	game = func(token, from, to string) string {
		return fmt.Sprintf(`{"access_token":%q,"openid":%q,"appid":"wx1","touser":%q,"msgtype":"text","title":"t","content":"c","button":{"type":"rank","name":"n","rankview":{"title":"t","button_name":"b","message_ext":"e"}}}`, token, from, to)
	}
	picture = func(secret, binary string, size int) string {
		return fmt.Sprintf(`{"flag":1,"appid":"wx1","secret":%q,"access_token":"","type":"thumb","filename":"b.jpg","filelength":%d,"content_type":"image\/jpeg","binary":%q}`, secret, size, binary)
	}
	score = func(openid, score, expires string) string {
		return fmt.Sprintf(`{"appid":"wx1","grantType":"client_credential","openid":%q,"score":%q,"expires":%q}`, openid, score, expires)
	}
	withAppID = func(token, openid, rest string) string {
		return fmt.Sprintf(`{"appid":"wx1","openid":%q,"accessToken":%q%s}`, openid, token, rest)
	}
)

// answer puts a call about openid to sim and reads the answer.
func answer(t *testing.T, sim *msdktest.Server, path, openid, body string, into any) {
	t.Helper()
	_, got := newCall(path, openid, body).do(sim)
	if err := json.Unmarshal([]byte(got), into); err != nil {
		t.Fatalf("%s: %v: %s", path, err, got)
	}
}

func TestTokensAgeAndAreRefreshed(t *testing.T) {
	t.Parallel()
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

func TestFriendsAreMutualAndANewOneShowsUpAfterAnHour(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	friends := func(of string) string {
		t.Helper()
		var list msdkclient.FriendsResponse
		answer(t, sim, msdkclient.PathFriends, of, check("at_"+of, of), &list)
		var profiles msdkclient.ProfilesResponse
		answer(t, sim, msdkclient.PathFriendsProfile, of, check("at_"+of, of), &profiles)
		var vips msdkclient.VIPResponse
		answer(t, sim, msdkclient.PathVIP, of, withAppID("at_"+of, of, `,"json":{"optype":1}`), &vips)
		if len(profiles.Profiles) != len(list.OpenIDs) || len(vips.Data.Users) != len(list.OpenIDs)+1 || vips.Data.Users[0].OpenID != of {
			t.Fatalf("of %v there are the profiles %v and the levels %v", list.OpenIDs, profiles.Profiles, vips.Data.Users)
		}
		for i, openid := range list.OpenIDs {
			if profiles.Profiles[i].OpenID != openid || vips.Data.Users[i+1].OpenID != openid {
				t.Errorf("of %v there are the profiles %v and the levels %v", list.OpenIDs, profiles.Profiles, vips.Data.Users)
			}
		}
		return strings.Join(list.OpenIDs, " ")
	}
	if a, b, c := friends("ann"), friends("bob"), friends("cid"); a != "bob" || b != "ann" || c != "" {
		t.Errorf("friends of ann %q, of bob %q, of cid %q", a, b, c)
	}
	for range 2 { // once is enough
		if err := sim.Befriend("wx1", "cid", "ann"); err != nil {
			t.Fatal(err)
		}
	}
	toCid := newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "cid", ""))
	sim.Advance(time.Hour - time.Minute)
	mustAnswer(t, sim, toCid, `{"ret":-20000,"msg":"43005,users are not friends: cid is a new friend, who shows up at `)
	if got := friends("ann"); got != "bob" {
		t.Errorf("early, ann's friends are %q", got)
	}
	sim.Advance(time.Minute)
	mustAnswer(t, sim, toCid, `{"ret":0`)
	if a, c := friends("ann"), friends("cid"); a != "bob cid" || c != "ann" {
		t.Errorf("an hour later ann's friends are %q, cid's %q", a, c)
	}
	for _, err := range []error{
		sim.Befriend("wx0", "ann", "cid"), sim.Befriend("wx1", "ann", "dan"), sim.Befriend("wx1", "", "ann"), sim.Befriend("wx1", "ann", "ann"),
	} {
		if err == nil {
			t.Error("who is not there has made friends")
		}
	}
}

func TestProfilesAreThoseOfTheUsers(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	const ann = `{"nickName":"Ann 安","sex":2,"picture":"http://pic/ann","provice":"Guangdong","city":"Shenzhen","openid":"ann"`
	for _, tt := range []struct{ path, body, want string }{
		{
			msdkclient.PathFriendsProfile, check("at_bob", "bob"),
			`{"ret":0,"msg":"success","msdkExtInfo":"s_1","lists":[` + ann + `}],"privilege":[],"country":"JP","language":"ja"}`,
		},
		{
			msdkclient.PathProfiles, `{"accessToken":"at_bob","openids":["ann","bob"]}`,
			`{"ret":0,"msg":"success","msdkExtInfo":"s_1","lists":[` + ann + `,"country":"CN","language":"zh_CN"},` +
				`{"nickName":"Bob","sex":0,"picture":"","provice":"","city":"","openid":"bob","country":"JP","language":"ja"}],` +
				`"privilege":["chinaunicom"],"country":"JP","language":"ja"}`,
		},
		{
			msdkclient.PathUserInfo, withAppID("at_ann", "ann", ""),
			`{"ret":0,"msg":"success","msdkExtInfo":"s_1","nickname":"Ann 安","picture":"http://pic/ann/0","province":"Guangdong","city":"Shenzhen",` +
				`"country":"CN","unionid":"u-ann","privilege":["chinaunicom"],"language":"zh_CN","openid":"ann","sex":"2"}`,
		},
		{msdkclient.PathProfiles, `{"accessToken":"at_bob","openids":["ann","eve"]}`, `{"ret":-20000,"msg":"40031,invalid openid list: app wx1 has no user eve","err_type":2,"msdkExtInfo":"s_1"}`},
		{msdkclient.PathProfiles, `{"accessToken":"at_bob","openids":[]}`, `{"ret":-1011,"msg":"openids must be an array with something in it","msdkExtInfo":"s_1"}`},
		{msdkclient.PathProfiles, `{"accessToken":"at_bob","openids":["ann",7]}`, `{"ret":-1011,"msg":"openids[1] must be a string: it is a number, not a string","msdkExtInfo":"s_1"}`},
		{
			msdkclient.PathVIP, withAppID("at_ann", "ann", `,"json":{"optype":1}`),
			`{"ret":0,"msg":"success","msdkExtInfo":"s_1","data":{"vipinfo":[{"openid":"ann","level":3,"score":310,"nick":"VIP3","logo_url":"","logo_faceurl":""},` +
				`{"openid":"bob","level":1,"score":10,"nick":"VIP1","logo_url":"","logo_faceurl":""}]}}`,
		},
		{msdkclient.PathVIP, withAppID("at_ann", "ann", `,"json":{"optype":2}`), `{"ret":-1011,"msg":"json.optype must be 1: it is 2","msdkExtInfo":"s_1"}`},
	} {
		if _, got := newCall(tt.path, "x", tt.body).do(sim); got != tt.want {
			t.Errorf("%s answered\n%s\nwant\n%s", tt.path, got, tt.want)
		}
	}
}

func TestPicturesAreKnownByTheirContent(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	upload := func(body string) (r msdkclient.UploadPictureResponse) {
		t.Helper()
		c := newCall(msdkclient.PathUploadPicture, "", body)
		c.params.Del("openid") // nobody is named
		_, got := c.do(sim)
		if err := json.Unmarshal([]byte(got), &r); err != nil || r.Ret != 0 {
			t.Fatalf("answered %s", got)
		}
		return r
	}
	first, again, other := upload(picture(appKey, "%FF%D8a-", 4)), upload(picture(appKey, "%ff%d8%61-", 4)), upload(picture(appKey, "%00%20%2B", 3))
	if first.MediaID == "" || first.MediaID != again.MediaID || first.MediaID == other.MediaID || first.Type != "thumb" || first.CreatedAt == "" {
		t.Errorf("uploaded as %+v, again as %+v, and another as %+v", first, again, other)
	}
	mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "bob", first.MediaID)), `{"ret":0`)
	mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "bob", "xyz")), `{"ret":-20000,"msg":"40007,invalid media_id: no picture was uploaded`)

	for rule, tt := range map[string]struct{ body, want string }{
		"a picture may have 64 KiB":     {picture(appKey, strings.Repeat("%41", 65536), 65536), `{"ret":0`},
		"and no more":                   {picture(appKey, strings.Repeat("%41", 65537), 65537), `{"ret":-1011,"msg":"filelength must be 1 to 65536: it is 65537`},
		"however it is said":            {picture(appKey, strings.Repeat("%41", 65537), 65536), `{"ret":-1011,"msg":"filelength: 65536: want the size of the picture, 65537`},
		"its length is that of it":      {picture(appKey, "%41%42", 3), `{"ret":-1011,"msg":"filelength: 3: want the size of the picture, 2`},
		"a plus is no blank":            {picture(appKey, "%41+%42", 3), `{"ret":-1011,"msg":"binary: '+' at 3: want percent-encoding by RFC 3986, in which a blank is %20`},
		"a blank is none either":        {picture(appKey, "%41 %42", 3), `{"ret":-1011,"msg":"binary: ' ' at 3`},
		"half a byte is none":           {picture(appKey, "%4", 1), `{"ret":-1011,"msg":"binary: invalid URL escape`},
		"nothing is no picture":         {picture(appKey, "", 0), `{"ret":-1011,"msg":"`},
		"the appkey is the secret":      {picture("x", "%41", 1), `{"ret":-20000,"msg":"40001,invalid credential: secret is not the appkey`},
		"the msdkkey is not the secret": {picture(msdkKey, "%41", 1), `{"ret":-20000,"msg":"40001,invalid credential: secret is the msdkkey: want the appkey`},
		"a picture is of a kind":        {strings.Replace(picture(appKey, "%41", 1), `image\/jpeg`, "text/plain", 1), `{"ret":-1011,"msg":"content_type must be the type of a picture`},
	} {
		t.Run(rule, func(t *testing.T) { mustAnswer(t, sim, newCall(msdkclient.PathUploadPicture, "ann", tt.body), tt.want) })
	}
}

func TestAUserIsSentFiveMessagesADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which begins at eight in the morning, in China
		sim := msdktest.New(town)
		send := func(from, to, want string) {
			t.Helper()
			mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, from, message("at_"+from, from, to, "")), want)
		}
		for range 4 {
			send("ann", "bob", `{"ret":0`)
		}
		send("bob", "bob", `{"ret":0`) // to oneself, as the document's example does
		send("ann", "bob", `{"ret":-20000,"msg":"45009,call frequency out of limit: bob was sent 5 messages of this app today; there are no more until 2000-01-01T16:00:00Z`)
		send("bob", "ann", `{"ret":0`) // another user
		mustAnswer(t, sim, newCall(msdkclient.PathShareGameMessage, "ann", game("at_ann", "ann", "bob")), `{"ret":0`)
		sim.Advance(16*time.Hour - time.Second)
		late := message(fmt.Sprintf("at_ann.%d", sim.Now().Unix()), "ann", "bob", "") // the first token has expired
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", late), `{"ret":-20000,"msg":"45009,`)
		sim.Advance(time.Second)
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", late), `{"ret":0`)

		messages := sim.State().Messages
		if len(messages) != 8 || messages[0].To != "bob" || messages[1].Button != "rank" || messages[2].To != "ann" {
			t.Errorf("sent %+v", messages)
		}
	})
}

func TestMessagesGoToFriends(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for _, tt := range []struct{ to, want string }{
		{"bob", `{"ret":0`},
		{"cid", `{"ret":-20000,"msg":"43005,users are not friends: cid is no friend of ann`},
		{"dan", `{"ret":-20000,"msg":"43005,users are not friends: app wx1 has no user dan`},
		{"", `{"ret":-1011,"msg":"*`},
		{"G_eve", `{"ret":-901,"msg":"not for guests: the openid G_eve begins with G_`},
	} {
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", tt.to, "")), strings.Replace(tt.want, "*", "fopenid is empty", 1))
		mustAnswer(t, sim, newCall(msdkclient.PathShareGameMessage, "ann", game("at_ann", "ann", tt.to)), strings.Replace(tt.want, "*", "touser is empty", 1))
	}
}

func TestGameMessagesHaveWhatTheirTypeAsksFor(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	const text = `"msgtype":"text"`
	const rank = `"button":{"type":"rank","name":"n","rankview":{"title":"t","button_name":"b","message_ext":"e"}}`
	for old, rows := range map[string][][2]string{
		text: {
			{`"msgtype":"image","type_info":{"picurl":"p","width":1,"height":2}`, `{"ret":0`},
			{`"msgtype":"video","type_info":{"picurl":"p","width":1,"height":2,"mediaurl":"m"}`, `{"ret":0`},
			{`"msgtype":"link","type_info":{"url":"u","iconurl":"i"}`, `{"ret":0`},
			{`"msgtype":"sound"`, `{"ret":-1011,"msg":"msgtype must be text, image, video or link: it is \"sound\"`},
			{`"msgtype":"image"`, `{"ret":-1011,"msg":"type_info.picurl: want it, for msgtype image`},
			{`"msgtype":"image","type_info":{"picurl":"p","width":"1","height":2}`, `{"ret":-1011,"msg":"type_info.width must be an integer: it is a string, not a number`},
			{`"msgtype":"video","type_info":{"picurl":"p","width":1,"height":2}`, `{"ret":-1011,"msg":"type_info.mediaurl: want it`},
			{`"msgtype":"link","type_info":{"url":"u"}`, `{"ret":-1011,"msg":"type_info.iconurl: want it`},
			{`"msgtype":"link","type_info":"u"`, `{"ret":-1011,"msg":"type_info must be an object: it is a string`},
		},
		rank: {
			{`"button":{"type":"web","name":"n","webview":{"url":"u"}}`, `{"ret":0`},
			{`"button":{"type":"app","name":"n","app":{"message_ext":"e"}}`, `{"ret":0`},
			{`"button":{"type":"web","name":"n","webview":{}}`, `{"ret":-1011,"msg":"button.webview.url is missing`},
			{`"button":{"type":"web","name":"n"}`, `{"ret":-1011,"msg":"button.webview: want it`},
			{`"button":{"type":"go","name":"n"}`, `{"ret":-1011,"msg":"button.type must be rank, web or app: it is \"go\"`},
			{`"button":[]`, `{"ret":-1011,"msg":"button must be an object: it is an array`},
		},
	} {
		for _, row := range rows {
			body := strings.Replace(game("at_ann", "ann", "bob"), old, row[0], 1)
			mustAnswer(t, sim, newCall(msdkclient.PathShareGameMessage, "ann", body), row[1])
		}
	}
}

func TestABoardKeepsTheBestUntilItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(town)
		time.Sleep(10 * 365 * 24 * time.Hour) // to where a Unix time has ten digits
		at := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
		for i, step := range []struct{ score, expires, why string }{
			{"5", "0", "on the board"},
			{"4", "0", "lower than 5, the best before"},
			{"9", at(time.Hour), "on the board"},
			{"99", at(-time.Second), "expired at 2009-12-28T23:59:59Z"},
			{"9", at(2 * time.Hour), "on the board, the same as before"},
		} {
			mustAnswer(t, sim, newCall(msdktest.PathScore, "ann", score("ann", step.score, step.expires)), `{"ret":0`)
			note := sim.Requests()[0].Scores
			if len(note) != 1 || note[0].Why != step.why || note[0].OpenID != "ann" || fmt.Sprint(note[0].Score) != step.score ||
				note[0].OnBoard != strings.HasPrefix(step.why, "on the board") {
				t.Errorf("step %d: %+v, want %s", i, note, step.why)
			}
		}
		if best, ok := sim.Leaderboard.Best("wx1", "ann"); !ok || best != 9 {
			t.Errorf("the best is %d", best)
		}
		sim.Advance(2*time.Hour - time.Second)
		if len(sim.Leaderboard.Top("wx1", 9)) != 1 {
			t.Error("a score has gone before its time")
		}
		sim.Advance(time.Second)
		if _, ok := sim.Leaderboard.Best("wx1", "ann"); ok || len(sim.Leaderboard.Top("wx1", 9)) != 0 {
			t.Error("a score has not expired")
		}
		mustAnswer(t, sim, newCall(msdktest.PathScore, "ann", score("ann", "-1", "0")), `{"ret":0`)
		if best, ok := sim.Leaderboard.Best("wx1", "ann"); !ok || best != -1 {
			t.Errorf("after one that has expired the best is %d", best)
		}
	})
}

func TestBothReportsFeedOneBoardAndItsDataIsTheLast(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	mustAnswer(t, sim, newCall(msdktest.PathScore, "ann", score("ann", "5", "0")), `{"ret":0`)
	battles := func(json string) {
		t.Helper()
		mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "ann", `{"appid":"wx1","openid":"ann","json":`+json+`}`), `{"ret":0`)
	}
	battles(`[{"baseinfo":{"openid":"ann","platid":0},"battleinfo":{"score":7},"userdefined":{"gold":{"name":"g","value":1},"plane":{"name":"p","value":"Seraph"}}},` +
		`{"baseinfo":{"openid":"eve","platid":1},"userdefined":{"gold":{"name":"g","value":12345678901234567890}}}]`)
	battles(`{"baseinfo":{"platid":0},"battleinfo":{"score":6},"userdefined":{"gold":{"name":"g","value":2}}}`)
	places, err := json.Marshal(sim.Leaderboard.Places("wx1"))
	const want = `[{"openid":"ann","score":7,"expires":0,"userdefined":{"gold":2,"plane":"Seraph"}},` +
		`{"openid":"eve","score":null,"expires":0,"userdefined":{"gold":12345678901234567890}}]`
	if err != nil || string(places) != want {
		t.Errorf("%s, %v, want %s", places, err, want)
	}
	if top := sim.Leaderboard.Top("wx1", 9); !slices.Equal(top, []msdktest.Standing{{OpenID: "ann", Score: 7}}) {
		t.Errorf("ranked: %v", top)
	}
}

func TestDataOfAGameIsKeptWithinLimits(t *testing.T) {
	t.Parallel()
	cfg := town
	cfg.CountsOnly = true // which is about the ledger
	sim := msdktest.New(cfg)
	var pieces []string
	for i := range 150 {
		pieces = append(pieces, fmt.Sprintf(`"id%d":{"name":"n","value":%d}`, i, i))
	}
	for _, userDefined := range []string{
		`"long":{"name":"n","value":"short"}`,
		`"long":{"name":"n","value":"` + strings.Repeat("x", 1024) + `"},"last":{"name":"n","value":1}`,
		strings.Join(pieces, ","),
		`"last":{"name":"n","value":2},"late":{"name":"n","value":1}`,
	} {
		mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "ann", `{"appid":"wx1","openid":"ann","json":{"baseinfo":{"platid":0},"userdefined":{`+userDefined+`}}}`), `{"ret":0`)
	}
	data := sim.Leaderboard.Places("wx1")[0].UserDefined
	if len(data) != 100 || string(data["long"]) != `"short"` || string(data["last"]) != "2" || data["late"] != nil {
		t.Errorf("%d pieces are kept: %s", len(data), data)
	}
}

func TestResetIsTheBeginning(t *testing.T) {
	t.Parallel()
	cfg := town
	cfg.NoUserLimit = false
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(cfg)
		before, err := json.Marshal(sim.State())
		if err != nil {
			t.Fatal(err)
		}
		sim.Advance(time.Hour)
		mustAnswer(t, sim, newCall(msdkclient.PathRefreshToken, "ann", refresh("rt_ann")), `{"ret":0`)
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "bob", message("at_bob", "bob", "ann", "")), `{"ret":0`)
		mustAnswer(t, sim, newCall(msdkclient.PathUploadPicture, "cid", picture(appKey, "%41", 1)), `{"ret":0`)
		mustAnswer(t, sim, battle("dan", "eve"), `{"ret":0`)
		if err := sim.Befriend("wx1", "ann", "cid"); err != nil {
			t.Fatal(err)
		}
		between, err := json.Marshal(sim.State())
		if err != nil || string(between) == string(before) {
			t.Errorf("%s is the state before and after", between)
		}
		sim.Reset()
		after, err := json.Marshal(sim.State())
		if err != nil || string(after) != string(before) {
			t.Errorf("the state is\n%s\nwant\n%s", after, before)
		}
		if len(sim.Requests()) != 0 || len(sim.Ledger.Reports()) != 0 {
			t.Error("requests or reports are left")
		}
		mustAnswer(t, sim, battle("dan"), `{"ret":0`) // who was named this second
	})
}

func TestTheDefaultPlatformIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t)
	state := sim.State()
	again := msdktest.New(msdktest.DefaultConfig()).State()
	for _, s := range []*msdktest.State{&state, &again} {
		s.Time = time.Time{}
		for i := range s.Apps {
			for j := range s.Apps[i].Users {
				u := &s.Apps[i].Users[j]
				u.AccessTokenEnds, u.RefreshTokenEnds = time.Time{}, time.Time{}
			}
		}
	}
	first, _ := json.Marshal(state)
	second, _ := json.Marshal(again)
	if string(first) != string(second) {
		t.Error("two platforms differ")
	}
	hunter := state.Apps[0].Users[0]
	if hunter.OpenID != "oGRTijrV0l67hDGN7dstOl8CphN0" || hunter.NickName != "Hunter" || hunter.AccessToken != "at_"+hunter.OpenID ||
		hunter.RefreshToken != "rt_"+hunter.OpenID || len(hunter.Friends) != 7 {
		t.Errorf("the first user is %+v", hunter)
	}
	i := slices.IndexFunc(state.Apps[0].Users, func(u msdktest.UserState) bool { return u.OpenID == msdktest.PopularOpenID })
	if i < 0 || len(state.Apps[0].Users[i].Friends) != msdktest.PopularFriends {
		t.Error("nobody is popular")
	}
	if one, other := msdktest.Users(1, 20), msdktest.Users(4, 20); fmt.Sprint(one) == fmt.Sprint(other) || one[0].OpenID != other[0].OpenID {
		t.Error("the seed does not decide who the users are")
	}
}
