package msdktest_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

var townApp = msdkclient.App{ID: "wx1", Key: appKey, Encode: 1}

// reach is a client of sim.
func reach(t *testing.T, sim *msdktest.Server) *msdkclient.Client {
	t.Helper()
	client, err := msdkclient.New(msdkclient.Config{BaseURL: sim.URL, Timeout: time.Minute, ContentType: "application/json", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// goodRequest draws a request with every field that the client fills in, of a call that the town grants.
func goodRequest(t *rapid.T, c *msdkclient.Call) any {
	text := func(name string) string { return rapid.StringN(1, 20, -1).Draw(t, name) }
	maybe := func(name string) string { return rapid.StringN(0, 20, 2048).Draw(t, name) }
	whole := func(name string) *int64 { return rapid.Ptr(rapid.Int64(), true).Draw(t, name) }
	switch c.Path {
	case msdkclient.PathRefreshToken:
		return msdkclient.RefreshTokenRequest{AppID: "wx1", RefreshToken: "rt_ann", OpenID: "ann"}
	case msdkclient.PathCheckToken:
		return msdkclient.CheckTokenRequest{AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathUploadPicture:
		picture := rapid.SliceOfN(rapid.Byte(), 1, 1000).Draw(t, "picture")
		return msdkclient.UploadPictureRequest{
			Flag: 1, AppID: "wx1", Secret: appKey, Type: "thumb", FileName: text("filename"), FileLength: int64(len(picture)),
			ContentType: rapid.SampledFrom([]string{"image/jpeg", "image/png"}).Draw(t, "content type"), Binary: msdkclient.PercentEncode(picture),
		}
	case msdkclient.PathShareMessage:
		return msdkclient.ShareMessageRequest{
			AppID: rapid.SampledFrom([]string{"", "wx1"}).Draw(t, "appid"), OpenID: "ann", AccessToken: "at_ann",
			FriendOpenID: rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "friend"), ExtInfo: maybe("extinfo"), Title: text("title"),
			Description: maybe("description"), MediaTagName: maybe("tag"),
		}
	case msdkclient.PathShareGameMessage:
		r := msdkclient.ShareGameMessageRequest{
			AppID: "wx1", OpenID: "ann", AccessToken: "at_ann", ToUser: "bob", Title: text("title"), Content: text("content"),
			MsgType: rapid.SampledFrom([]string{msdkclient.MsgText, msdkclient.MsgImage, msdkclient.MsgVideo, msdkclient.MsgLink}).Draw(t, "type"),
			Button: rapid.SampledFrom([]msdkclient.Button{
				msdkclient.RankButton("go", msdkclient.RankView{Title: "t", ButtonName: "b", MessageExt: "e"}),
				msdkclient.WebButton("go", "http://x"), msdkclient.AppButton("go", "ext"),
			}).Draw(t, "button"),
		}
		if r.MsgType != msdkclient.MsgText {
			r.TypeInfo = &msdkclient.TypeInfo{PicURL: text("picture"), Width: 1, Height: 2, MediaURL: text("film"), URL: text("link"), IconURL: text("icon")}
		}
		return r
	case msdkclient.PathFriendsProfile:
		return msdkclient.FriendsProfileRequest{AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathProfiles:
		return msdkclient.ProfilesRequest{AccessToken: "at_ann", OpenIDs: rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "bob", "cid"}), 1, 5).Draw(t, "openids")}
	case msdkclient.PathFriends:
		return msdkclient.FriendsRequest{AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathUserInfo:
		return msdkclient.UserInfoRequest{AppID: "wx1", AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathReportScore:
		return msdkclient.ReportScoreRequest{
			AppID: "wx1", OpenID: "ann", GrantType: "client_credential", Score: fmt.Sprint(rapid.Int64().Draw(t, "score")),
			Expires: rapid.SampledFrom([]string{"0", "1893456000"}).Draw(t, "expires"),
		}
	case msdkclient.PathReportBattle:
		r := msdkclient.ReportBattleRequest{AppID: "wx1", OpenID: "ann"}
		for range rapid.IntRange(1, 4).Draw(t, "battles") {
			b := msdkclient.Battle{BaseInfo: msdkclient.BaseInfo{
				OpenID: rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "openid"), GameName: maybe("game"), PlatID: rapid.IntRange(0, 1).Draw(t, "platid"),
				RoleID: maybe("role"), Level: whole("level"),
			}}
			switch rapid.IntRange(0, 2).Draw(t, "partition") {
			case 1:
				b.BaseInfo.PartitionID = msdkclient.StringValue(text("partition"))
			case 2:
				b.BaseInfo.PartitionID = msdkclient.IntValue(rapid.Int64().Draw(t, "partition"))
			}
			if rapid.Bool().Draw(t, "battleinfo") {
				win := rapid.Bool().Draw(t, "win")
				b.BattleInfo = &msdkclient.BattleInfo{Score: whole("score"), IsWin: &win, ModeID: whole("mode"), ActTime: "2014-09-24 13:10:45"}
			}
			if rapid.Bool().Draw(t, "userdefined") {
				b.UserDefined = map[string]msdkclient.UserDefined{
					text("id"): {Name: text("name"), Value: msdkclient.IntValue(rapid.Int64().Draw(t, "value"))},
					"plane":    {Name: "plane", Value: msdkclient.StringValue(maybe("plane"))},
				}
			}
			r.Battles = append(r.Battles, b)
		}
		return r
	default:
		return msdkclient.VIPRequest{AppID: "wx1", AccessToken: "at_ann", OpenID: "ann", Query: msdkclient.VIPQuery{OpType: 1}}
	}
}

// send makes the call by the method for it.
func send(ctx context.Context, client *msdkclient.Client, request any) (err error) {
	switch r := request.(type) {
	case msdkclient.RefreshTokenRequest:
		_, err = client.RefreshToken(ctx, townApp, r)
	case msdkclient.CheckTokenRequest:
		err = client.CheckToken(ctx, townApp, r)
	case msdkclient.UploadPictureRequest:
		_, err = client.UploadPicture(ctx, townApp, r)
	case msdkclient.ShareMessageRequest:
		err = client.ShareMessage(ctx, townApp, r)
	case msdkclient.ShareGameMessageRequest:
		err = client.ShareGameMessage(ctx, townApp, r)
	case msdkclient.FriendsProfileRequest:
		_, err = client.FriendsProfile(ctx, townApp, r)
	case msdkclient.ProfilesRequest:
		_, err = client.Profiles(ctx, townApp, r)
	case msdkclient.FriendsRequest:
		_, err = client.Friends(ctx, townApp, r)
	case msdkclient.UserInfoRequest:
		_, err = client.UserInfo(ctx, townApp, r)
	case msdkclient.ReportScoreRequest:
		err = client.ReportScore(ctx, townApp, r)
	case msdkclient.ReportBattleRequest:
		err = client.ReportBattle(ctx, townApp, r)
	case msdkclient.VIPRequest:
		_, err = client.VIP(ctx, townApp, r)
	default:
		panic(fmt.Sprintf("a %T is no request", request))
	}
	return err
}

func TestWhatTheClientSendsIsAccepted(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t, town)
	client := reach(t, sim)
	for _, c := range msdkclient.Calls() {
		t.Run(c.Method, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sim.Reset()
				request := goodRequest(rt, c)
				if err := send(t.Context(), client, request); err != nil {
					rt.Fatalf("%+v: %v", request, err)
				}
			})
		})
	}
}

func TestOneThingWrongIsRefusedByName(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t, town)
	client := reach(t, sim)
	for _, c := range msdkclient.Calls() {
		t.Run(c.Method, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sim.Reset()
				body, err := json.Marshal(goodRequest(rt, c))
				if err != nil {
					rt.Fatal(err)
				}
				if _, err := client.Send(t.Context(), townApp, c, "ann", body); err != nil {
					rt.Fatalf("%s is refused: %v", body, err)
				}
				bad := spoil(rt, c.RequestFields(), body)
				before := stateOf(rt, sim)
				_, err = client.Send(t.Context(), townApp, c, "ann", bad.body)
				e, ok := errors.AsType[*msdkclient.Error](err)
				if !ok || e.Ret != -1011 || !strings.Contains(e.Msg, bad.field) {
					rt.Fatalf("%s of %s, in %s: %v", bad.what, bad.field, bad.body, err)
				}
				if after := stateOf(rt, sim); before != after {
					rt.Fatalf("what was refused has left something:\n%s\n%s", before, after)
				}
			})
		})
	}
}

// stateOf is what the server remembers besides how often it has refused.
func stateOf(t *rapid.T, sim *msdktest.Server) string {
	state := sim.State()
	state.Time, state.Outcomes = time.Time{}, nil
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
