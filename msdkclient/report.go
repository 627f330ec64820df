package msdkclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
)

// Paths as the interface document writes them; on the wire a slash follows.
const (
	pathBattleReport = "/profile/wxbattle_report"
	pathScore        = "/profile/wxscore"
)

// BattleReport reports the results of one round of one or many players (MSDK interface document, 3.4.2).
//
// Each report is the JSON text of one player's data and is posted byte for byte; that it is JSON is the caller's
// concern. The reports go out as an array in the given order, also when there is one. openid is the user the call is
// made for, one of those reported: the platform refuses a second call for the same user within a second.
//
// A non-nil error is an [*Error]. The platform takes a call's reports all or not at all.
func (c *Client) BattleReport(ctx context.Context, app App, openid string, reports ...[]byte) error {
	if len(reports) == 0 {
		return &Error{Class: Endpoint, Path: pathBattleReport, Err: errors.New("no report given")}
	}
	body := newBody()
	body.text = appendBattleReport(body.text, app.ID, openid, reports)
	_, err := c.call(ctx, pathBattleReport, app, openid, body)
	return err
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

// Score is one player's score for the legacy call.
type Score struct {
	OpenID  string
	Score   string // a decimal integer
	Expires string // Unix time in seconds, "0" for never
}

// Score reports one player's score by the legacy call that BattleReport replaces (MSDK interface document, 3.4.1).
// The platform refuses a second call for the same user within a second. A non-nil error is an [*Error].
func (c *Client) Score(ctx context.Context, app App, s Score) error {
	// The numbers are strings on purpose: the server tells 1 from "1" (chapter 1.5).
	body := newBody()
	body.text = fmt.Appendf(body.text, `{"appid":%s,"grantType":"client_credential","openid":%s,"score":%s,"expires":%s}`,
		quote(app.ID), quote(s.OpenID), quote(s.Score), quote(s.Expires))
	_, err := c.call(ctx, pathScore, app, s.OpenID, body)
	return err
}
