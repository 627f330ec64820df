package msdktest_test

import (
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

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
		{msdkclient.PathProfiles, `{"accessToken":"at_bob","openids":["ann",""]}`, `{"ret":-1011,"msg":"openids[1]: want a string that is not empty","msdkExtInfo":"s_1"}`},
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
