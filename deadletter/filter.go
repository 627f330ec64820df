package deadletter

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// AnyState selects letters whatever has been done about them.
const AnyState State = "all"

// Filter selects letters. All of its fields must match, of a list any one; a
// field left zero does not matter, but for State. So the zero Filter selects
// each pending letter.
//
// A record that is no letter (see [Entry.Foreign]) has nothing that Reasons,
// AppIDs, Rets, Topic, Partition, Offset, Violation or Delivery could match.
type Filter struct {
	Names   []Name
	Reasons []Reason
	AppIDs  []string  // "" is the app of a letter for which none is known
	Rets    []int     // of the platform's last answer
	Since   time.Time // written into the dead-letter topic then or later …
	Until   time.Time // … and before that: neither is known of one without a time, see [consumer.Dated]

	// OpenID is the record's key, or "openid" in its value, at the top or in
	// "baseinfo"; where a key stands twice there, any of them.
	OpenID string

	// Where the record first came from.
	Topic     string
	Partition *int
	Offset    *int64

	// Violation is a JSON Pointer. A letter with a violation whose instance or
	// keyword is this place, or lies below it, matches.
	Violation string

	Delivery Delivery
	State    State // empty: Pending; AnyState: all
	Where    *Where
}

// Match tells whether the filter selects the letter. The error is that of Where:
// the expression failed on this letter, which then does not match, or ctx has
// ended.
func (f *Filter) Match(ctx context.Context, e *Entry) (bool, error) {
	if len(f.Names) > 0 && !slices.Contains(f.Names, e.Name) ||
		!f.MatchState(e.State) || !f.matchTime(e.Written) || !f.matchLetter(e) || !f.matchOpenID(&e.Letter) {
		return false, nil
	}
	if f.Where == nil {
		return true, nil
	}
	return f.Where.match(ctx, e)
}

// MatchState tells whether the filter selects letters of that state: what else is
// asked need not be looked at then.
func (f *Filter) MatchState(s State) bool {
	switch f.State {
	case AnyState:
		return true
	case "":
		return s == Pending
	default:
		return s == f.State
	}
}

func (f *Filter) matchTime(at time.Time) bool {
	if f.Since.IsZero() && f.Until.IsZero() {
		return true
	}
	return consumer.Dated(at) && !at.Before(f.Since) && (f.Until.IsZero() || at.Before(f.Until))
}

// matchLetter compares with what the letter's headers say.
func (f *Filter) matchLetter(e *Entry) bool {
	l := &e.Letter
	asked := len(f.Reasons) > 0 || len(f.AppIDs) > 0 || len(f.Rets) > 0 || f.Topic != "" || f.Partition != nil ||
		f.Offset != nil || f.Violation != "" || f.Delivery != ""
	if e.Foreign != "" {
		return !asked
	}
	return (len(f.Reasons) == 0 || slices.Contains(f.Reasons, l.Reason)) &&
		(len(f.AppIDs) == 0 || slices.Contains(f.AppIDs, l.AppID)) &&
		(len(f.Rets) == 0 || l.Ret != nil && slices.Contains(f.Rets, *l.Ret)) &&
		(f.Topic == "" || f.Topic == l.Source.Topic) &&
		(f.Partition == nil || *f.Partition == l.Source.Partition) &&
		(f.Offset == nil || *f.Offset == l.Source.Offset) &&
		(f.Violation == "" || slices.ContainsFunc(l.Violations, f.matchViolation)) &&
		(f.Delivery == "" || f.Delivery == l.Delivery)
}

func (f *Filter) matchViolation(v Violation) bool {
	below := func(pointer string) bool {
		rest, ok := strings.CutPrefix(pointer, f.Violation)
		return ok && (rest == "" || rest[0] == '/')
	}
	return below(v.Instance) || below(v.Keyword)
}

func (f *Filter) matchOpenID(l *Letter) bool {
	if f.OpenID == "" || string(l.Key) == f.OpenID {
		return true
	}
	t, _, err := readTree(bytes.ToValidUTF8(l.Value, []byte("\ufffd"))) // a name in another encoding hides nobody
	return err == nil && (t.hasOpenID(f.OpenID) || slices.ContainsFunc(t.members, func(m member) bool {
		return m.key == "baseinfo" && m.hasOpenID(f.OpenID)
	}))
}

// hasOpenID tells whether an object has that openid. It may have several, of any type, and one does not hide the other.
func (t *tree) hasOpenID(id string) bool {
	return slices.ContainsFunc(t.members, func(m member) bool { return m.key == "openid" && m.value == id })
}
