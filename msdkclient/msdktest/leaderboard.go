package msdktest

import (
	"cmp"
	"slices"
	"sync"
)

// Leaderboard keeps each player's best score, per app.
type Leaderboard struct {
	mu   sync.Mutex
	best map[string]map[string]int64 // by appid, by openid
}

// Standing is one player's place on a leaderboard.
type Standing struct {
	OpenID string
	Score  int64
}

func newLeaderboard() *Leaderboard {
	return &Leaderboard{best: map[string]map[string]int64{}}
}

func (b *Leaderboard) add(reports []Report) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range reports {
		r := &reports[i]
		if !r.hasScore {
			continue
		}
		app := b.best[r.AppID]
		if app == nil {
			app = map[string]int64{}
			b.best[r.AppID] = app
		}
		if old, ok := app[r.OpenID]; !ok || r.score > old {
			app[r.OpenID] = r.score
		}
	}
}

// Best is a player's best score, if a report with a score was accepted.
func (b *Leaderboard) Best(appid, openid string) (score int64, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	score, ok = b.best[appid][openid]
	return score, ok
}

// Top returns the n best players of an app, best first, equals by openid.
func (b *Leaderboard) Top(appid string, n int) []Standing {
	b.mu.Lock()
	all := make([]Standing, 0, len(b.best[appid]))
	for openid, score := range b.best[appid] {
		all = append(all, Standing{openid, score})
	}
	b.mu.Unlock()
	slices.SortFunc(all, func(x, y Standing) int {
		return cmp.Or(cmp.Compare(y.Score, x.Score), cmp.Compare(x.OpenID, y.OpenID))
	})
	return all[:min(n, len(all))]
}
