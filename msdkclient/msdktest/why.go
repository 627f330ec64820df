package msdktest

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// maxReasons is how many reports an explanation goes back.
const maxReasons = 20

// why says where a player stands on the leaderboard of an app, and what became of the reports that are remembered.
type why struct {
	AppID   string   `json:"app"`
	OpenID  string   `json:"openid"`
	OnBoard bool     `json:"on_board"`
	Best    int64    `json:"best"`
	Place   int      `json:"place,omitempty"`
	Players int      `json:"players"`
	Reasons []reason `json:"reasons"` // the newest first
}

// reason is what became of a report, or what is the matter as a whole, which has no time.
type reason struct {
	Time time.Time `json:"time,omitzero"`
	Text string    `json:"text"`
}

// why explains the place of a player, or that there is none.
func (s *Server) why(appid, openid string) why {
	w := why{AppID: appid, OpenID: openid, Reasons: []reason{}}
	board := s.Leaderboard.Top(appid, math.MaxInt)
	w.Players = len(board)
	if i := slices.IndexFunc(board, func(p Standing) bool { return p.OpenID == openid }); i >= 0 {
		w.OnBoard, w.Best, w.Place = true, board[i].Score, i+1
	}
	if score, at, ok := s.Leaderboard.forgotten(appid, openid); ok {
		w.Reasons = append(w.Reasons, reason{Text: fmt.Sprintf("%d was on the board, and expired at %s", score, stamp(at))})
	}
	remembered := s.Requests()
	for i := range remembered {
		if w.Reasons = append(w.Reasons, remembered[i].reasons(appid, openid)...); len(w.Reasons) >= maxReasons {
			break
		}
	}
	if len(w.Reasons) == 0 {
		w.Reasons = append(w.Reasons, reason{Text: fmt.Sprintf(
			"no report about this openid is among the last %d requests: is it spelt as in the reports, and of this app?", len(remembered))})
	}
	for _, other := range s.appIDs() {
		if best, ok := s.Leaderboard.Best(other, openid); ok && other != appid {
			w.Reasons = append(w.Reasons, reason{Text: fmt.Sprintf("there is a score of this openid, %d, on the board of another app, %s", best, other)})
		}
	}
	return w
}

// reasons is what a request says of the place of a player: of each score, or of none at all if it was refused.
func (e *Entry) reasons(appid, openid string) (all []reason) {
	if !e.isAbout("", openid, "") {
		return nil
	}
	whose := ""
	if e.AppID != appid && e.AppID != "" {
		whose = fmt.Sprintf("reported to another app, %q: ", e.AppID)
	}
	for _, n := range e.Scores {
		if n.OpenID == openid {
			all = append(all, reason{e.Time, fmt.Sprintf("%s%d: %s", whose, n.Score, n.Why)})
		}
	}
	call, known := msdkclient.LookupCall(e.Path)
	if len(all) > 0 || known && call.Path != PathScore && call.Path != PathBattleReport {
		return all
	}
	if e.OK() {
		return []reason{{e.Time, whose + "the report has no score"}}
	}
	return []reason{{e.Time, fmt.Sprintf("%s%s was refused with %s: %s", whose, e.Path, e.Answer(), e.Words())}}
}
