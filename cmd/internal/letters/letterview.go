package letters

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// A Letter is a dead letter with what else is known about it.
type Letter struct {
	Entry   deadletter.Entry
	History []deadletter.Resolution // oldest first
	BaseURL string                  // of the platform; empty: not known
}

// paths are those of the platform that the routes of a configuration lead to.
var paths = map[string]string{"battle_report": "/profile/wxbattle_report/", "wxscore": "/profile/wxscore/"}

// Write shows the letter: what happened to it, what has been done about it, and the record with what is wrong at its
// place. Unless it is to be shown in full, only the beginning of a long value is.
func (l *Letter) Write(w io.Writer, v View, full bool) error {
	e := &l.Entry
	state := string(e.State)
	switch e.State {
	case deadletter.Pending:
		state = v.Palette.warn(state)
	default:
		state = v.Palette.good(state)
	}
	lines := []string{v.Palette.title(e.Name.String()) + "  " + state}
	for _, f := range l.facts(v) {
		lines = append(lines, v.fact(f)...)
	}
	if len(e.Letter.Headers) > 0 {
		lines = append(lines, "", v.Palette.title("HEADERS"))
		for _, h := range e.Letter.Headers {
			lines = append(lines, v.cut("  "+words.Visible(h.Key)+": "+words.Visible(string(h.Value))))
		}
	}
	heading, value := "VALUE", []string(nil)
	switch {
	case e.Letter.Omitted.Value:
		text := "It is omitted for its size. The record is at " + sourceOf(&e.Letter) + ", as long as that topic keeps it."
		for _, line := range words.Wrap(text, max(cmp.Or(v.Width, pipeWidth)-2, 20)) {
			value = append(value, "  "+line)
		}
	case e.Letter.Value == nil:
		value = []string{"  null"}
	default:
		heading += "  " + v.Palette.faint(words.Number(len(e.Letter.Value), "byte"))
		value = v.value(e, full)
	}
	lines = append(lines, "", v.Palette.title(heading))
	lines = append(lines, value...)
	_, err := io.WriteString(w, strings.Join(lines, "\n")+"\n")
	return err
}

// A fact is a line of what is known.
type fact struct{ name, text string }

func (l *Letter) facts(v View) (facts []fact) {
	e := &l.Entry
	add := func(name, format string, args ...any) {
		facts = append(facts, fact{name, fmt.Sprintf(format, args...)})
	}
	if e.Foreign != "" {
		add("foreign", "it is no letter of this program: %s", words.Visible(e.Foreign))
		add("written", "%s", v.moment(e.Written))
		if e.Letter.Key != nil {
			add("key", "%s", words.Visible(string(e.Letter.Key)))
		}
		return append(facts, l.resolutions(v)...)
	}
	letter := &e.Letter
	add("reason", "%s", letter.Reason)
	add("detail", "%s", cmp.Or(words.Visible(letter.Detail), "none"))
	add("player", "%s", cmp.Or(Player(e), "none: the record has no key"))
	if letter.AppID != "" {
		add("app", "%s, route %s", words.Visible(letter.AppID), cmp.Or(words.Visible(letter.Route), "unknown"))
	}
	add("given up", "%s", v.moment(letter.Time))
	add("came from", "%s, %s", sourceOf(letter), v.moment(letter.Source.Time))
	add("request", "%s", l.request())
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
	return append(facts, l.resolutions(v)...)
}

func (l *Letter) resolutions(v View) (facts []fact) {
	for _, r := range l.History {
		text := v.moment(r.Time) + " by " + cmp.Or(words.Visible(r.By), "nobody known") + ", run " + cmp.Or(words.Visible(r.Run), "unknown")
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
func (l *Letter) request() string {
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
		parts = append(parts, "ret "+retOf(letter))
	}
	return strings.Join(parts, ", ")
}

func sourceOf(letter *deadletter.Letter) string {
	return fmt.Sprintf("%s/%d/%d", words.Visible(letter.Source.Topic), letter.Source.Partition, letter.Source.Offset)
}

// moment is a time and how long ago it was.
func (v View) moment(at time.Time) string {
	return at.In(v.Now.Location()).Format("2006-01-02 15:04:05.000 MST") + " (" + ago(v.Now.Sub(at)) + ")"
}

func ago(d time.Duration) string {
	if d < 0 {
		return "in " + words.Span(-d)
	}
	return words.Span(d) + " ago"
}

// fact lays a fact out beside its name.
func (v View) fact(f fact) []string {
	const margin = 13
	lines := []string{f.text}
	if v.Width > 0 {
		lines = words.Wrap(f.text, max(v.Width-margin, 20))
	}
	for i, line := range lines {
		name := ""
		if i == 0 {
			name = f.name
		}
		lines[i] = "  " + v.Palette.faint(words.Pad(name, margin-4)) + "  " + line
	}
	return lines
}
