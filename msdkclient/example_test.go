package msdkclient_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

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
