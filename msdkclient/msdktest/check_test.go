package msdktest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestChecks(t *testing.T) {
	t.Parallel()
	score := func(body string) *call { return newCall(msdktest.PathScore, "o1", body) }
	battles := func(json string) func() *call {
		return func() *call {
			return newCall(msdktest.PathBattleReport, "o1", `{"appid":"wx1","openid":"o1","json":`+json+`}`)
		}
	}
	spoilt := func(spoil func(*call)) func() *call {
		return func() *call {
			c := battle("o1", "o2")
			spoil(c)
			return c
		}
	}
	for rule, tt := range map[string]struct {
		call   func() *call
		status int
		ret    int
		msg    string
	}{
		"a good call is accepted":     {spoilt(func(*call) {}), 200, 0, "success"},
		"the msdkkey signs encode 2":  {spoilt(func(c *call) { c.params.Set("encode", "2"); c.sign(msdkKey, time.Now()) }), 200, 0, "success"},
		"nine minutes off is in time": {spoilt(func(c *call) { c.sign(appKey, time.Now().Add(-9*time.Minute)) }), 200, 0, "success"},
		"one object needs no openid":  {battles(`{"baseinfo":{"platid":0}}`), 200, 0, "success"},
		"integers may be written 1.0": {battles(`{"baseinfo":{"platid":1.0}}`), 200, 0, "success"},
		"a good score is accepted":    {func() *call { return score(`{"appid":"wx1","openid":"o1","score":"7","expires":"0"}`) }, 200, 0, "success"},
		"a name may be escaped": {spoilt(func(c *call) {
			c.body = strings.NewReplacer("json", `\u006ason`, "platid", `pl\u0061tid`).Replace(c.body)
		}), 200, 0, "success"},

		"only POST":                           {spoilt(func(c *call) { c.method = http.MethodPut }), 405, 0, ""},
		"the path may end without a slash":    {spoilt(func(c *call) { c.path = msdktest.PathBattleReport }), 200, 0, "success"},
		"other paths are unknown":             {spoilt(func(c *call) { c.path = "/profile/other/" }), 200, -505, "no such interface: *"},
		"appid must be there":                 {spoilt(func(c *call) { c.params.Del("appid") }), 200, -504, "unknown appid: *"},
		"appid must be known":                 {spoilt(func(c *call) { c.params.Set("appid", "wx0") }), 200, -504, "unknown appid: *"},
		"guests may not":                      {spoilt(func(c *call) { c.params.Set("appid", "G_wx1") }), 200, -901, "not for guests: *"},
		"timestamp must be there":             {spoilt(func(c *call) { c.params.Del("timestamp") }), 200, -506, "missing URL parameter timestamp"},
		"sig must be there":                   {spoilt(func(c *call) { c.params.Del("sig") }), 200, -506, "missing URL parameter sig"},
		"openid must be there":                {spoilt(func(c *call) { c.params.Del("openid") }), 200, -506, "missing URL parameter openid: it stands in the body: want it in the URL too"},
		"encode must be there":                {spoilt(func(c *call) { c.params.Del("encode") }), 200, -506, "missing URL parameter encode"},
		"encode is 1 or 2":                    {spoilt(func(c *call) { c.params.Set("encode", "3") }), 200, -502, "wrong signature: *"},
		"the appkey does not sign encode 2":   {spoilt(func(c *call) { c.params.Set("encode", "2") }), 200, -502, "wrong signature: *"},
		"an app without msdkkey has none":     {spoilt(func(c *call) { c.params.Set("appid", "wx2"); c.params.Set("encode", "2"); c.sign("", time.Now()) }), 200, -502, "wrong signature: *"},
		"another key does not sign":           {spoilt(func(c *call) { c.sign("x", time.Now()) }), 200, -502, "wrong signature: *"},
		"eleven minutes old is too old":       {spoilt(func(c *call) { c.sign(appKey, time.Now().Add(-11*time.Minute)) }), 200, -502, "timestamp out of range: *"},
		"eleven minutes early is too early":   {spoilt(func(c *call) { c.sign(appKey, time.Now().Add(11*time.Minute)) }), 200, -502, "timestamp out of range: *"},
		"a body must be there":                {spoilt(func(c *call) { c.body = "" }), 200, -501, "empty body"},
		"the body has a limit":                {spoilt(func(c *call) { c.body = strings.Repeat(" ", 32<<20+1) }), 413, 0, ""},
		"the body is JSON":                    {spoilt(func(c *call) { c.body += "}" }), 200, -304, "the body is not JSON: *"},
		"the body is an object":               {spoilt(func(c *call) { c.body = "[]" }), 200, -1011, "*"},
		"appid is a string":                   {spoilt(func(c *call) { c.body = strings.Replace(c.body, `"wx1"`, `369`, 1) }), 200, -1011, "*"},
		"appid is that of the URL":            {spoilt(func(c *call) { c.params.Set("appid", "wx2") }), 200, -1011, "appid is not that of the URL: *"},
		"openid is there":                     {spoilt(func(c *call) { c.body = `{"appid":"wx1","json":[{"baseinfo":{"openid":"o1","platid":0}}]}` }), 200, -1011, "openid is missing"},
		"openid is a string":                  {spoilt(func(c *call) { c.body = `{"appid":"wx1","openid":7,"json":[{}]}` }), 200, -1011, "*"},
		"json is there":                       {spoilt(func(c *call) { c.body = `{"appid":"wx1","openid":"o1"}` }), 200, -1011, "json is missing"},
		"json is no string":                   {battles(`"{}"`), 200, -1011, "json must be an object or an array with something in it: it is a string"},
		"json is not null":                    {battles(`null`), 200, -1011, "json must be an object or an array with something in it: it is null"},
		"json holds something":                {battles(`[]`), 200, -1011, "json must be an object or an array with something in it"},
		"an element is an object":             {battles(`[` + element("o1", 1) + `,7]`), 200, -1011, "element 1 must be an object: it is 7"},
		"an element is not null":              {battles(`[null]`), 200, -1011, "element 0 must be an object: it is null"},
		"platid is there":                     {battles(`[{"baseinfo":{"openid":"o1"}}]`), 200, -1011, "element 0: baseinfo.platid is missing"},
		"platid is no string":                 {battles(`[{"baseinfo":{"openid":"o1","platid":"0"}}]`), 200, -1011, "element 0: baseinfo.platid must be an integer: it is a string, not a number"},
		"platid is whole":                     {battles(`[{"baseinfo":{"openid":"o1","platid":0.5}}]`), 200, -1011, "element 0: baseinfo.platid must be an integer: it is 0.5"},
		"in an array, baseinfo has openid":    {battles(`[` + element("o1", 1) + `,{"baseinfo":{"platid":0}}]`), 200, -1011, "element 1: baseinfo.openid is missing: *"},
		"baseinfo.openid is a string":         {battles(`[{"baseinfo":{"openid":1,"platid":0}}]`), 200, -1011, "element 0: *"},
		"a score is a string":                 {func() *call { return score(`{"appid":"wx1","openid":"o1","score":7,"expires":"0"}`) }, 200, -1011, "*"},
		"a score expires":                     {func() *call { return score(`{"appid":"wx1","openid":"o1","score":"7"}`) }, 200, -1011, "expires is missing"},
		"a score's expiry is a string":        {func() *call { return score(`{"appid":"wx1","openid":"o1","score":"7","expires":0}`) }, 200, -1011, "*"},
		"a score needs more than an expiry":   {func() *call { return score(`{"appid":"wx1","openid":"o1","expires":"0"}`) }, 200, -1011, "score is missing"},
		"nothing is taken of a batch in part": {battles(`[` + element("o1", 1) + `,{}]`), 200, -1011, "element 1: baseinfo is missing"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(config)
			c := tt.call()
			status, got := c.do(sim)
			if status != tt.status {
				t.Fatalf("status %d, want %d; body %s", status, tt.status, got)
			}
			if status == http.StatusOK {
				want := fmt.Sprintf(`{"ret":%d,"msg":"%s","msdkExtInfo":"s_1"}`, tt.ret, tt.msg)
				prefix, open := strings.CutSuffix(want, `*","msdkExtInfo":"s_1"}`)
				if open && !strings.HasPrefix(got, prefix) || !open && got != want {
					t.Errorf("answer %s, want %s", got, want)
				}
			}
			if taken, good := sim.Ledger.Len(), status == 200 && tt.ret == 0; (taken > 0) != good {
				t.Errorf("%d reports taken", taken)
			}
		})
	}
}

func TestOneCallPerUserAndSecond(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cfg := config
		cfg.NoUserLimit = false
		sim := msdktest.New(cfg)
		other := battle("o1")
		other.params.Set("appid", "wx2")
		other.body = strings.Replace(other.body, "wx1", "wx2", 1)

		mustAnswer(t, sim, battle("o1", "o2"), `{"ret":0`)
		mustAnswer(t, sim, battle("o2", "o1"), `{"ret":0`) // the user is the one in the URL
		mustAnswer(t, sim, other, `{"ret":0`)              // another app's user is another
		time.Sleep(999 * time.Millisecond)
		mustAnswer(t, sim, battle("o1"), `{"ret":-503`)
		mustAnswer(t, sim, battle("o3"), `{"ret":0`)
		time.Sleep(time.Millisecond)
		mustAnswer(t, sim, battle("o1"), `{"ret":0`) // the refused call does not count
		time.Sleep(500 * time.Millisecond)
		mustAnswer(t, sim, battle("o3"), `{"ret":-503`)
		mustAnswer(t, sim, battle("o1"), `{"ret":-503`)
		time.Sleep(time.Hour)
		mustAnswer(t, sim, battle("o1"), `{"ret":0`)
	})
}

// Names differ in more than case: what the document does not know may be anything.
func TestANameInOtherCaseIsAnother(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	mustAnswer(t, sim, newCall(msdktest.PathScore, "a", `{"appid":"wx1","openid":"a","OpenID":"z","score":"1","Score":7,"expires":"0"}`), `{"ret":0`)
	if top := sim.Leaderboard.Top("wx1", 9); fmt.Sprint(top) != "[{a 1}]" {
		t.Errorf("ranked: %v", top)
	}
}

func TestAFieldThatIsNotTheCallsMayBeAnything(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for _, call := range []*call{
		newCall(msdkclient.PathProfiles, "ann", `{"accessToken":"at_ann","openids":["ann"],"appid":-1.9,"openid":"G_x","json":null}`),
		newCall(msdkclient.PathFriends, "ann", `{"accessToken":"at_ann","openid":"ann","appid":"wx2","":[null]}`),
		newCall(msdkclient.PathRefreshToken, "ann", `{"appid":"wx1","refreshToken":"rt_ann","openid":"code_-306_x"}`),
	} {
		mustAnswer(t, sim, call, `{"ret":0`)
	}
}
