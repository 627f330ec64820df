package triage

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
	"weak"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/deadletter"
)

// numbered gives a letter an offset of its own, in the source topic too.
func numbered(i int) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Name.Offset, e.Letter.Source.Offset = int64(i), int64(i) }
}

func ofApp(id string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.AppID = id }
}

// summary is a look in short: of each group its cause and numbers.
func summary(a Arrivals) string {
	text := fmt.Sprintf("%d/%d/%d", a.Letters, a.Pending, a.Minute)
	for _, g := range a.Groups {
		text += fmt.Sprintf("; %s %d/%d/%d", g.Cause, g.Letters, g.Pending, g.Minute)
	}
	return text
}

func TestAWatchGroupsByWhyWhateverTheApp(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	for i, changes := range [][]func(*deadletter.Entry){
		{triagetest.Refuse},
		{triagetest.Refuse, ofApp("wx2")},
		{triagetest.Rejected(-1012)},
		{triagetest.Platid},
		{triagetest.Violating("/rounds/1/score", "/k", "a"), ofApp("")},
		{triagetest.Violating("/rounds/22/score", "/k", "b")},
		{triagetest.Foreign},
		{},
	} {
		w.Add(triagetest.Letter(append(changes, numbered(i))...), triagetest.Noon)
	}
	a := w.Look(triagetest.Noon)
	var groups []string
	for _, g := range a.Groups {
		groups = append(groups, fmt.Sprintf("%s: %d of %v, last %s", g.Cause, g.Letters, g.Apps, g.Last.Name))
	}
	want := []string{
		"rejected, ret -1011: 2 of [{wx2 1} {wxcde873f99466f74a 1}], last battle-reports.dlq/3/1",
		"schema_violation /rounds/*/score: a: 2 of [{ 1} {wxcde873f99466f74a 1}], last battle-reports.dlq/3/5",
		"exhausted: 1 of [{wxcde873f99466f74a 1}], last battle-reports.dlq/3/7",
		"foreign: 1 of [], last battle-reports.dlq/3/6",
		"rejected, ret -1012: 1 of [{wxcde873f99466f74a 1}], last battle-reports.dlq/3/2",
		"schema_violation /baseinfo/platid: expected integer, but got string: 1 of [{wxcde873f99466f74a 1}], last battle-reports.dlq/3/3",
	}
	if !slices.Equal(groups, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(groups, "\n"), strings.Join(want, "\n"))
	}
	if last := a.Groups[0]; last.Last.Detail != "the platform refuses this record: ret -1011" || !last.LastAt.Equal(triagetest.Noon.Add(-time.Minute)) {
		t.Errorf("%+v", last)
	}
}

func TestAWatchCountsTwinsOnce(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	first, second := triagetest.Letter(), triagetest.Letter(func(e *deadletter.Entry) { e.Name.Offset = 7 })
	again := triagetest.Letter(func(e *deadletter.Entry) { e.Name.Offset, e.Letter.Replays = 8, 1 })
	if !w.Add(first, triagetest.Noon) || w.Add(second, triagetest.Noon) || !w.Add(again, triagetest.Noon) {
		t.Error("a twin is counted, or a letter that was replayed in between is not")
	}
	if got := summary(w.Look(triagetest.Noon)); got != "2/2/0; exhausted 2/2/0" {
		t.Error(got)
	}
}

func TestTheLastMinuteIsThatInWhichLettersWereWritten(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	for i, ago := range []time.Duration{time.Hour, 61 * time.Second, 59 * time.Second, 30 * time.Second, 0, -time.Hour} { // the last by a clock ahead
		w.Add(triagetest.Letter(numbered(i), triagetest.At(triagetest.Noon.Add(-ago))), triagetest.Noon)
	}
	w.Add(triagetest.Letter(numbered(9), triagetest.At(time.UnixMilli(-1))), triagetest.Noon) // it has come just now
	for after, want := range map[time.Duration]int64{0: 5, time.Second: 4, 29 * time.Second: 4, 30 * time.Second: 3, 59 * time.Second: 3, time.Minute: 0, time.Hour: 0} {
		v := *w // time goes forward
		v.groups = nil
		if got := v.Look(triagetest.Noon.Add(after)).Minute; got != want {
			t.Errorf("%v later: %d, want %d", after, got, want)
		}
	}
}

func TestWhatCameInTheLastMinuteIsAbove(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	for i := range 30 {
		w.Add(triagetest.Letter(numbered(i), triagetest.Refuse, triagetest.At(triagetest.Noon.Add(-time.Hour))), triagetest.Noon)
	}
	w.Add(triagetest.Letter(numbered(98), triagetest.At(triagetest.Noon)), triagetest.Noon)
	for i := range 2 {
		w.Add(triagetest.Letter(numbered(50+i), triagetest.Platid, triagetest.At(triagetest.Noon)), triagetest.Noon)
	}
	want := "33/33/3; schema_violation /baseinfo/platid: expected integer, but got string 2/2/2; exhausted 1/1/1; rejected, ret -1011 30/30/0"
	if got := summary(w.Look(triagetest.Noon)); got != want {
		t.Error(got)
	}
}

func TestWhatIsDoneIsNoLongerPendingAndMayBeAgain(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	for i := range 4 {
		w.Add(triagetest.Letter(numbered(i)), triagetest.Noon)
	}
	other := triagetest.Letter(numbered(5), triagetest.Refuse, func(e *deadletter.Entry) { e.Name.Topic, e.Letter.Source.Topic = "other.dlq", "other" })
	w.Add(other, triagetest.Noon)
	w.Add(triagetest.Letter(numbered(6), func(e *deadletter.Entry) { e.State = deadletter.Replayed }), triagetest.Noon)
	topic := triagetest.Letter().Name.Topic
	step := func(rule, want string) {
		t.Helper()
		if got := summary(w.Look(triagetest.Noon)); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
	step("one was done as it came", "6/5/0; exhausted 5/4/0; rejected, ret -1011 1/1/0")
	w.Recount(topic, func(name deadletter.Name, twins deadletter.Identity) bool {
		if l := triagetest.Letter(numbered(int(name.Offset))); twins != l.Letter.Identity() {
			t.Errorf("%v of %v", twins, name)
		}
		return name.Offset == 3
	})
	step("of a topic all but one are done", "6/2/0; exhausted 5/1/0; rejected, ret -1011 1/1/0")
	w.Recount(topic, func(name deadletter.Name, _ deadletter.Identity) bool { return name.Offset < 2 })
	step("two are taken back", "6/3/0; exhausted 5/2/0; rejected, ret -1011 1/1/0")
	w.Forget(topic)
	step("the topic is another", "6/1/0; exhausted 5/0/0; rejected, ret -1011 1/1/0")
	w.Recount(topic, func(deadletter.Name, deadletter.Identity) bool { return true })
	step("and its letters have names of former ones", "6/1/0; exhausted 5/0/0; rejected, ret -1011 1/1/0")
}

func TestAWatchStaysBoundedAndCountsWhatHasNoRoom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := NewWatch()
		kinds := rapid.SliceOfN(rapid.IntRange(0, 3*maxGroups), 3*maxGroups, 4*maxGroups).Draw(t, "kinds")
		for i, kind := range kinds {
			w.Add(triagetest.Letter(numbered(i), triagetest.Rejected(kind), triagetest.At(triagetest.Noon)), triagetest.Noon)
		}
		done := rapid.IntRange(0, len(kinds)).Draw(t, "done")
		w.Recount(triagetest.Letter().Name.Topic, func(name deadletter.Name, _ deadletter.Identity) bool { return int(name.Offset) >= done })
		a := w.Look(triagetest.Noon)
		var letters, pending, minute int64
		for _, g := range a.Groups {
			letters, pending, minute = letters+g.Letters, pending+g.Pending, minute+g.Minute
		}
		all := int64(len(kinds))
		if len(a.Groups) > maxGroups+1 || letters != all || minute != all || pending != all-int64(done) || a.Pending != pending || a.Letters != all {
			t.Fatalf("%d groups, %d letters, %d pending, %d in a minute; %d came, %d are done", len(a.Groups), letters, pending, minute, all, done)
		}
	})
}

// The letters themselves are followed all the same.
func TestOfGroupsThatHaveNoRoomNothingIsKept(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	groups := map[causeKey]weak.Pointer[group]{}
	for i := range maxGroups + 1 {
		for key, g := range w.groups {
			groups[key] = weak.Make(g)
		}
		w.Add(triagetest.Letter(numbered(i), triagetest.Rejected(i)), triagetest.Noon)
	}
	runtime.GC()
	gone := 0
	for key, g := range groups {
		if w.groups[key] != nil {
			continue
		}
		gone++
		if g.Value() != nil {
			t.Fatalf("%+v is kept", key)
		}
	}
	if len(w.followed) != maxGroups+1 || gone != maxGroups/2 {
		t.Errorf("%d letters are followed, %d groups are gone", len(w.followed), gone)
	}
}

func TestTheNewestLettersAreFollowed(t *testing.T) {
	t.Parallel()
	w := NewWatch()
	e := triagetest.Letter()
	for i := range maxFollowed + 10 {
		numbered(i)(e)
		w.Add(e, triagetest.Noon)
	}
	if a := w.Look(triagetest.Noon); a.Letters != maxFollowed+10 || a.Pending != maxFollowed || a.Unfollowed != 10 {
		t.Errorf("%d letters, %d pending, %d not followed", a.Letters, a.Pending, a.Unfollowed)
	}
	w.Recount(e.Name.Topic, func(name deadletter.Name, _ deadletter.Identity) bool { return name.Offset >= maxFollowed })
	if a := w.Look(triagetest.Noon); a.Pending != 10 {
		t.Errorf("%d are pending", a.Pending)
	}
}
