package msdktest

import (
	"maps"
	"slices"
	"sync"
	"time"
)

// Report is one accepted report about one player.
type Report struct {
	Time      time.Time // of acceptance
	AppID     string
	OpenID    string // the player's
	Path      string // of the call, without the slash at the end
	Raw       []byte // the player's data as it stood in the body; with wxscore the whole body. Not to be modified.
	Serial    string // msdkExtInfo of the call: reports of one batch share it
	URLOpenID string // the user named in the URL of the call

	score       int64
	hasScore    bool
	beyond      bool   // it has a score that is beyond 64 bits
	expires     int64  // Unix seconds; 0: never
	userDefined []byte // the object; nil: none
}

// Ledger is what the server accepted, in order, and how it answered. What its methods return is the caller's own.
type Ledger struct {
	countsOnly bool
	onAccept   func(Report)

	mu       sync.Mutex
	reports  []Report
	accepted int
	outcomes map[string]int
}

func newLedger(countsOnly bool, onAccept func(Report)) *Ledger {
	return &Ledger{countsOnly: countsOnly, onAccept: onAccept, outcomes: map[string]int{}}
}

func (l *Ledger) accept(req *Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	for i := range req.Reports {
		req.Reports[i].Time = now
		if l.onAccept != nil {
			l.onAccept(req.Reports[i])
		}
	}
	l.accepted += len(req.Reports)
	if !l.countsOnly {
		l.reports = append(l.reports, req.Reports...)
	}
}

func (l *Ledger) count(a Answer) {
	name := a.String()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.outcomes[name]++
}

// Len is the number of reports accepted, kept or not.
func (l *Ledger) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.accepted
}

// Reports returns all reports.
func (l *Ledger) Reports() []Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.reports)
}

// App returns the reports of one app.
func (l *Ledger) App(appid string) []Report {
	return l.filter(func(r *Report) bool { return r.AppID == appid })
}

// Player returns the reports of one app about one player.
func (l *Ledger) Player(appid, openid string) []Report {
	return l.filter(func(r *Report) bool { return r.AppID == appid && r.OpenID == openid })
}

func (l *Ledger) filter(keep func(*Report) bool) []Report {
	l.mu.Lock()
	defer l.mu.Unlock()
	var kept []Report
	for i := range l.reports {
		if keep(&l.reports[i]) {
			kept = append(kept, l.reports[i])
		}
	}
	return kept
}

// Outcomes counts the calls by how they were answered, refused ones included, under the names that [Answer.String]
// gives.
func (l *Ledger) Outcomes() map[string]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.outcomes)
}

func (l *Ledger) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reports, l.accepted = nil, 0
	clear(l.outcomes)
}
