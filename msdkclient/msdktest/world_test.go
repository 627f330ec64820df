package msdktest_test

import (
	"encoding/json"
	"fmt"
	"slices"
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
