package msdkclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// BattleReport is [Client.ReportBattle] for reports that are JSON texts already: POST /profile/wxbattle_report (interface
// document, 3.4.2).
//
// Each report is one user's data and is posted byte for byte; that it is JSON is the caller's concern. The reports go out
// as an array in the given order, also when there is one. openid is the user the call is made for, one of those reported:
// the platform refuses a second call for the same user within a second.
//
// A non-nil error is an [*Error]. The platform takes a call's reports all or not at all.
func (c *Client) BattleReport(ctx context.Context, app App, openid string, reports ...[]byte) error {
	if len(reports) == 0 {
		return &Error{Class: Endpoint, Path: PathReportBattle, Err: errors.New("no report given")}
	}
	body := newBody()
	body.text = appendBattleReport(body.text, app.ID, openid, reports)
	_, err := c.call(ctx, callReportBattle, app, openid, body)
	return err
}

// BattleReportBody is the body that [Client.BattleReport] posts.
func BattleReportBody(app App, openid string, reports ...[]byte) []byte {
	return appendBattleReport(nil, app.ID, openid, reports)
}

// body is the text of a request.
type body struct{ text []byte }

var bodies = sync.Pool{New: func() any { return new(body) }}

func newBody() *body { return bodies.Get().(*body) }

// release gives the memory to the next request, unless it is what a single huge batch has asked for.
func (b *body) release() {
	const most = 128 << 10
	if cap(b.text) <= most {
		b.text = b.text[:0]
		bodies.Put(b)
	}
}

// appendBattleReport grows text at most once.
func appendBattleReport(text []byte, appid, openid string, reports [][]byte) []byte {
	text = fmt.Appendf(text, `{"appid":%s,"openid":%s,"json":[`, quote(appid), quote(openid))
	size := len(reports) - 1 + len("]}") // with a comma between any two
	for _, r := range reports {
		size += len(r)
	}
	text = slices.Grow(text, size)
	for i, r := range reports {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, r...)
	}
	return append(text, "]}"...)
}

func quote(s string) []byte {
	q, err := json.Marshal(s)
	if err != nil {
		panic(err) // every string has a JSON text
	}
	return q
}
