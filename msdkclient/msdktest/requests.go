package msdktest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// Entry is what the server remembers of a request: what came, what was answered, and why. Texts are cut at 2 KiB, ids at 512
// bytes.
type Entry struct {
	Time         time.Time
	Took         time.Duration // until the answer was known
	Method, Path string        // as they came
	URL          string        // redacted, see [msdkclient.RedactURL]
	AppID        string        // of the URL, as are the next two
	OpenID       string
	Serial       string // msdkExtInfo
	Body         string // cut at 4 KiB, and without secrets
	HTTP, Ret    int    // the answer's; HTTP is 0 if there was none, as with a [Fault]
	Msg          string
	Cause        string      // the usual cause in words; empty if the call was accepted
	Scores       []ScoreNote // of each score reported, why it is, or is not, on the board; the first 500
}

// ScoreNote says what became of a score.
type ScoreNote struct {
	OpenID  string
	Score   int64 // 0 if there was none that could be read
	OnBoard bool  // when it came; a better one may have come since
	Why     string
}

// How much is remembered of requests.
const (
	maxEntries   = 200
	maxEntryBody = 4 << 10
	maxEntryText = 2 << 10 // of a URL, and of what is said of the request
	maxEntryID   = 512
	maxNotes     = 500
)

// requestLog holds the last requests. Entries are of a size that is bounded.
type requestLog struct {
	mu      sync.Mutex
	entries []Entry // a ring, once it is full
	next    int     // where the next goes
}

func (l *requestLog) add(e Entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.entries) < maxEntries {
		l.entries = append(l.entries, e)
		return
	}
	l.entries[l.next] = e
	l.next = (l.next + 1) % maxEntries
}

func (l *requestLog) newestFirst() []Entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	all := append(slices.Clone(l.entries[l.next:]), l.entries[:l.next]...)
	slices.Reverse(all)
	return all
}

func (l *requestLog) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.entries, l.next = nil, 0
}

// Requests returns the last 200 requests, the newest first. They are not to be modified.
func (s *Server) Requests() []Entry {
	return s.requests.newestFirst()
}

// entry is what is remembered of a request.
func (s *Server) entry(r *http.Request, req *Request, a Answer, began time.Time) Entry {
	e := Entry{
		Time:   began,
		Took:   time.Since(began),
		Method: r.Method,
		Path:   r.URL.Path,
		URL:    msdkclient.RedactURL(r.URL),
		AppID:  req.AppID,
		OpenID: req.OpenID,
		Serial: req.Serial,
		Body:   shownBody(req.text, s.apps[req.AppID]),
		Ret:    a.Ret,
		Msg:    a.msg(),
		Cause:  a.cause,
		Scores: req.notes,
	}
	if a.Fault != Hang && a.Fault != Reset {
		e.HTTP = cmp.Or(a.HTTP, http.StatusOK)
	}
	if e.Cause == "" && a != (Answer{}) {
		e.Cause = "a rule has it answered so: " + a.String()
	}
	if e.Scores == nil && (req.Path == PathBattleReport || req.Path == PathScore) {
		e.Scores = req.refusedScores(e.Cause)
	}
	e.bound()
	return e
}

// bound cuts what a client can make long. The copies keep no part of the request in memory that is not shown.
func (e *Entry) bound() {
	for _, text := range []*string{&e.Method, &e.Path, &e.URL, &e.Msg, &e.Cause} {
		*text = strings.Clone(cut(*text, maxEntryText))
	}
	for _, id := range []*string{&e.AppID, &e.OpenID, &e.Serial} {
		*id = strings.Clone(cut(*id, maxEntryID))
	}
	for i := range e.Scores {
		e.Scores[i].OpenID = cut(e.Scores[i].OpenID, maxEntryID)
	}
}

var secretMember = regexp.MustCompile(`("secret"\s*:\s*")[^"]*`)

// shownBody is the beginning of a body without the app's secrets.
func shownBody(text []byte, app App) string {
	const ahead = 256 // a key that begins before the cut is seen whole
	body := string(text[:min(len(text), maxEntryBody+ahead)])
	for _, key := range []string{app.AppKey, app.MSDKKey} {
		if len(key) >= msdkclient.ShortestSecret {
			body = strings.ReplaceAll(body, key, redacted)
		}
	}
	body = secretMember.ReplaceAllString(body, "${1}"+redacted)
	return strings.ToValidUTF8(body[:min(len(body), maxEntryBody)], "?") // no longer than what it stands for
}

const redacted = "REDACTED"

// refusedScores are the scores of a report that was refused, as far as they can be found in it.
func (r *Request) refusedScores(why string) []ScoreNote {
	body := trim(r.text)
	if len(body) == 0 || body[0] != '{' || !json.Valid(body) {
		return nil
	}
	openid := textOf(member(body, "openid"))
	if appid := textOf(member(body, "appid")); appid != "" && r.AppID != "" && appid != r.AppID {
		why = fmt.Sprintf("other app: the body is for %q, the URL for %q", clip(appid), clip(r.AppID))
	}
	why = refusedBecause + cut(why, maxEntryText)
	if r.Path == PathScore {
		return []ScoreNote{refusedScore(openid, member(body, "score"), "string", why)}
	}
	battles := member(body, "json")
	if len(battles) == 0 {
		return nil
	}
	var notes []ScoreNote
	add := func(battle []byte) {
		user := cmp.Or(textOf(member(member(battle, "baseinfo"), "openid")), openid)
		notes = append(notes, refusedScore(user, member(member(battle, "battleinfo"), "score"), "number", why))
	}
	switch battles[0] {
	case '{':
		add(battles)
	case '[':
		for _, battle := range elements(battles) {
			if add(battle); len(notes) == maxNotes {
				break
			}
		}
	}
	return notes
}

// refusedBecause begins why a score is not on the board if the whole call was refused.
const refusedBecause = "refused: "

// refusedScore says of a score why it was refused: for its own type, or with the call it came in.
func refusedScore(openid string, score []byte, want, why string) ScoreNote {
	note := ScoreNote{OpenID: openid, Why: why}
	if len(score) == 0 {
		return note
	}
	digits := string(score)
	if kindOf(score) == "string" {
		digits = textOf(score)
	}
	note.Score, _ = integer([]byte(digits))
	switch kind := kindOf(score); {
	case kind == want:
	case kind == "string":
		note.Why = "a string, not a number: not ranked"
	case kind == "number":
		note.Why = "a number, not a string: not ranked"
	default:
		note.Why = article(kind) + ", not a " + want + ": not ranked"
	}
	return note
}
