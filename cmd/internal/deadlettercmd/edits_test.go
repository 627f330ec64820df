package deadlettercmd

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

func TestAnEditOfAnythingButTheValueIsRefusedByItsName(t *testing.T) {
	t.Parallel()
	ret := 7
	letter := deadletter.Entry{
		Name: deadletter.Name{Topic: "t.dlq", Partition: 1, Offset: 1<<53 + 1}, State: deadletter.Pending, Written: time.Unix(1, 0).UTC(),
		Letter: deadletter.Letter{
			Key: []byte("k"), Value: []byte("v"), Headers: []consumer.Header{{Key: "h", Value: []byte("\xff")}}, Reason: deadletter.Rejected,
			Detail: "not \xff UTF-8", Ret: &ret, Delivery: deadletter.None, AppID: "wx1",
			Source: deadletter.Source{Topic: "t", Offset: 1<<53 + 1, Time: time.Unix(1, 0).UTC()}, Time: time.Unix(1, 0).UTC(),
		},
	}
	for want, edit := range map[string]func(*deadletter.Entry){
		"":               func(e *deadletter.Entry) { e.Letter.Value, e.State = []byte("w"), deadletter.Replayed },
		"its key":        func(e *deadletter.Entry) { e.Letter.Key = nil },
		"its headers":    func(e *deadletter.Entry) { e.Letter.Headers = nil },
		"its header h":   func(e *deadletter.Entry) { e.Letter.Headers = []consumer.Header{{Key: "h", Value: []byte("x")}} },
		"its written":    func(e *deadletter.Entry) { e.Written = time.Unix(2, 0) },
		"its reason":     func(e *deadletter.Entry) { e.Letter.Reason = deadletter.Exhausted },
		"its detail":     func(e *deadletter.Entry) { e.Letter.Detail = "" },
		"its ret":        func(e *deadletter.Entry) { e.Letter.Ret = nil },
		"its appid":      func(e *deadletter.Entry) { e.Letter.AppID = "wx2" },
		"its source":     func(e *deadletter.Entry) { e.Letter.Source.Offset = 1 << 53 },
		"its violations": func(e *deadletter.Entry) { e.Letter.Violations = []deadletter.Violation{} },
		"its omitted":    func(e *deadletter.Entry) { e.Letter.Omitted.Key = true },
		"its previous":   func(e *deadletter.Entry) { e.Letter.Previous = letter.Name },
	} {
		text, err := letter.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var edited deadletter.Entry
		if err := parseEdit(text, &edited); err != nil {
			t.Fatal(err)
		}
		edit(&edited)
		if got := differs(&edited, &letter); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

// Whatever bytes a record has, and whatever its letter says: what is exported can be imported, and is the same.
func TestEveryExportIsAnImport(t *testing.T) {
	t.Parallel()
	text := rapid.OneOf(rapid.String(), rapid.StringMatching(`(\\ud83d|\x{feff}|"|\x00|,"value":"")*`),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }))
	value := rapid.OneOf(rapid.Map(text, func(s string) []byte { return []byte(s) }), rapid.Just([]byte(nil)))
	rapid.Check(t, func(t *rapid.T) {
		letter := deadletter.Entry{
			Name: deadletter.Name{Topic: "t.dlq", Offset: math.MaxInt64}, State: deadletter.Pending, Written: time.Unix(1, 0).UTC(),
			Letter: deadletter.Letter{
				Key: value.Draw(t, "key"), Value: value.Draw(t, "value"), Reason: deadletter.Rejected, Detail: text.Draw(t, "detail"),
				Headers:    []consumer.Header{{Key: "h", Value: value.Draw(t, "header")}, {Key: "h"}},
				Violations: []deadletter.Violation{{Instance: text.Draw(t, "instance"), Keyword: "k", Message: "m"}},
				Delivery:   deadletter.None, Source: deadletter.Source{Topic: "t", Time: time.Unix(1, 0).UTC()}, Time: time.Unix(1, 0).UTC(),
			},
		}
		line, err := letter.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		var edited deadletter.Entry
		if err := parseEdit(line, &edited); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if what := differs(&edited, &letter); what != "" || !bytes.Equal(edited.Letter.Value, letter.Letter.Value) {
			t.Fatalf("%s: %q differs", line, what)
		}
	})
}

// Whatever is imported: it is refused, or is an export in other words.
func FuzzEdits(f *testing.F) {
	p := deadletter.Entry{Name: deadletter.Name{Topic: "t", Partition: 1, Offset: 2}, State: deadletter.Pending, Foreign: "it is none"}
	text, err := p.MarshalJSON()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(append(append(text, '\n'), text...))
	f.Add([]byte("{\r\n\n[]"))
	f.Fuzz(func(t *testing.T, text []byte) {
		e, err := readEdits(t.Context(), strings.NewReader(string(text)), func(*badLineError) error { return nil })
		if err != nil {
			t.Fatal(err)
		}
		defer e.close()
		for _, name := range e.names() {
			entry, _, err := e.get(name)
			if err != nil || entry.Name != name {
				t.Fatalf("%s: %+v, %v", name, entry, err)
			}
			again, err := entry.MarshalJSON()
			if err != nil {
				t.Fatal(err)
			}
			var same deadletter.Entry
			if err := same.UnmarshalJSON(again); err != nil || differs(&same, &entry) != "" {
				t.Fatalf("%s becomes %s: %v", text, again, err)
			}
		}
	})
}
