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
