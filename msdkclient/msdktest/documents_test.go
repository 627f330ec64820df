package msdktest_test

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestTheDocumentsExamplesAreAccepted sends the requests that both editions show. Exchanged are what can be no other than
// the server's own: appid, secret and tokens, and a receiver who is called OPENID.
func TestTheDocumentsExamplesAreAccepted(t *testing.T) {
	t.Parallel()
	cfg := msdktest.DefaultConfig()
	cfg.NoUserLimit = true
	sim := msdktest.NewServer(t, cfg)
	client := reach(t, sim)
	app := msdkclient.App{ID: cfg.Apps[0].ID, Key: cfg.Apps[0].AppKey, Encode: 1}
	sent := 0
	for _, call := range msdkclient.Calls() {
		for _, e := range call.Examples() {
			sent++
			var body map[string]any
			if err := json.Unmarshal(e.Request, &body); err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(exchange(t, app, body))
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.Send(t.Context(), app, call, "any user", text); err != nil {
				t.Errorf("%s, %s: %v", text, e.Edition, err)
			}
		}
	}
	if served := sim.State().Outcomes; len(served) != 1 || served["ret 0"] != sent || sent < 30 {
		t.Errorf("outcomes %v of %d examples", served, sent)
	}
}

func exchange(t *testing.T, app msdkclient.App, body map[string]any) map[string]any {
	openid, _ := body["openid"].(string)
	if openids, ok := body["openids"].([]any); ok {
		openid, _ = openids[0].(string)
	}
	ours := map[string]any{
		"appid": app.ID, "secret": app.Key, "accessToken": "at_" + openid, "refreshToken": "rt_oGRTijrV0l67hDGN7dstOl8CphN0",
		"touser": "oGRTijlTxQPrvr-H5-pgoZMhZgog",
	}
	if body["access_token"] != "" {
		ours["access_token"] = "at_" + openid
	}
	if text, ok := body["binary"].(string); ok { // which the document breaks off with dots
		binary := msdkclient.Percent(strings.TrimSuffix(text, "%...."))
		picture, err := binary.Decode()
		if err != nil {
			t.Fatal(err)
		}
		ours["binary"], ours["filelength"] = binary, len(picture)
	}
	maps.DeleteFunc(ours, func(name string, _ any) bool { return body[name] == nil })
	maps.Copy(body, ours)
	return body
}
