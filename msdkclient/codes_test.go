package msdkclient

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// A documented code is a line of testdata/codes.tsv.
type documented struct {
	layer                      string
	code                       int
	class, userClass, handling string
	text                       string
}

func documentedCodes(t *testing.T) (all []documented) {
	t.Helper()
	for _, row := range rows(t, "testdata/codes.tsv") {
		all = append(all, documented{row[0], number(t, row[1]), row[2], row[3], row[4], row[5]})
	}
	return all
}

// answers are those by which the platform says the code.
func (d documented) answers() []string {
	ret, passedOn := map[string]int{"qq": retQQ, "gamecenter": retQQ, "wechat": retWeChat}[d.layer]
	if !passedOn {
		return []string{fmt.Sprintf(`{"ret":%d,"msg":"why"}`, d.code)}
	}
	return []string{
		fmt.Sprintf(`{"ret":%d,"msg":"%d,why"}`, ret, d.code),
		fmt.Sprintf(`{"ret":%d,"msg":" %d , why"}`, ret, d.code),
		fmt.Sprintf(`{"ret":%d,"msg":"%d"}`, ret, d.code),
	}
}

func TestTheTableHasEachDocumentedCodeAndNoOther(t *testing.T) {
	t.Parallel()
	seen := map[Meaning]bool{}
	for _, d := range documentedCodes(t) {
		found := false
		for _, m := range Explain(d.code) {
			if m.Layer == d.layer {
				found, seen[m] = true, true
				if got := (documented{m.Layer, m.Code, m.Class.String(), m.UserClass.String(), m.Handling.String(), m.Text}); got != d {
					t.Errorf("got  %v\nwant %v", got, d)
				}
			}
		}
		if !found {
			t.Errorf("%s %d is not in the table", d.layer, d.code)
		}
	}
	for _, m := range Codes() {
		if !seen[m] {
			t.Errorf("%s %d is not documented", m.Layer, m.Code)
		}
		if m.Class == User {
			t.Errorf("%s %d: a report is of no user", m.Layer, m.Code)
		}
	}
	if n := len(retCodes) + len(weChatCodes) + len(qqCodes); n != len(Codes()) {
		t.Errorf("of %d codes %d can be told apart", len(Codes()), n)
	}
}

func TestANumberThatTwoLayersShareHasBothMeanings(t *testing.T) {
	t.Parallel()
	var layers []string
	for _, m := range Explain(-1) {
		layers = append(layers, m.Layer)
	}
	if got := strings.Join(layers, " "); got != "wechat qq" {
		t.Errorf("-1 is of %q", got)
	}
	if len(Explain(-1500)) != 0 {
		t.Error("-1500 has a meaning")
	}
}

// verdict is all that a failure says of what to do.
type verdict struct {
	class                                      Class
	retryable, throttled, refresh, reauthorize bool
	handling                                   Handling
}

func verdictOn(t *testing.T, err error) verdict {
	t.Helper()
	e := asError(t, err)
	wrapped := fmt.Errorf("list friends: %w", err)
	return verdict{
		e.Class, IsRetryable(wrapped), IsThrottled(wrapped), NeedsRefresh(wrapped), Reauthorize(wrapped), e.Handling(),
	}
}

// scripted is a client whose calls are answered by the text it returns a place for.
func scripted(t *testing.T) (c *Client, answer *string) {
	t.Helper()
	answer = new(string)
	return serve(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, *answer) }), answer
}

// TestEveryCodeHasItsVerdictByCall: the expected ones are worked out of the documented columns.
func TestEveryCodeHasItsVerdictByCall(t *testing.T) {
	t.Parallel()
	c, answer := scripted(t)
	for _, call := range []*Call{callReportBattle, callReportScore, callUploadPicture, callFriends, callVIP, callRefreshToken} {
		for _, d := range documentedCodes(t) {
			class, handling := d.class, d.handling
			if call.UserToken {
				class = d.userClass
			}
			switch ofUser := handling == "refresh" || handling == "reauthorize"; {
			case ofUser && class == "app":
				handling = "fix_app"
			case ofUser && class == "record":
				handling = "fix_request"
			case ofUser && call == callRefreshToken:
				handling = "reauthorize"
			}
			for _, *answer = range d.answers() {
				_, err := c.Send(t.Context(), testApp, call, "o1", []byte(`{}`))
				if class == "ok" {
					if err != nil {
						t.Errorf("%s answered %s: %v", call.Path, *answer, err)
					}
					continue
				}
				got := verdictOn(t, err)
				want := verdict{
					got.class, class == "retry" || class == "throttle", class == "throttle",
					class == "user" && handling == "refresh", class == "user" && handling == "reauthorize", Handling(handling),
				}
				if got != want || got.class.String() != class || asError(t, err).Uncertain {
					t.Errorf("%s answered %s: %+v of %v, want %+v of %s", call.Path, *answer, got, got.class, want, class)
				}
			}
		}
	}
}
