package msdktest_test

import (
	"crypto/md5"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

const (
	appKey  = "the appkey"
	msdkKey = "the msdkkey"
)

var config = msdktest.Config{
	Apps:        []msdktest.App{{ID: "wx1", AppKey: appKey, MSDKKey: msdkKey}, {ID: "wx2", AppKey: appKey}},
	NoUserLimit: true,
}

// call is a good call, to be spoilt by tests. It is put together by hand, so that the simulator is not checked with the
// client that it serves to check.
type call struct {
	method, path, body string
	params             url.Values
	contentType        string
}

func newCall(path, openid, body string) *call {
	c := &call{method: http.MethodPost, path: path + "/", body: body, params: url.Values{
		"appid": {"wx1"}, "openid": {openid}, "encode": {"1"}, "conn": {"1"}, "msdkExtInfo": {"s_1"},
	}}
	c.sign(appKey, time.Now())
	return c
}

// battle is a good report about openids.
func battle(openids ...string) *call {
	elements := make([]string, len(openids))
	for i, openid := range openids {
		elements[i] = element(openid, i)
	}
	return newCall(msdktest.PathBattleReport, openids[0],
		fmt.Sprintf(`{"appid":"wx1","openid":%q,"json":[%s]}`, openids[0], strings.Join(elements, ",")))
}

func element(openid string, score int) string {
	return fmt.Sprintf(`{ "battleinfo":{"score":%d}, "baseinfo":{"openid":%q,"platid":1}}`, score, openid)
}

func (c *call) sign(key string, at time.Time) {
	c.params.Set("timestamp", fmt.Sprint(at.Unix()))
	c.params.Set("sig", fmt.Sprintf("%x", md5.Sum([]byte(key+c.params.Get("timestamp")))))
}

func (c *call) request() *http.Request {
	r := httptest.NewRequest(c.method, c.path+"?"+c.params.Encode(), strings.NewReader(c.body))
	if c.contentType != "" {
		r.Header.Set("Content-Type", c.contentType)
	}
	return r
}

// do puts the call to sim without a network, and returns the answer.
func (c *call) do(sim http.Handler) (status int, body string) {
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, c.request())
	return w.Code, w.Body.String()
}

// post puts the call to the server at baseURL on a connection of its own.
func (c *call) post(t *testing.T, baseURL string) (*http.Response, string, error) {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	r, err := http.NewRequestWithContext(t.Context(), c.method, baseURL+c.path+"?"+c.params.Encode(), strings.NewReader(c.body))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := transport.RoundTrip(r)
	if err != nil {
		return nil, "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return resp, string(body), err
}

// mustAnswer puts c to sim and wants the body to begin with want.
func mustAnswer(t *testing.T, sim http.Handler, c *call, want string) {
	t.Helper()
	if status, got := c.do(sim); status != http.StatusOK || !strings.HasPrefix(got, want) {
		t.Errorf("answered %d %s, want 200 %s…", status, got, want)
	}
}
