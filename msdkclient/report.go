package msdkclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	_, err := c.call(ctx, pathBattleReport, app, openid, battleReportBody(app.ID, openid, reports))
	return err
}

// battleReportBody is written into one buffer of the right size. The buffer is not recycled: net/http may read a body
// after the answer to it has come, and knowing when it has stopped costs more than the garbage.
func battleReportBody(appid, openid string, reports [][]byte) []byte {
	head := fmt.Appendf(nil, `{"appid":%s,"openid":%s,"json":[`, quote(appid), quote(openid))
	size := len(head) + len(reports) - 1 + len("]}") // with a comma between any two
	for _, r := range reports {
		size += len(r)
	}
	body := append(make([]byte, 0, size), head...)
	for i, r := range reports {
		if i > 0 {
			body = append(body, ',')
		}
		body = append(body, r...)
	}
	return append(body, "]}"...)
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
	body := fmt.Appendf(nil, `{"appid":%s,"grantType":"client_credential","openid":%s,"score":%s,"expires":%s}`,
		quote(app.ID), quote(s.OpenID), quote(s.Score), quote(s.Expires))
	_, err := c.call(ctx, pathScore, app, s.OpenID, body)
	return err
}
