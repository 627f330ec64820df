package msdkclient

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestNoSecretIsShownInAnyFormThatAServerMayWriteItIn(t *testing.T) {
	t.Parallel()
	bare := func(s string) string { q := string(quote(s)); return q[1 : len(q)-1] }
	for rule, write := range map[string]func(string) string{
		"as it is":                     func(s string) string { return s },
		"in a query":                   url.QueryEscape,
		"in a query, in small letters": func(s string) string { return lower(url.QueryEscape(s)) },
		"in a path":                    url.PathEscape,
		"in a path, in small letters":  func(s string) string { return lower(url.PathEscape(s)) },
		"in JSON":                      bare,
		"in JSON, as PHP writes it":    func(s string) string { return strings.ReplaceAll(bare(s), "/", `\/`) },
		"in JSON that is not for HTML": func(s string) string { return strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) },
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) {
				printable := rapid.StringMatching(`[!-~]{7,40}`)
				key, token := "k"+printable.Draw(t, "key"), "t"+printable.Draw(t, "token")
				longer := key + "more" // the rest of which must not stay
				m := newMask(key, sign(key, "1"), "o1", nil, token, longer)
				for secret, want := range map[string]string{key: "[key]", token: "[secret]", longer: "[secret]"} {
					if got := m.text("{" + write(secret) + "}"); got != "{"+want+"}" {
						t.Fatalf("%s as %s is shown as %s", secret, write(secret), got)
					}
				}
			})
		})
	}
}

func lower(escaped string) string {
	return percentEncoded.ReplaceAllStringFunc(escaped, strings.ToLower)
}

func TestTokensOfARequestAreNotInItsError(t *testing.T) {
	t.Parallel()
	const access, refresh, secret = "access+token/1", "refresh+token/2", "app\"key&3"
	for rule, tt := range map[string]struct {
		call   func(*Client) error
		secret string
	}{
		"of CheckToken": {func(c *Client) error {
			return c.CheckToken(t.Context(), testApp, CheckTokenRequest{AccessToken: access, OpenID: "o1"})
		}, access},
		"of RefreshToken": {func(c *Client) error {
			_, err := c.RefreshToken(t.Context(), testApp, RefreshTokenRequest{RefreshToken: refresh, OpenID: "o1"})
			return err
		}, refresh},
		"of UploadPicture, which has the key in its body": {func(c *Client) error {
			_, err := c.UploadPicture(t.Context(), App{ID: "wx1", Key: secret, Encode: 1}, UploadPictureRequest{
				FileName: "b.jpg", ContentType: "image/jpeg", Picture: []byte("x"),
			})
			return err
		}, secret},
		"of Send": {func(c *Client) error {
			_, err := c.Send(t.Context(), testApp, callRefreshToken, "o1", []byte(`{"appid":"wx1","refreshToken":"`+refresh+`"}`))
			return err
		}, refresh},
		"of Friends": {func(c *Client) error {
			_, err := c.Friends(t.Context(), testApp, FriendsRequest{OpenID: "o1", AccessToken: access})
			return err
		}, access},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				told, err := json.Marshal(map[string]any{"ret": -1011, "msg": string(body) + " of " + tt.secret + " " + url.QueryEscape(tt.secret)})
				if err != nil {
					panic(err)
				}
				_, _ = w.Write(told)
			})
			e := asError(t, tt.call(c))
			for _, form := range forms(tt.secret) {
				if strings.Contains(e.Msg, form) {
					t.Errorf("%s in %s", form, e.Msg)
				}
			}
			if e.Ret != -1011 || !strings.Contains(e.Msg, "[") {
				t.Errorf("%+v", e)
			}
		})
	}
}

func TestATokenThatIsNoStringIsNotInTheError(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]string{
		`{"ret":0,"accessToken":{"value":"hunter2-hunter2"}}`: "accessToken: an object: want a string",
		`{"ret":0,"accessToken":["hunter2-hunter2"]}`:         "accessToken: an array: want a string",
		`{"ret":0,"expiresIn":"hunter2-refresh"}`:             "expiresIn: \"[secret]\": want an integer",
	} {
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
		_, err := c.RefreshToken(t.Context(), testApp, RefreshTokenRequest{RefreshToken: "hunter2-refresh", OpenID: "o1"})
		if e := asError(t, err); e.Class != Retry || !e.Uncertain || e.Err.Error() != want || e.Error() != "msdk /auth/refresh_token: ret 0, success, "+want+" (retry, outcome uncertain)" {
			t.Errorf("%s: %v, want %s", answer, e, want)
		}
	}
}

func TestAnAnswerOfSendHoldsTheTokensAskedFor(t *testing.T) {
	t.Parallel()
	const answer = `{"ret":0,"accessToken":"another-token","refreshToken":"the-same-token"}`
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) })
	text, err := c.Send(t.Context(), testApp, callRefreshToken, "o1", []byte(`{"appid":"wx1","refreshToken":"the-same-token"}`))
	if string(text) != answer || err != nil {
		t.Errorf("%s, %v", text, err)
	}
}

func TestAnAnswerOfSendHoldsNeitherKeyNorSig(t *testing.T) {
	t.Parallel()
	for rule, ret := range map[string]string{"of success": "0", "of failure": "-502"} {
		c := serve(t, func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, `{"ret":`+ret+`,"msg":"`+testApp.Key+" "+r.URL.Query().Get("sig")+`"}`)
		})
		text, err := c.Send(t.Context(), testApp, callReportScore, "o1", []byte(`{}`))
		if want := `{"ret":` + ret + `,"msg":"[key] [sig]"}`; string(text) != want || (err == nil) != (ret == "0") {
			t.Errorf("%s: %s, %v", rule, text, err)
		}
	}
}

func TestAKeyTooShortToBeOneSpoilsNoAnswer(t *testing.T) {
	t.Parallel()
	for _, key := range []string{"1", "x", "ret", "msg", "success"} {
		const told = `{"ret":-502,"msg":"success 1 x"}`
		c := serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, told) })
		text, err := c.Send(t.Context(), App{ID: "wx1", Key: key, Encode: 1}, callReportScore, "o1", []byte(`{}`))
		if e := asError(t, err); string(text) != told || e.Ret != -502 || e.Msg != "success 1 x" {
			t.Errorf("%s: %s, %v", key, text, e)
		}
	}
}

func TestACallIsNotMadeForAnAppThatCannotCall(t *testing.T) {
	t.Parallel()
	good := App{ID: "wx1", Key: "hunter2", Encode: 1}
	for rule, tt := range map[string]struct {
		spoil func(*App)
		class Class
		want  string
	}{
		"without an appid":           {func(a *App) { a.ID = "" }, AppClass, "appid: want the app's, for the URL"},
		"without a key":              {func(a *App) { a.Key = "" }, AppClass, "key: want the appkey, or with encode 2 the msdkkey"},
		"without encode":             {func(a *App) { a.Encode = 0 }, AppClass, "encode: 0: want 1 if the key is the appkey, 2 if it is the msdkkey"},
		"with another encode":        {func(a *App) { a.Encode = 3 }, AppClass, "encode: 3: want 1 if the key is the appkey, 2 if it is the msdkkey"},
		"of guests":                  {func(a *App) { a.ID = "G_1" }, Endpoint, "appid: G_1: want one without the prefix G_: guests may call nothing but /auth/guest_check_token"},
		"of guests without anything": {func(a *App) { *a = App{ID: "G_1"} }, AppClass, "key: want the appkey, or with encode 2 the msdkkey"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("it was made") })
			app := good
			tt.spoil(&app)
			_, profiles := c.Profiles(t.Context(), app, ProfilesRequest{OpenID: "o1", AccessToken: "t", OpenIDs: []string{"o2"}})
			_, sent := c.Send(t.Context(), app, callVIP, "o1", []byte(`{}`))
			for name, err := range map[string]error{
				"BattleReport": c.BattleReport(t.Context(), app, "o1", []byte(`{}`)),
				"ReportScore":  c.ReportScore(t.Context(), app, aScore),
				"Profiles":     profiles,
				"Send":         sent,
			} {
				e := asError(t, err)
				f, ok := errors.AsType[*FieldError](err)
				if e.Class != tt.class || e.Uncertain || !ok || f.Error() != tt.want || e.Path == "" {
					t.Errorf("%s: %+v, want %v: %s", name, e, tt.class, tt.want)
				}
			}
		})
	}
}
