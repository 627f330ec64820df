package msdktest

import (
	"cmp"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// Entry is what the server remembers of a request: what came, what was answered, and why.
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
func entry(r *http.Request, req *Request, a Answer, began time.Time) Entry {
	e := Entry{
		Time:   began,
		Took:   time.Since(began),
		Method: r.Method,
		Path:   r.URL.Path,
		URL:    msdkclient.RedactURL(r.URL),
		AppID:  req.AppID,
		OpenID: req.OpenID,
		Serial: req.Serial,
		Ret:    a.Ret,
		Msg:    a.Msg,
		Cause:  a.Msg,
	}
	if a.Fault == NoFault || a.Fault == Drip {
		e.HTTP = cmp.Or(a.HTTP, http.StatusOK)
	}
	return e
}
