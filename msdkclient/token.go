package msdkclient

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"time"
)

// Token is what a user's calls are made with. It is to be kept where a process that dies does not lose it, as JSON perhaps:
// that shows it whole. Printed or logged it shows Expiry alone; the gaps are those of [App].
type Token struct {
	OpenID       string    `json:"openid"`          // the user's
	AccessToken  string    `json:"accessToken"`     // for the calls; good for two hours
	RefreshToken string    `json:"refreshToken"`    // for the next access token; good for 30 days
	Expiry       time.Time `json:"expiry,omitzero"` // of AccessToken; zero: not known
}

// String says how long the token is good for.
func (t Token) String() string {
	if t.Expiry.IsZero() {
		return "token"
	}
	return "token until " + t.Expiry.Format(time.RFC3339)
}

// Format prints String for every verb.
func (t Token) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, t.String())
}

// LogValue is an slog group of Expiry.
func (t Token) LogValue() slog.Value {
	return slog.GroupValue(slog.Time("expiry", t.Expiry))
}

// isOver reports whether the token has expired.
func (t Token) isOver(now time.Time) bool {
	return !t.Expiry.IsZero() && !now.Before(t.Expiry)
}

// early is how long before its end a token is refreshed, unless that is more than a tenth of its time.
const early = 5 * time.Minute

// due is when the token is to be refreshed; zero: when the platform says so.
func (t Token) due(now time.Time) time.Time {
	if t.Expiry.IsZero() {
		return time.Time{}
	}
	return t.Expiry.Add(-min(early, max(0, t.Expiry.Sub(now)/10)))
}

// expiry is when a token is over that lasts so many seconds from now on. Of one that lasts none, nothing is known.
func expiry(seconds int64, now time.Time) time.Time {
	if seconds <= 0 {
		return time.Time{}
	}
	return now.Add(time.Duration(min(seconds, math.MaxInt64/int64(time.Second))) * time.Second)
}
