package msdkclient_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// The game of the examples, as the stand-in knows it.
var game = msdkclient.App{ID: "wxcde873f99466f74a", Key: "game-appkey", Encode: 1}

// Two of its users, who are friends, and their tokens.
const (
	hunter      = "oGRTijrV0l67hDGN7dstOl8CphN0"
	hunterToken = "at_" + hunter
	aFriend     = "oGRTijlTxQPrvr-H5-pgoZMhZgog"
)

// connect begins a stand-in for the platform, and makes a client of it. With the platform itself, BaseURL stays as it is.
func connect() (client *msdkclient.Client, standIn *msdktest.Server) {
	cfg := msdktest.DefaultConfig()
	cfg.NoUserLimit = true // or one user's calls would have to be a second apart
	standIn = msdktest.Start(cfg)
	platform := msdkclient.DefaultConfig()
	platform.BaseURL = standIn.URL
	client, err := msdkclient.New(platform)
	if err != nil {
		panic(err)
	}
	return client, standIn
}

func ExampleClient_RefreshToken() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	tokens, err := client.RefreshToken(context.Background(), game, msdkclient.RefreshTokenRequest{
		RefreshToken: "rt_" + hunter, OpenID: hunter,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(tokens.OpenID == hunter, time.Duration(tokens.ExpiresIn)*time.Second, tokens.Scope)
	// Output: true 2h0m0s snsapi_friend,snsapi_message,snsapi_userinfo,
}

func ExampleClient_CheckToken() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	for _, token := range []string{hunterToken, "stale"} {
		err := client.CheckToken(context.Background(), game, msdkclient.CheckTokenRequest{AccessToken: token, OpenID: hunter})
		fmt.Println(err == nil, msdkclient.Reauthorize(err))
	}
	// Output:
	// true false
	// false true
}

func ExampleClient_UploadPicture() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	upload := msdkclient.UploadPictureRequest{FileName: "b.jpg", ContentType: "image/jpeg", Picture: []byte("\xff\xd8\xff\xe0")}
	media, err := client.UploadPicture(context.Background(), game, upload)
	fmt.Println(media.Type, media.MediaID != "", err)

	upload.Picture = make([]byte, 64<<10+1)
	_, err = client.UploadPicture(context.Background(), game, upload)
	fmt.Println(err)
	// Output:
	// thumb true <nil>
	// msdk /share/upload_wx: filelength: 65537: want 1 to 65536 (record)
}

func ExampleClient_ShareMessage() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	err := client.ShareMessage(context.Background(), game, msdkclient.ShareMessageRequest{
		OpenID: hunter, FriendOpenID: aFriend, AccessToken: hunterToken,
		Title: "I have beaten you", Description: "1000000 points", ExtInfo: "round=7",
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_ShareGameMessage() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	err := client.ShareGameMessage(context.Background(), game, msdkclient.ShareGameMessageRequest{
		OpenID: hunter, ToUser: aFriend, AccessToken: hunterToken,
		MsgType: msdkclient.MsgImage, Title: "I have beaten you", Content: "1000000 points",
		TypeInfo: &msdkclient.TypeInfo{PicURL: "https://example.com/me.jpg", Width: 180, Height: 180},
		Button:   msdkclient.RankButton("Look", msdkclient.RankView{Title: "Best of the week", ButtonName: "Play", MessageExt: "week=7"}),
	})
	fmt.Println(err)
	// Output: <nil>
}

func ExampleClient_FriendsProfile() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	friends, err := client.FriendsProfile(context.Background(), game, msdkclient.FriendsProfileRequest{
		AccessToken: hunterToken, OpenID: hunter,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range friends.Profiles {
		if p.NickName == "ufo" {
			fmt.Println(p.City, p.Sex == msdkclient.SexMale, p.Picture.Size(132))
		}
	}
	// Output: Shenzhen true http://wx.qlogo.cn/mmhead/LwcbhAmMnZBAqZyUkv1z3qJibczZRdrZRkTgcNnqKqovicmDxLmyffdQ/132
}

func ExampleClient_Profiles() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	users, err := client.Profiles(context.Background(), game, msdkclient.ProfilesRequest{
		AccessToken: hunterToken, OpenIDs: []string{hunter, aFriend},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, p := range users.Profiles {
		fmt.Println(p.NickName, p.City)
	}
	// Output:
	// Hunter Shenzhen
	// WeGame test Zhongshan
}

func ExampleClient_Friends() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	friends, err := client.Friends(context.Background(), game, msdkclient.FriendsRequest{AccessToken: hunterToken, OpenID: hunter})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(slices.Contains(friends.OpenIDs, aFriend))
	// Output: true
}

func ExampleClient_UserInfo() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	user, err := client.UserInfo(context.Background(), game, msdkclient.UserInfoRequest{AccessToken: hunterToken, OpenID: hunter})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(user.NickName, user.Province, user.UnionID)
	// Output: Hunter Guangdong o1A_BjhwQHB2BUyasZ_Lb2rkkOpE
}

func ExampleClient_ReportScore() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	score := msdkclient.ReportScoreRequest{OpenID: hunter, Score: "1000000"}
	fmt.Println(client.ReportScore(context.Background(), game, score))
	fmt.Println(standIn.Leaderboard.Top(game.ID, 3))

	score.Expires = "86400" // which is a duration
	fmt.Println(client.ReportScore(context.Background(), game, score))
	// Output:
	// <nil>
	// [{oGRTijrV0l67hDGN7dstOl8CphN0 1000000}]
	// msdk /profile/wxscore: expires: "86400": want the Unix time in seconds, such as 1893456000, or 0 for never; no duration, no milliseconds (record)
}

func ExampleClient_ReportBattle() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	err := client.ReportBattle(context.Background(), game, msdkclient.ReportBattleRequest{
		OpenID: hunter, // one of those reported
		Battles: msdkclient.Battles{
			{
				BaseInfo:   msdkclient.BaseInfo{OpenID: hunter, PlatID: 0, Level: new(int64(2))},
				BattleInfo: &msdkclient.BattleInfo{Score: new(int64(4288625)), IsWin: new(true)},
				UserDefined: map[string]msdkclient.UserDefined{
					"goldcoin": {Name: "gold coin", Value: msdkclient.IntValue(358267)},
					"plane":    {Name: "warplane", Value: msdkclient.StringValue("Seraph")},
				},
			},
			{
				BaseInfo:   msdkclient.BaseInfo{OpenID: aFriend, PlatID: 1},
				BattleInfo: &msdkclient.BattleInfo{Score: new(int64(1000))},
			},
		},
	})
	fmt.Println(err)
	fmt.Println(standIn.Leaderboard.Top(game.ID, 3))
	// Output:
	// <nil>
	// [{oGRTijrV0l67hDGN7dstOl8CphN0 4288625} {oGRTijlTxQPrvr-H5-pgoZMhZgog 1000}]
}

func ExampleClient_VIP() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	vip, err := client.VIP(context.Background(), game, msdkclient.VIPRequest{AccessToken: hunterToken, OpenID: hunter})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(vip.Data.Users[0].OpenID == hunter, vip.Data.Users[0].Level, vip.Data.Users[0].Nick)
	// Output: true 1 VIP1
}

// Any of the calls can be made with a body that is JSON text already, and is answered as it came.
func ExampleClient_Send() {
	client, standIn := connect()
	defer standIn.Close()
	defer client.Close()

	call, _ := msdkclient.LookupCall("/auth/check_token")
	answer, err := client.Send(context.Background(), game, call, hunter, []byte(`{"openid":"`+hunter+`","accessToken":"`+hunterToken+`"}`))
	fmt.Println(strings.Contains(string(answer), `"ret":0`), err)
	// Output: true <nil>
}

func ExampleLookupCall() {
	call, _ := msdkclient.LookupCall("/share/wx")
	fmt.Println(call.Section, call.Method+":", call.Summary)
	for _, f := range call.RequestFields() {
		if f.Required {
			fmt.Println(f.Name, f.Types)
		}
	}
	// Output:
	// 3.2.2 ShareMessage: a message from a user to a friend who plays too
	// openid [string]
	// fopenid [string]
	// access_token [string]
	// title [string]
}

// The platform is a simulated one here. What a caller does about a failure depends on its class.
func ExampleClient_BattleReport() {
	platform := msdktest.Start(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "key"}}, NoUserLimit: true})
	defer platform.Close()
	client, err := msdkclient.New(msdkclient.Config{
		BaseURL: platform.URL, Timeout: 5 * time.Second, ContentType: "application/json", MaxConns: 1,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer client.Close()

	app := msdkclient.App{ID: "wx1", Key: "key", Encode: 1}
	ann := []byte(`{"baseinfo":{"openid":"ann","platid":0},"battleinfo":{"score":7}}`)
	ben := []byte(`{"baseinfo":{"openid":"ben","platid":1},"battleinfo":{"score":9}}`)
	for _, answer := range []msdktest.Answer{{}, {Ret: -1011}, {HTTP: 429, RetryAfter: "3"}, {HTTP: 503}} {
		platform.SetRules(msdktest.Always(answer))
		err := client.BattleReport(context.Background(), app, "ann", ann, ben)
		if failure, failed := errors.AsType[*msdkclient.Error](err); !failed {
			fmt.Println("delivered", platform.Ledger.Len())
		} else {
			fmt.Println(failure.Class, failure.Ret, failure.HTTPStatus, failure.RetryAfter, failure.Uncertain)
		}
	}

	// Output:
	// delivered 2
	// record -1011 200 0s false
	// throttle 0 429 3s false
	// retry 0 503 0s true
}
