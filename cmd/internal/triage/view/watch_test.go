package view

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/deadletter"
)

// watched is what a watch has seen of several causes, in a language of wide characters among others.
func watched() triage.Arrivals {
	w := triage.NewWatch()
	n := 0
	add := func(times int, ago time.Duration, changes ...func(*deadletter.Entry)) {
		for range times {
			n++
			e := triagetest.Letter(append(changes, triagetest.At(triagetest.Noon.Add(-ago)))...)
			e.Name.Offset, e.Letter.Source.Offset = int64(n), int64(n)
			w.Add(e, triagetest.Noon)
		}
	}
	app := func(id string) func(*deadletter.Entry) {
		return func(e *deadletter.Entry) { e.Letter.AppID = id }
	}
	add(1200, 3*time.Second, triagetest.Violating("/baseinfo/gamename", "/k", "三国战纪三国战纪三国战纪三国战纪三国战纪三国战纪三国战纪三国战纪三国战纪三国战纪"))
	add(30, 10*time.Second, triagetest.Refuse)
	add(2, 10*time.Second, triagetest.Refuse, app("wx4ba1a8d1c8b2b0e5"))
	add(1, 10*time.Second, triagetest.Refuse, app(""))
	add(40, 2*time.Hour, triagetest.Foreign)
	add(1, 26*time.Hour, func(e *deadletter.Entry) { e.Letter.Detail = "\x1b[2J三国" })
	w.Recount("battle-reports.dlq", func(name deadletter.Name, _ deadletter.Identity) bool { return name.Offset > 100 })
	return w.Look(triagetest.Noon)
}

func drawn(style Style, height int) string {
	a := watched()
	notes := []string{"waiting for Kafka: Kafka at 127.0.0.1:9092 cannot be reached: 三国 connection refused"}
	return strings.Join(Watch(style, height, "battle-reports.dlq since 11:55:00 (5m)", notes, &a), "\n") + "\n"
}

func TestAWatchIsDrawn(t *testing.T) {
	t.Parallel()
	for _, width := range []int{40, 80, 120} {
		triagetest.Golden(t, fmt.Sprintf("watch-%d.txt", width), drawn(Style{Now: triagetest.Noon, Width: width}, 23))
	}
}

func TestAWatchFitsItsTerminal(t *testing.T) {
	t.Parallel()
	for width := 20; width < 250; width += 7 {
		for height := 12; height < 50; height += 3 {
			text := drawn(Style{Now: triagetest.Noon, Width: width}, height)
			if width >= 40 && strings.Count(text, "\n") > height || widest(text) > max(width, 30) {
				t.Errorf("%d columns and %d lines on %d by %d:\n%s", widest(text), strings.Count(text, "\n"), width, height, text)
			}
			var all, more int64
			if _, rest, folded := strings.Cut(text, "\nand "); folded {
				if _, err := fmt.Sscanf(rest, "%d more, of %d ", &all, &more); err != nil || all == 0 {
					t.Errorf("%v: %s", err, rest)
				}
			}
		}
	}
}

func TestAWatchOfNothingSaysSo(t *testing.T) {
	t.Parallel()
	a := triage.NewWatch().Look(triagetest.Noon)
	if got := Watch(Style{Width: 80}, 23, "t.dlq", nil, &a); strings.Join(got, "|") != "t.dlq|0 letters, 0 pending, 0 in the last minute" {
		t.Errorf("%q", got)
	}
}

func TestALetterThatComesIsALine(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*deadletter.Entry){
		"2026-11-22T03:59:00Z  battle-reports.dlq/3/1042  exhausted  wxcde873f99466f74a  no call succeeded in 5m0s":            func(*deadletter.Entry) {},
		"2026-11-22T03:59:00Z  battle-reports.dlq/3/1042  exhausted  wxcde873f99466f74a  (replayed) no call succeeded in 5m0s": func(e *deadletter.Entry) { e.State = deadletter.Replayed },
		"2026-11-22T03:59:00Z  battle-reports.dlq/3/1042  foreign  -  it has no header deadletter.*":                           triagetest.Foreign,
		`-  battle-reports.dlq/3/1042  exhausted  -  a\u001b[2J`: func(e *deadletter.Entry) {
			e.Letter.Time, e.Written, e.Letter.AppID, e.Letter.Detail = time.Time{}, time.Time{}, "", "a\x1b[2J"
		},
	} {
		if got := Arrival(triagetest.Letter(change)); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}
