package msdktest_test

import (
	"context"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func Example() {
	sim := msdktest.Start(msdktest.Config{
		Apps:        []msdktest.App{{ID: "wx1", AppKey: "key"}},
		NoUserLimit: true,
	})
	defer sim.Close()
	sim.SetRules(
		msdktest.Script("ann", msdktest.Answer{HTTP: 503}),
		msdktest.Poison(msdktest.Answer{Ret: -1011}, "mallory"),
	)

	client, err := msdkclient.New(msdkclient.Config{
		BaseURL: sim.URL, Timeout: 5 * time.Second, ContentType: "application/json", MaxConns: 1,
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	app := msdkclient.App{ID: "wx1", Key: "key", Encode: 1}
	report := func(openid string, score int) []byte {
		return fmt.Appendf(nil, `{"baseinfo":{"openid":%q,"platid":0},"battleinfo":{"score":%d}}`, openid, score)
	}
	ctx := context.Background()
	fmt.Println(client.BattleReport(ctx, app, "ann", report("ann", 7)))
	fmt.Println(client.BattleReport(ctx, app, "ann", report("ann", 7), report("bob", 9)))
	fmt.Println(client.BattleReport(ctx, app, "bob", report("bob", 8), report("mallory", 99)))

	fmt.Println(sim.Leaderboard.Top("wx1", 10))
	fmt.Println(sim.Ledger.Len(), sim.Ledger.Outcomes())
	// Output:
	// msdk /profile/wxbattle_report: HTTP 503 (retry, outcome uncertain)
	// <nil>
	// msdk /profile/wxbattle_report: ret -1011, a parameter is empty or of the wrong type, "failure" (record)
	// [{bob 9} {ann 7}]
	// 2 map[http 503:1 ret -1011:1 ret 0:1]
}

func ExampleDefaultConfig() {
	sim := msdktest.Start(msdktest.DefaultConfig()) // in a test: msdktest.NewServer(t)
	defer sim.Close()
	client, err := msdkclient.New(msdkclient.Config{
		BaseURL: sim.URL, Timeout: 5 * time.Second, ContentType: "application/json", MaxConns: 1,
	})
	if err != nil {
		panic(err)
	}
	defer client.Close()

	ctx := context.Background()
	app := msdkclient.App{ID: "wxcde873f99466f74a", Key: "game-appkey", Encode: 1}
	check := func(openid, token string) error {
		return client.CheckToken(ctx, app, msdkclient.CheckTokenRequest{OpenID: openid, AccessToken: token})
	}
	fmt.Println(check("player1", "at_player1")) // what every user begins with
	fmt.Println(check("player2", "at_player2.0"))
	fmt.Println(check("code_qq100015_x", "any token"))

	sim.Advance(msdktest.AccessTokenLife) // two hours later
	fmt.Println(msdkclient.NeedsRefresh(check("player3", "at_player3")))
	// Output:
	// <nil>
	// msdk /auth/check_token: ret -20000/42001, access_token expired, "42001,access_token expired: it ended at 1970-01-01T02:00:00Z: refresh it" (user)
	// msdk /auth/check_token: ret -10000/100015, access token was revoked by the user, "100015,access token was revoked by the user: the openid code_qq100015_x asks for it" (user)
	// true
}
