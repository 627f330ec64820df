package msdktest

import (
	"bytes"
	_ "embed"
	"html/template"
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// How much of everything the page shows.
const (
	shownPlaces   = 10
	shownRequests = 50
	shownScores   = 5
)

const stylePath = adminPrefix + "page.css"

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	style []byte

	pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
		"short": short,
		"line":  func(text string) string { return cut(text, 40) }, // no path of the twelve is longer
		"inc":   func(i int) int { return i + 1 },
	}).Parse(pageText))
)

// page is what the page at / shows.
type page struct {
	Now      time.Time
	Live     bool // it loads itself again
	Apps     []string
	Ask      struct{ App, OpenID string }
	Why      *why // nil: not asked
	Boards   []pageBoard
	Failed   bool // of the requests only those refused
	Requests []pageRequest
	Calls    []*msdkclient.Call
}

type pageBoard struct {
	App  string
	Top  []pagePlace
	More int
}

type pagePlace struct {
	App, OpenID, Name string
	Score             int64
}

type pageRequest struct {
	Entry
	OK         bool
	Answer     string
	MoreScores int
}

func (s *Server) servePage(w http.ResponseWriter, r *http.Request) {
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, s.page(r)); err != nil {
		panic(err) // a test shows everything there is to be shown
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(text.Len()))
	_, _ = w.Write(text.Bytes())
}

func serveStyle(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(style)
}

func (s *Server) page(r *http.Request) *page {
	query := r.URL.Query()
	p := &page{
		Now: s.Now(), Live: query.Get("live") != "", Apps: s.appIDs(), Failed: query.Get("failed") != "", Calls: msdkclient.Calls(),
	}
	p.Ask.App, p.Ask.OpenID = query.Get("app"), query.Get("openid")
	if p.Ask.OpenID != "" {
		answer := s.why(p.Ask.App, p.Ask.OpenID)
		p.Why = &answer
	}
	for _, app := range p.Apps {
		p.Boards = append(p.Boards, s.board(app))
	}
	for _, e := range s.Requests() {
		if len(p.Requests) == shownRequests {
			break
		}
		if p.Failed && e.OK() {
			continue
		}
		p.Requests = append(p.Requests, shown(e))
	}
	return p
}

// shown is a request without what would only be said once more of each score.
func shown(e Entry) pageRequest {
	r := pageRequest{Entry: e, OK: e.OK(), Answer: e.Answer()}
	r.Scores = slices.DeleteFunc(slices.Clone(e.Scores), func(n ScoreNote) bool { return n.Why == refusedBecause+e.Cause })
	if more := len(r.Scores) - shownScores; more > 0 {
		r.Scores, r.MoreScores = r.Scores[:shownScores], more
	}
	return r
}

func (s *Server) board(appid string) pageBoard {
	all := s.Leaderboard.Top(appid, math.MaxInt)
	b := pageBoard{App: appid, More: max(0, len(all)-shownPlaces)}
	for _, p := range all[:min(len(all), shownPlaces)] {
		b.Top = append(b.Top, pagePlace{appid, p.OpenID, s.nickname(appid, p.OpenID), p.Score})
	}
	return b
}

// nickname is what a user is called; empty: not known.
func (s *Server) nickname(appid, openid string) string {
	w := s.world.Load()
	w.mu.Lock()
	defer w.mu.Unlock()
	if p := w.apps[appid].users[openid]; p != nil {
		return p.NickName
	}
	return ""
}

// appIDs are the apps' in the order of the configuration.
func (s *Server) appIDs() []string {
	ids := make([]string, len(s.config))
	for i := range s.config {
		ids[i] = s.config[i].ID
	}
	return ids
}

// short cuts an id for a table: its beginning and its end tell it from others.
func short(id string) string {
	const most, head, tail = 16, 8, 6
	runes := []rune(id)
	if len(runes) <= most {
		return id
	}
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}
