package msdktest_test

import (
	"crypto/md5"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestWhatPeopleGetWrongIsNamed spoils one thing at a time in a call that is good.
func TestWhatPeopleGetWrongIsNamed(t *testing.T) {
	t.Parallel()
	now := fmt.Sprint(time.Now().Unix())
	sig := func(text string) func(*call) { // over any text, in the place of key and timestamp
		return func(c *call) { c.params.Set("timestamp", now); c.params.Set("sig", md5Hex(text)) }
	}
	stamped := func(timestamp string) func(*call) {
		return func(c *call) { c.params.Set("timestamp", timestamp); c.params.Set("sig", md5Hex(appKey+timestamp)) }
	}
	path := func(path string) func(*call) { return func(c *call) { c.path = path } }
	body := func(body string) func(*call) { return func(c *call) { c.body = body } }
	battles := func(json string) func(*call) { return body(`{"appid":"wx1","openid":"ann","json":` + json + `}`) }
	to := func(path, text string) func(*call) { return func(c *call) { c.path, c.body = path+"/", text } }
	header := func(contentType string) func(*call) { return func(c *call) { c.contentType = contentType } }

	for mistake, tt := range map[string]struct {
		spoil func(*call)
		ret   int
		words string
	}{
		"wxscore's fields without json": {body(score("ann", "7", "0")), -1011, "json is missing: score and expires are fields of /profile/wxscore"},
		"the report without json":       {body(`{"appid":"wx1","openid":"ann","baseinfo":{"platid":0}}`), -1011, "json is missing: baseinfo and battleinfo belong into json"},
		"a report to wxscore":           {to(msdktest.PathScore, `{"appid":"wx1","openid":"ann","json":{"baseinfo":{"platid":0}}}`), -1011, "score is missing: json is a field of /profile/wxbattle_report"},
		"json as text":                  {battles(`"{\"baseinfo\":{\"platid\":0}}"`), -1011, "json must be an object or an array with something in it: it is a string"},

		"a timestamp as a date":        {stamped(time.Now().Format("20060102150405")), -502, "timestamp out of range: it is written yyyyMMddHHmmss"},
		"a timestamp in milliseconds":  {stamped(fmt.Sprint(time.Now().UnixMilli())), -502, "timestamp out of range: it is in milliseconds"},
		"a timestamp in microseconds":  {stamped(fmt.Sprint(time.Now().UnixMicro())), -502, "timestamp out of range: it is in microseconds"},
		"a timestamp in nanoseconds":   {stamped(fmt.Sprint(time.Now().UnixNano())), -502, "timestamp out of range: it is in nanoseconds"},
		"a timestamp far ahead":        {stamped("9223372036854775807"), -502, `timestamp out of range: want the Unix time in seconds, have "9223372036854775807"`},
		"a timestamp far behind":       {stamped("-9223372036854775808"), -502, `timestamp out of range: want the Unix time in seconds, have "-9223372036854775808"`},
		"a timestamp in words":         {stamped("now"), -502, `timestamp out of range: want the Unix time in seconds, have "now"`},
		"a timestamp of yesterday":     {stamped(fmt.Sprint(time.Now().Unix() - 86400)), -502, "timestamp out of range: it is 24h0m"},
		"a timestamp of tomorrow":      {stamped(fmt.Sprint(time.Now().Unix() + 86400)), -502, " ahead; ten minutes are allowed"},
		"sig in upper case":            {func(c *call) { c.params.Set("sig", strings.ToUpper(c.params.Get("sig"))) }, -502, "wrong signature: it is in upper case"},
		"sig over the parameters":      {signParams, -502, "wrong signature: the parameters were signed"},
		"sig over the body":            {func(c *call) { c.params.Set("sig", md5Hex(appKey+c.body)) }, -502, "wrong signature: the body was signed"},
		"sig over the timestamp alone": {sig(now), -502, "wrong signature: the timestamp was signed without the key"},
		"sig over the key alone":       {sig(appKey), -502, "wrong signature: the key was signed without the timestamp"},
		"key and timestamp swapped":    {sig(now + appKey), -502, "wrong signature: key and timestamp are swapped"},
		"a line feed signed too":       {sig(appKey + now + "\n"), -502, "wrong signature: a line feed was signed too"},
		"the msdkkey for encode 1":     {sig(msdkKey + now), -502, "wrong signature: it is signed with the msdkkey: encode 1 is for the appkey"},
		"the appkey for encode 2":      {func(c *call) { c.params.Set("encode", "2") }, -502, "wrong signature: it is signed with the appkey: encode 1 is for the appkey, encode 2 for the msdkkey"},
		"encode 0":                     {func(c *call) { c.params.Set("encode", "0") }, -502, "wrong signature: encode must be 1 or 2"},
		"a sig of another kind":        {func(c *call) { c.params.Set("sig", strings.Repeat("ab", 20)) }, -502, "wrong signature: it has 40 characters; want 32 lowercase hex digits"},
		"a sig with another key":       {sig("x" + now), -502, "wrong signature: want 32 lowercase hex digits: the md5 of the key with the timestamp behind it"},
		"the parameters in the body":   {func(c *call) { c.params.Del("sig"); c.body = `{"sig":"x"}` }, -506, "missing URL parameter sig: it stands in the body: want it in the URL too"},
		"a serial with a dash":         {func(c *call) { c.params.Set("msdkExtInfo", "a-b") }, -1011, `msdkExtInfo must be letters, digits and underscores: it is "a-b"`},
		"a guest's appid":              {func(c *call) { c.params.Set("appid", "G_wx1") }, -901, "not for guests: appid begins with G_"},
		"a guest's openid":             {func(c *call) { c.params.Set("openid", "G_ann") }, -901, "not for guests: openid begins with G_"},
		"a guest's openid in the body": {body(`{"appid":"wx1","openid":"G_ann","json":{"baseinfo":{"platid":0}}}`), -901, "not for guests: the openid G_ann begins with G_"},
		"a guest among the reports":    {battles(`[{"baseinfo":{"openid":"G_ann","platid":0}}]`), -901, "not for guests: the openid G_ann begins with G_"},
		"an app that is not known":     {func(c *call) { c.params.Set("appid", "wx0") }, -504, "unknown appid: this platform knows no app wx0"},
		"no appid in the URL":          {func(c *call) { c.params.Del("appid") }, -504, "unknown appid: the URL has no appid"},

		"a path too long":           {path("/relation/profile/wxscore/"), -505, "no such interface: did you mean /profile/wxscore/?"},
		"a path of another service": {path("/relation/wxscore/"), -505, "no such interface: did you mean /profile/wxscore/?"},
		"a path misspelt":           {path("/profile/wxbattlereport"), -505, "no such interface: did you mean /profile/wxbattle_report/?"},
		"a path in upper case":      {path("/Profile/wxScore"), -505, "no such interface: did you mean /profile/wxscore/?"},
		"the singular of a path":    {path("/relation/wxfriend_profile/"), -505, "no such interface: did you mean /relation/wxfriends_profile/?"},
		"no service in the path":    {path("/check_token/"), -505, "no such interface: did you mean /auth/check_token/?"},
		"a path that is nothing":    {path("/what/is/this"), -505, "no such interface: the paths are those of the twelve calls"},
		"the call of guests":        {path("/auth/guest_check_token/"), -505, "no such interface: that call is for guests"},
		"the root":                  {path("/"), -505, "no such interface: the paths are"},

		"an empty appid in the body":   {body(`{"appid":"","openid":"ann","json":{"baseinfo":{"platid":0}}}`), -1011, "appid is empty"},
		"another appid in the body":    {body(`{"appid":"wx2","openid":"ann","json":{"baseinfo":{"platid":0}}}`), -1011, `appid is not that of the URL: it is "wx2"`},
		"a number for an appid":        {body(`{"appid":369,"openid":"ann","json":{"baseinfo":{"platid":0}}}`), -1011, "appid must be a string: it is a number, not a string"},
		"a score as text in a report":  {battles(`{"baseinfo":{"platid":0},"battleinfo":{"score":"7"}}`), -1011, "json.battleinfo.score must be an integer: it is a string, not a number"},
		"a score as a number":          {to(msdktest.PathScore, `{"appid":"wx1","openid":"ann","score":7,"expires":"0"}`), -1011, "score must be a string: it is a number, not a string"},
		"an element without openid":    {battles(`[{"baseinfo":{"openid":"ann","platid":0}},{"baseinfo":{"platid":0}}]`), -1011, "element 1: baseinfo.openid is missing"},
		"an element with an empty one": {battles(`[{"baseinfo":{"openid":"","platid":0}}]`), -1011, "element 0: baseinfo.openid is missing"},
		"a platform that is none":      {battles(`{"baseinfo":{"platid":2}}`), -1011, "json.baseinfo.platid must be 0 or 1: it is 2"},
		"a victory as a number":        {battles(`{"baseinfo":{"platid":0},"battleinfo":{"iswin":1}}`), -1011, "json.battleinfo.iswin must be a boolean: it is 1"},
		"a time in another form":       {battles(`{"baseinfo":{"platid":0},"battleinfo":{"acttime":"2014-09-24T13:10:45Z"}}`), -1011, "json.battleinfo.acttime must be a time such as 2014-09-24 13:10:45"},
		"data that is no value":        {battles(`{"baseinfo":{"platid":0},"userdefined":{"gold":{"name":"g","value":1.5}}}`), -1011, "json.userdefined.gold.value must be an integer or a string: it is"},
		"data that is bare":            {battles(`{"baseinfo":{"platid":0},"userdefined":{"gold":3}}`), -1011, "json.userdefined.gold must be an object: it is 3"},
		"an expiry as a duration":      {to(msdktest.PathScore, score("ann", "7", "86400")), -1011, `expires must be the Unix time in seconds, such as 1893456000, or 0 for never; no duration, no milliseconds: it is "86400", which looks like a duration`},
		"an expiry in milliseconds":    {to(msdktest.PathScore, score("ann", "7", "1893456000000")), -1011, `: it is "1893456000000", which looks like milliseconds`},
		"another grant":                {to(msdktest.PathScore, strings.Replace(score("ann", "7", "0"), "client_credential", "password", 1)), -1011, "grantType must be client_credential"},
		"the name of another call":     {to(msdkclient.PathCheckToken, `{"access_token":"at_ann","openid":"ann"}`), -1011, "accessToken is missing: in this call access_token is spelt accessToken"},
		"and the other way round":      {to(msdkclient.PathShareMessage, strings.Replace(message("at_ann", "ann", "bob", ""), "access_token", "accessToken", 1)), -1011, "access_token is missing: in this call accessToken is spelt access_token"},
		"extinfo of more than 2 KiB":   {to(msdkclient.PathShareMessage, strings.Replace(message("at_ann", "ann", "bob", ""), `"extinfo":"x"`, `"extinfo":"`+strings.Repeat("安", 683)+`"`, 1)), -1011, "extinfo must be 2048 bytes at most: it is 2049 bytes"},
		"a plus for a blank":           {to(msdkclient.PathUploadPicture, picture(appKey, "a+b", 3)), -1011, "binary: '+' at 1: want percent-encoding by RFC 3986, in which a blank is %20"},

		"a body of multipart":           {func(c *call) { header("multipart/form-data; boundary=x")(c); c.body = "--x\r\n" }, -304, "the body is not JSON: it is multipart/form-data"},
		"JSON that is called multipart": {header("multipart/form-data; boundary=x"), -304, "the body is not JSON: it is multipart/form-data"},
		"a form":                        {body("appid=wx1&openid=ann"), -304, "the body is not JSON: it is form-encoded"},
		"JSON in a form":                {body(`json=%7B%7D`), -304, "the body is not JSON: it is form-encoded"},
		"a body that is packed":         {body("\x1f\x8b\x08"), -304, "the body is not JSON: it is compressed"},
		"a byte order mark":             {body("\ufeff{}"), -304, "the body is not JSON: it begins with a byte order mark"},
		"another encoding":              {body("{\"appid\":\"\xb0\xb2\"}"), -304, "the body is not JSON: it is not UTF-8"},
		"a body cut short":              {body(`{"appid":"wx1"`), -304, "the body is not JSON: unexpected end of JSON input, at byte 14"},
		"no body":                       {body(""), -501, "empty body"},
		"a list for a body":             {body("[]"), -1011, "the body must be an object: it is an array"},
		"null for a value":              {battles(`{"baseinfo":{"platid":null}}`), -1011, "json.baseinfo.platid must be an integer: it is null"},
		"a number with a point":         {to(msdkclient.PathVIP, withAppID("at_ann", "ann", `,"json":{"optype":1.0}`)), -1011, "json.optype must be an integer without a point"},
	} {
		t.Run(mistake, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(town)
			c := newCall(msdktest.PathBattleReport, "ann", `{"appid":"wx1","openid":"ann","json":{"baseinfo":{"platid":0}}}`)
			c.sign(appKey, time.Now())
			tt.spoil(c)
			_, got := c.do(sim)
			if want := fmt.Sprintf(`{"ret":%d,"msg":`, tt.ret); !strings.HasPrefix(got, want) {
				t.Fatalf("answered %s, want %s", got, want)
			}
			e := sim.Requests()[0]
			if !strings.Contains(e.Msg, tt.words) || !strings.Contains(e.Cause, tt.words) || e.Ret != tt.ret {
				t.Errorf("ret %d, msg %q, cause %q, want %q", e.Ret, e.Msg, e.Cause, tt.words)
			}
			if sim.Ledger.Len() != 0 {
				t.Error("a report was taken")
			}
		})
	}
}

func md5Hex(text string) string { return fmt.Sprintf("%x", md5.Sum([]byte(text))) }

// signParams signs as other platforms have it.
func signParams(c *call) {
	c.params.Del("sig")
	pairs := []string{}
	for name := range c.params {
		pairs = append(pairs, name+"="+c.params.Get(name))
	}
	sort.Strings(pairs)
	c.params.Set("sig", md5Hex(strings.Join(pairs, "&")+appKey))
}

func TestEveryCallIsServedUnderEachOfItsPaths(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	paths := []string{"/wxoauth/check_token", "/wxoauth/check_token/"}
	for _, c := range msdkclient.Calls() {
		paths = append(paths, c.Path, c.Path+"/")
	}
	for _, path := range paths {
		c := newCall("", "ann", `{}`)
		c.path = path
		mustAnswer(t, sim, c, `{"ret":-1011,"msg":"`)
		for _, method := range []string{http.MethodGet, http.MethodPut, http.MethodHead, "OPTIONS"} {
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != http.MethodPost {
				t.Errorf("%s %s: %d, allowed: %s", method, path, w.Code, w.Header().Get("Allow"))
			}
		}
	}
}

func TestParametersComeInAnyOrderAndBodiesUnderAnyOtherName(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	c := newCall(msdkclient.PathCheckToken, "ann", check("at_ann", "ann"))
	for _, order := range []string{"timestamp appid sig openid encode", "openid encode sig appid timestamp", "sig encode timestamp openid appid conn msdkExtInfo"} {
		for _, contentType := range []string{"application/json", "application/x-www-form-urlencoded", "text/plain; charset=gbk", ""} {
			var query []string
			for _, name := range strings.Fields(order) {
				query = append(query, name+"="+url.QueryEscape(c.params.Get(name)))
			}
			r := httptest.NewRequest(http.MethodPost, c.path+"?"+strings.Join(query, "&"), strings.NewReader(c.body))
			r.Header.Set("Content-Type", contentType)
			w := httptest.NewRecorder()
			sim.ServeHTTP(w, r)
			if !strings.HasPrefix(w.Body.String(), `{"ret":0,`) {
				t.Errorf("%s, %s: %s", order, contentType, w.Body)
			}
		}
	}
}
