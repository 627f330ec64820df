package msdkclient

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// aScore is one that may be sent.
var aScore = ReportScoreRequest{OpenID: "o1", Score: "7"}

// seen is a request as it came over the wire.
type seen struct {
	uri    string
	header http.Header
	body   string
}

func record(t *testing.T) (*Client, *seen) {
	t.Helper()
	var got seen
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = seen{r.Method + " " + r.RequestURI + " " + r.Proto, r.Header, string(body)}
		_, _ = io.WriteString(w, `{"ret":0}`)
	})
	return c, &got
}

func TestBattleReportOnTheWire(t *testing.T) {
	t.Parallel()
	c, got := record(t)
	reports := [][]byte{
		[]byte(`{ "a" : 12345678901234567890.10, "a":"\u00e9 é" }`),
		[]byte("{\n\t\"b\": [ ]}"),
	}
	openid := `a "b"&=+ü`
	if err := c.BattleReport(t.Context(), testApp, openid, reports...); err != nil {
		t.Fatal(err)
	}

	shape := regexp.MustCompile(`^POST /profile/wxbattle_report/\?timestamp=(\d{10})&appid=wxcde873f99466f74a` +
		`&sig=([0-9a-f]{32})&openid=a%20%22b%22%26%3D%2B%C3%BC&encode=1&conn=1&msdkExtInfo=([A-Za-z0-9_]+) HTTP/1.1$`)
	parts := shape.FindStringSubmatch(got.uri)
	if parts == nil {
		t.Fatalf("request line %q does not match %v", got.uri, shape)
	}
	if want := sign(testApp.Key, parts[1]); parts[2] != want {
		t.Errorf("sig %s, want %s", parts[2], want)
	}
	want := `{"appid":"wxcde873f99466f74a","openid":"a \"b\"\u0026=+ü","json":[` +
		`{ "a" : 12345678901234567890.10, "a":"\u00e9 é" },` + "{\n\t\"b\": [ ]}" + `]}`
	if got.body != want {
		t.Errorf("body\n%s\nwant\n%s", got.body, want)
	}
	wantHeader := http.Header{
		"Content-Type":   {"text/x-test"},
		"Content-Length": {fmt.Sprint(len(want))},
		"User-Agent":     {"battlereport"},
		// Without it any coding would be allowed.
		"Accept-Encoding": {"identity"},
	}
	if fmt.Sprint(got.header) != fmt.Sprint(wantHeader) {
		t.Errorf("header %v, want %v", got.header, wantHeader)
	}
}

func TestTheProgramIsNamedAsTheCallerWants(t *testing.T) {
	t.Parallel()
	var name string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name = r.UserAgent()
		_, _ = io.WriteString(w, `{"ret":0}`)
	}))
	t.Cleanup(server.Close)
	c := newClient(t, server.URL, WithUserAgent("battlereport/v1.2.3"))
	if err := c.ReportScore(t.Context(), testApp, aScore); err != nil || name != "battlereport/v1.2.3" {
		t.Errorf("%q, %v", name, err)
	}
}

func TestOneReportIsSentAsAnArray(t *testing.T) {
	t.Parallel()
	c, got := record(t)
	if err := c.BattleReport(t.Context(), testApp, "o1", []byte(`{"x":1}`)); err != nil {
		t.Fatal(err)
	}
	if want := `{"appid":"wxcde873f99466f74a","openid":"o1","json":[{"x":1}]}`; got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
}

func TestScoreOnTheWire(t *testing.T) {
	t.Parallel()
	c, got := record(t)
	app := App{ID: "wx1", Key: "k", Encode: 2}
	if err := c.ReportScore(t.Context(), app, ReportScoreRequest{OpenID: "o1", Score: "1000000"}); err != nil {
		t.Fatal(err)
	}
	want := `{"appid":"wx1","grantType":"client_credential","openid":"o1","score":"1000000","expires":"0"}`
	if got.body != want {
		t.Errorf("body %s, want %s", got.body, want)
	}
	if !strings.HasPrefix(got.uri, "POST /profile/wxscore/?timestamp=") || !strings.Contains(got.uri, "&encode=2&") {
		t.Errorf("request line %q", got.uri)
	}
}

func TestBaseURLMayHaveAPrefixAndASlash(t *testing.T) {
	t.Parallel()
	for suffix, want := range map[string]string{
		"":        "/profile/wxscore/",
		"/":       "/profile/wxscore/",
		"/a/b":    "/a/b/profile/wxscore/",
		"/a%2Fb/": "/a%2Fb/profile/wxscore/",
	} {
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			var path string
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path = r.URL.EscapedPath()
				_, _ = io.WriteString(w, `{"ret":0}`)
			}))
			t.Cleanup(server.Close)
			if err := newClient(t, server.URL+suffix).ReportScore(t.Context(), testApp, aScore); err != nil {
				t.Fatal(err)
			}
			if path != want {
				t.Errorf("path %s, want %s", path, want)
			}
		})
	}
}

func TestSerialsAreUniqueAndTheEchoIsAccepted(t *testing.T) {
	t.Parallel()
	var serials []string
	handler := func(w http.ResponseWriter, r *http.Request) {
		serial := r.URL.Query().Get("msdkExtInfo")
		serials = append(serials, serial)
		fmt.Fprintf(w, `{"ret":0,"msdkExtInfo":%q}`, serial)
	}
	for range 2 { // two clients
		c := serve(t, handler)
		for range 50 {
			if err := c.ReportScore(t.Context(), testApp, aScore); err != nil {
				t.Fatal(err)
			}
		}
	}
	slices.Sort(serials)
	if n := len(slices.Compact(serials)); n != 100 {
		t.Errorf("%d serials in 100 calls", n)
	}
}

func TestBattleReportIsWrittenIntoMemoryThatIsThere(t *testing.T) {
	t.Parallel()
	reports := slices.Repeat([][]byte{bytes.Repeat([]byte("x"), 350)}, 100)
	first := appendBattleReport(nil, "wx1", "o1", reports)
	second := appendBattleReport(first[:0], "wx1", "o1", reports)
	if &first[0] != &second[0] {
		t.Error("a body as large as the last has got memory of its own")
	}
}

func TestEscapeIsUndoneByAnyServer(t *testing.T) {
	t.Parallel()
	const all = " !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~ü数\x00\xff"
	got, err := url.QueryUnescape(escape(all))
	if err != nil || got != all || strings.ContainsAny(escape(all), "+&=#? ") {
		t.Errorf("%q: %q, %v", escape(all), got, err)
	}
}
