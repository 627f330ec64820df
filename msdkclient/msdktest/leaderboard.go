package msdktest

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Leaderboard keeps each player's best score, per app, until it expires, and the last value of each piece of the game's own
// data.
type Leaderboard struct {
	now func() time.Time

	mu   sync.Mutex
	apps map[string]map[string]*place // by appid, by openid
}

// place is what is known of one player.
type place struct {
	score   int64
	ranked  bool
	expires int64 // Unix seconds; 0: never
	data    map[string]json.RawMessage
}

// Standing is one player's place on a leaderboard.
type Standing struct {
	OpenID string
	Score  int64
}

// What is kept of a game's own data of a player: so many pieces, of so many bytes each.
const (
	maxData      = 100
	maxDataBytes = 1 << 10
)

func newLeaderboard(now func() time.Time) *Leaderboard {
	return &Leaderboard{now: now, apps: map[string]map[string]*place{}}
}

func (p *place) isShown(now time.Time) bool {
	return p != nil && p.ranked && (p.expires == 0 || now.Unix() < p.expires)
}

// add takes reports, and says of the first why their scores are, or are not, on the board.
func (b *Leaderboard) add(reports []Report) []ScoreNote {
	notes := make([]ScoreNote, 0, min(len(reports), maxNotes))
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.now()
	for i := range reports {
		r := &reports[i]
		onBoard, why := b.addOne(r, now)
		if len(notes) < maxNotes {
			notes = append(notes, ScoreNote{OpenID: r.OpenID, Score: r.score, OnBoard: onBoard, Why: why})
		}
	}
	return notes
}

func (b *Leaderboard) addOne(r *Report, now time.Time) (onBoard bool, why string) {
	if !r.hasScore && r.userDefined == nil {
		return false, unranked(r)
	}
	app := b.apps[r.AppID]
	if app == nil {
		app = map[string]*place{}
		b.apps[r.AppID] = app
	}
	p := app[r.OpenID]
	if p == nil {
		p = &place{}
		app[r.OpenID] = p
	}
	if r.userDefined != nil {
		p.keep(r.userDefined)
	}
	switch {
	case !r.hasScore:
		return false, unranked(r)
	case r.expires != 0 && r.expires <= now.Unix():
		return false, "expired at " + stamp(time.Unix(r.expires, 0))
	case !p.isShown(now) || r.score > p.score:
		p.score, p.ranked, p.expires = r.score, true, r.expires
		return true, "on the board"
	case r.score < p.score:
		return false, "lower than " + strconv.FormatInt(p.score, 10) + ", the best before"
	}
	if p.expires != 0 && (r.expires == 0 || r.expires > p.expires) {
		p.expires = r.expires
	}
	return true, "on the board, the same as before"
}

// unranked says why a report without a score that can be ranked is not.
func unranked(r *Report) string {
	if r.beyond {
		return "a score beyond 64 bits: not ranked"
	}
	return "no score"
}

func (p *place) keep(userDefined []byte) {
	if p.data == nil {
		p.data = map[string]json.RawMessage{}
	}
	for name, piece := range members(userDefined) {
		id, value := content(name), member(piece, "value")
		if _, there := p.data[id]; (there || len(p.data) < maxData) && len(id)+len(value) <= maxDataBytes {
			p.data[id] = slices.Clone(value)
		}
	}
}

// Best is a player's best score, if a report with a score was accepted that has not expired.
func (b *Leaderboard) Best(appid, openid string) (score int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.apps[appid][openid]; p.isShown(b.now()) {
		return p.score, true
	}
	return 0, false
}

// forgotten is a score that a player had on the board, and when it expired.
func (b *Leaderboard) forgotten(appid, openid string) (score int64, at time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.apps[appid][openid]
	if p == nil || !p.ranked || p.isShown(b.now()) {
		return 0, time.Time{}, false
	}
	return p.score, time.Unix(p.expires, 0), true
}

// Place is what the board has of a player.
type Place struct {
	OpenID string `json:"openid"`
	// Score is the best one that has not expired; nil: there is none, and the player is not ranked.
	Score *int64 `json:"score"`
	// Expires is when the score is forgotten, in Unix seconds; 0: never.
	Expires int64 `json:"expires"`
	// UserDefined is the last value of each piece of the game's own data, by its id: of the first hundred ids, and without
	// what is longer than 1 KiB.
	UserDefined map[string]json.RawMessage `json:"userdefined,omitempty"`
}

// Places returns all that an app's board has, best first, equals by openid, those without a score last.
func (b *Leaderboard) Places(appid string) []Place {
	b.mu.Lock()
	now := b.now()
	all := make([]Place, 0, len(b.apps[appid]))
	for openid, p := range b.apps[appid] {
		shown := Place{OpenID: openid, UserDefined: maps.Clone(p.data)}
		if p.isShown(now) {
			score := p.score
			shown.Score, shown.Expires = &score, p.expires
		}
		all = append(all, shown)
	}
	b.mu.Unlock()
	slices.SortFunc(all, func(x, y Place) int {
		switch {
		case x.Score == nil && y.Score == nil:
			return cmp.Compare(x.OpenID, y.OpenID)
		case x.Score == nil:
			return 1
		case y.Score == nil:
			return -1
		}
		return cmp.Or(cmp.Compare(*y.Score, *x.Score), cmp.Compare(x.OpenID, y.OpenID))
	})
	return all
}

// Top returns the n best players of an app, best first, equals by openid.
func (b *Leaderboard) Top(appid string, n int) []Standing {
	b.mu.Lock()
	now := b.now()
	all := make([]Standing, 0, len(b.apps[appid]))
	for openid, p := range b.apps[appid] {
		if p.isShown(now) {
			all = append(all, Standing{openid, p.score})
		}
	}
	b.mu.Unlock()
	slices.SortFunc(all, func(x, y Standing) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.OpenID, y.OpenID))
	})
	return all[:min(n, len(all))]
}

func (b *Leaderboard) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.apps)
}
