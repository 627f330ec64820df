package view

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// paths are those of the platform that the routes of a configuration lead to.
var paths = map[string]string{"battle_report": "/profile/wxbattle_report/", "wxscore": "/profile/wxscore/"}

// Letter shows a letter: what happened to it, what has been done about it, and the record with what is wrong at its
// place. Unless it is to be shown in full, only the beginning of a long value is.
func Letter(w io.Writer, style Style, l *triage.Letter, full bool) error {
	e := &l.Entry
	state := string(e.State)
	switch e.State {
	case deadletter.Pending:
		state = style.Palette.warn(state)
	default:
		state = style.Palette.good(state)
	}
	lines := []string{style.Palette.title(e.Name.String()) + "  " + state}
	for _, f := range style.facts(l) {
		lines = append(lines, style.fact(f)...)
	}
	if len(e.Letter.Headers) > 0 {
		lines = append(lines, "", style.Palette.title("HEADERS"))
		for _, h := range e.Letter.Headers {
			lines = append(lines, style.cut("  "+words.Visible(h.Key)+": "+words.Visible(string(h.Value))))
		}
	}
	heading, value := "VALUE", []string(nil)
	switch {
	case e.Letter.Omitted.Value:
		text := "It is omitted for its size. The record is at " + triage.SourceOf(&e.Letter) + ", as long as that topic keeps it."
		for _, line := range words.Wrap(text, max(cmp.Or(style.Width, pipeWidth)-2, 20)) {
			value = append(value, "  "+line)
		}
	case e.Letter.Value == nil:
		value = []string{"  null"}
	default:
		heading += "  " + style.Palette.faint(words.Number(len(e.Letter.Value), "byte"))
		value = style.value(e, full)
	}
	lines = append(lines, "", style.Palette.title(heading))
	lines = append(lines, value...)
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// A fact is a line of what is known.
type fact struct{ name, text string }

func (s Style) facts(l *triage.Letter) (facts []fact) {
	e := &l.Entry
	add := func(name, format string, args ...any) {
		facts = append(facts, fact{name, fmt.Sprintf(format, args...)})
	}
	if e.Foreign != "" {
		add("foreign", "it is no letter of this program: %s", words.Visible(e.Foreign))
		add("written", "%s", s.moment(e.Written))
		if e.Letter.Key != nil {
			add("key", "%s", words.Visible(string(e.Letter.Key)))
		}
		return append(facts, s.resolutions(l)...)
	}
	letter := &e.Letter
	add("reason", "%s", letter.Reason)
	add("detail", "%s", cmp.Or(words.Visible(letter.Detail), "none"))
	add("player", "%s", cmp.Or(player(e), "none: the record has no key"))
	if letter.AppID != "" {
		add("app", "%s, route %s", words.Visible(letter.AppID), cmp.Or(words.Visible(letter.Route), "unknown"))
	}
	add("given up", "%s", s.moment(letter.Time))
	add("came from", "%s, %s", triage.SourceOf(letter), s.moment(letter.Source.Time))
	add("request", "%s", request(l))
	if answer := answerOf(letter); answer != "" {
		add("answer", "%s", answer)
	}
	if letter.Delivery == deadletter.Uncertain {
		add("delivery", "uncertain: a call ended without a readable answer, so the platform may have it already")
	}
	if letter.Replays > 0 {
		text := fmt.Sprintf("%d", letter.Replays)
		if letter.Previous != (deadletter.Name{}) {
			text += ", the last of " + letter.Previous.String()
		}
		add("replays", "%s", text)
	}
	switch omitted := letter.Omitted; {
	case omitted.Key && omitted.Headers:
		add("omitted", "the record's key and headers, for their size")
	case omitted.Key:
		add("omitted", "the record's key, for its size")
	case omitted.Headers:
		add("omitted", "the record's headers, for their size")
	}
	return append(facts, s.resolutions(l)...)
}

func (s Style) resolutions(l *triage.Letter) (facts []fact) {
	for _, r := range l.History {
		text := s.moment(r.Time) + " by " + cmp.Or(words.Visible(r.By), "nobody known") + ", run " + cmp.Or(words.Visible(r.Run), "unknown")
		if r.Topic != "" {
			text += ", to " + words.Visible(r.Topic)
		}
		if r.Repaired {
			text += ", repaired"
		}
		if r.Name != (deadletter.Name{}) && r.Name != l.Entry.Name {
			text += ", as " + words.Visible(r.Name.String()) + ", the same letter written twice"
		}
		if r.Because != "" {
			text += ": " + words.Visible(r.Because)
		}
		facts = append(facts, fact{string(r.State), text})
	}
	return facts
}

// request is the call that failed, as far as it is known. What a letter does not keep is left out, the signature above
// all.
func request(l *triage.Letter) string {
	letter := &l.Entry.Letter
	if letter.Attempts == 0 {
		return "none: it was given up before any call"
	}
	path := paths[letter.Route]
	if path == "" {
		path = "/(" + cmp.Or(letter.Route, "unknown route") + ")/"
	}
	text := "POST " + l.BaseURL + path + "?appid=" + letter.AppID
	if len(letter.Key) > 0 && letter.Route == "wxscore" {
		text += "&openid=" + string(letter.Key)
	}
	return words.Visible(text) + "; " + words.Number(letter.Attempts, "call") + " with this record in it"
}

func answerOf(letter *deadletter.Letter) string {
	var parts []string
	if letter.HTTPStatus != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", letter.HTTPStatus))
	}
	if letter.Ret != nil {
		parts = append(parts, "ret "+triage.RetOf(letter))
	}
	return strings.Join(parts, ", ")
}

// moment is a time and how long ago it was.
func (s Style) moment(at time.Time) string {
	if at.IsZero() {
		return "no time"
	}
	text := at.In(s.Now.Location()).Format("2006-01-02 15:04:05.000 MST")
	if !consumer.Dated(at) {
		return text + " (nobody can mean that)"
	}
	return text + " (" + ago(s.Now.Sub(at)) + ")"
}

func ago(d time.Duration) string {
	if d < 0 {
		return "in " + words.Span(-d)
	}
	return words.Span(d) + " ago"
}

// fact lays a fact out beside its name.
func (s Style) fact(f fact) []string {
	const margin = 13
	lines := []string{f.text}
	if s.Width > 0 {
		lines = words.Wrap(f.text, max(s.Width-margin, 20))
	}
	for i, line := range lines {
		name := ""
		if i == 0 {
			name = f.name
		}
		lines[i] = "  " + s.Palette.faint(words.Pad(name, margin-4)) + "  " + line
	}
	return lines
}
