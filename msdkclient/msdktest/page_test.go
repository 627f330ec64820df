package msdktest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

var tag = regexp.MustCompile(`(?s)<[^>]*>`)

// words is what a person reads of a page, on one line.
func words(page string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(page, " ")), " ")
}

func TestThePageBeginsWithWhatOneCanDo(t *testing.T) {
	t.Parallel()
	page := mustAsk(t, msdktest.New(config), "GET", "/", "")
	for _, want := range []string{"No score yet", "None yet. A call is a POST to one of these", "/profile/wxget_vip", "/relation/wxfriends_profile/"} {
		if !strings.Contains(words(page), want) {
			t.Errorf("no %q in %s", want, words(page))
		}
	}
}

func TestThePageShowsBoardsAndRequests(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	battle("ann", "bob", "cid").do(sim)
	bad := battle("ann")
	bad.body = strings.Replace(bad.body, `"platid":1`, `"platid":"1"`, 1)
	bad.do(sim)
	page := words(mustAsk(t, sim, "GET", "/", ""))
	for _, want := range []string{
		"wx1 place player score 1 cid 2 2 bob 1 3 ann 0",
		"/profile/wxbattle_report/ wx1 ann ret 0 accepted",
		"/profile/wxbattle_report/ wx1 ann ret -1011 ",
		"baseinfo.platid",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %s", want, page)
		}
	}
	if failed := words(mustAsk(t, sim, "GET", "/?failed=true", "")); strings.Contains(failed, "ret 0 accepted") || !strings.Contains(failed, "ret -1011") {
		t.Errorf("of those refused it shows %s", failed)
	}
}

func TestTheBoardsOfThePageAreCutAndSayWhatIsLeft(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	players := make([]string, 5000)
	for i := range players {
		players[i] = fmt.Sprintf("oGRTijrV0l67hDGN7dstOl8C%04d", i)
	}
	if status, body := battle(players...).do(sim); status != http.StatusOK || !strings.Contains(body, `"ret":0`) {
		t.Fatal(status, body)
	}
	page := mustAsk(t, sim, "GET", "/", "")
	for _, want := range []string{"1 oGRTijrV…8C4999 4999", "10 oGRTijrV…8C4990 4990 and 4990 more", "and 495 more"} {
		if !strings.Contains(words(page), want) {
			t.Errorf("no %q in %.3000s", want, words(page))
		}
	}
	if len(page) > 64<<10 {
		t.Errorf("the page has %d bytes", len(page))
	}
}

// TestWhatComesFromOutsideIsTextOnThePage puts markup wherever a call can carry it.
func TestALongPathDoesNotWidenThePage(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	c := battle("ann")
	c.method, c.path = strings.Repeat("X", 1000), "/share/"+strings.Repeat("x", 1000)
	c.do(sim)
	page := mustAsk(t, sim, "GET", "/", "")
	for _, cell := range regexp.MustCompile(`(?s)<td class="mono call">(.*?)</td>`).FindAllStringSubmatch(page, -1) {
		if len(cell[1]) > 100 || !strings.Contains(cell[1], "/share/xxx") {
			t.Errorf("a line is %d wide: %.60s", len(cell[1]), cell[1])
		}
	}
}

func TestWhatComesFromOutsideIsTextOnThePage(t *testing.T) {
	t.Parallel()
	const markup = `"'><script>alert(1)</script><i x=`
	sim := msdktest.New(msdktest.Config{NoUserLimit: true, Apps: []msdktest.App{{ID: markup, AppKey: appKey, Users: []msdktest.User{{OpenID: markup, NickName: "<b>" + markup}}}}})
	good := battle(markup)
	good.params.Set("appid", markup)
	good.body = strings.Replace(good.body, `"wx1"`, fmt.Sprintf("%q", markup), 1)
	if _, answer := good.do(sim); !strings.Contains(answer, `"ret":0`) {
		t.Fatal(answer)
	}
	for _, spoil := range []func(*call){
		func(c *call) { c.params.Set("appid", markup+"2") },
		func(c *call) { c.params.Set("openid", markup) },
		func(c *call) { c.params.Set(markup, markup) },
		func(c *call) { c.params.Set("msdkExtInfo", markup) },
		func(c *call) { c.params.Set("encode", markup) },
		func(c *call) { c.path = "/profile/" + url.PathEscape(markup) },
		func(c *call) { c.method = "SCRIPT" },
		func(c *call) { c.body = markup },
		func(c *call) { c.body = fmt.Sprintf(`{%q:1}`, markup) },
		func(c *call) { c.body = fmt.Sprintf(`{"appid":%q}`, markup) },
	} {
		c := battle("o1")
		spoil(c)
		c.do(sim)
	}
	mustAsk(t, sim, "POST", "/_/script", fmt.Sprintf(`{"rules":[{"answer":{"ret":-1,"msg":%q}}]}`, markup))
	good.do(sim)
	ask := url.Values{"app": {markup}, "openid": {markup}, "live": {markup}, "failed": {""}}
	for _, query := range []string{"", "?" + ask.Encode(), "?failed=" + url.QueryEscape(markup)} {
		page := mustAsk(t, sim, "GET", "/"+query, "")
		if lower := strings.ToLower(page); strings.Contains(lower, "<script") || strings.Contains(lower, "<i ") || strings.Contains(lower, "<b>") {
			t.Errorf("markup on the page:\n%s", page)
		}
		if !strings.Contains(page, "&lt;script&gt;alert(1)&lt;/script&gt;") {
			t.Errorf("nothing of it is shown with %q", query)
		}
	}
}

func TestABrowserRunsAndLoadsNothingOnThePage(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	battle("ann").do(sim)
	w := httptest.NewRecorder()
	sim.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	for name, want := range map[string]string{
		"Content-Type":            "text/html; charset=utf-8",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"X-Content-Type-Options":  "nosniff",
		"Referrer-Policy":         "no-referrer",
		"Cache-Control":           "no-store",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	page := w.Body.String()
	if strings.Contains(page, "style=") || strings.Contains(page, "<style") || strings.Contains(page, "<script") || strings.Contains(page, " on") && regexp.MustCompile(`<[^>]* on[a-z]+=`).MatchString(page) {
		t.Error("the page has what its policy forbids")
	}
	style := httptest.NewRecorder()
	sim.ServeHTTP(style, httptest.NewRequest("GET", "/_/page.css", nil))
	if style.Code != 200 || style.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(style.Body.String(), "prefers-color-scheme: dark") {
		t.Errorf("the style: %d %v", style.Code, style.Header())
	}
	head := httptest.NewRecorder()
	sim.ServeHTTP(head, httptest.NewRequest("HEAD", "/", nil))
	if head.Code != 200 {
		t.Errorf("HEAD: %d", head.Code)
	}
}

func TestThePageLoadsItselfAgainIfAsked(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	if strings.Contains(mustAsk(t, sim, "GET", "/", ""), `http-equiv="refresh"`) {
		t.Error("it does unasked: what is typed into it would be lost")
	}
	if !strings.Contains(mustAsk(t, sim, "GET", "/?live=true", ""), `http-equiv="refresh"`) {
		t.Error("it does not")
	}
}
