package schema

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v5"
)

// A Note is about something in a schema that its author may take for a check, and is none.
type Note struct {
	// File is the path of the schema file, or the "$id" of a built-in schema.
	File string `json:"file"`

	// Keyword points to the keyword, as in Violation.
	Keyword string `json:"keyword"`

	Kind NoteKind `json:"kind"`

	// Message says in a line what is not checked, and why.
	Message string `json:"message"`

	// Suggestion is what is likely to be meant, or empty: a keyword, or the name of a format.
	Suggestion string `json:"suggestion,omitempty"`
}

// String returns the note as a line of text.
func (n Note) String() string {
	text := fmt.Sprintf("%s: %s: %s", n.File, n.Keyword, n.Message)
	if n.Suggestion != "" {
		text += fmt.Sprintf("; did you mean %q?", n.Suggestion)
	}
	return text
}

// A NoteKind says in a word what a note is about. There are no others than these.
type NoteKind string

// The kinds of notes.
const (
	UnknownKeyword  NoteKind = "unknown_keyword"  // no draft knows it
	IgnoredKeyword  NoteKind = "ignored_keyword"  // it says nothing in this draft, or where it stands
	UnknownFormat   NoteKind = "unknown_format"   // the validator knows no such format
	UncheckedFormat NoteKind = "unchecked_format" // formats are not checked in this draft
)

// Lint returns what in the schema's files its author may take for a check, and is none, in the order of its places. It
// returns nothing for the built-in schemas. What begins with "x-" is nobody's keyword and is left alone, as is what a
// reference leads through.
func (s *Schema) Lint() []Note { return slices.Clone(s.notes) }

// lint returns the notes on all documents.
func (l *library) lint() (notes []Note) {
	followed := l.followed()
	for _, d := range l.documents {
		lint := linter{document: d, followed: followed[d], first: l.documents[0]}
		for _, s := range d.schemas {
			if s.known {
				lint.schema(s)
			}
		}
		slices.SortFunc(lint.notes, func(a, b Note) int {
			return cmp.Or(comparePointers(a.Keyword, b.Keyword), strings.Compare(a.Message, b.Message))
		})
		notes = append(notes, lint.notes...)
	}
	return notes
}

// followed returns the pointers that references lead to, by documents.
func (l *library) followed() map[*document][]string {
	followed := map[*document][]string{}
	for _, r := range l.references() {
		if d, at, ok := l.find(r); ok {
			followed[d] = append(followed[d], at)
		}
	}
	return followed
}

// assertVocabularies are those by which a document asks that its formats be checked.
var assertVocabularies = map[draft]string{
	draft2019: "https://json-schema.org/draft/2019-09/vocab/format",
	draft2020: "https://json-schema.org/draft/2020-12/vocab/format-assertion",
}

// assertsFormats reports whether the document asks that formats be checked.
func (d *document) assertsFormats() bool {
	vocabulary, ok := assertVocabularies[d.draft]
	asks, _ := find(d.root, "/$vocabulary/"+escaped.Replace(vocabulary))
	return ok && asks == true
}

// A linter notes what is in one document.
type linter struct {
	*document

	followed []string  // pointers into it that references lead to
	first    *document // of the library, which says whether formats are checked
	notes    []Note
}

func (l *linter) note(s *subschema, keyword string, kind NoteKind, suggestion, format string, args ...any) {
	l.notes = append(l.notes, Note{
		File: l.name, Keyword: s.pointer + "/" + escaped.Replace(keyword), Kind: kind,
		Message: oneLine(fmt.Sprintf(format, args...), maxMessage), Suggestion: suggestion,
	})
}

// schema notes what is in one schema.
func (l *linter) schema(s *subschema) {
	_, refers := s.members["$ref"]
	alone := refers && l.draft <= draft7
	for name, value := range s.members {
		k, known := vocabulary[name]
		switch {
		case strings.HasPrefix(name, "x-"):
		case !known:
			l.unknown(s, name)
		case alone && !k.silent && name != "$ref" && name != "$schema":
			l.note(s, name, IgnoredKeyword, "", `ignored beside "$ref" in %s: put both into "allOf"`, l.draft)
		case k.silent:
		case !k.knownIn(l.draft):
			l.otherDraft(s, name, k)
		case k.unread:
			l.note(s, name, IgnoredKeyword, "", "not checked: what is inside a string is not looked at")
		case k.needs != "" && s.members[k.needs] == nil:
			l.note(s, name, IgnoredKeyword, "", "ignored without %q beside it", k.needs)
		case name == "additionalItems" && !isArray(s.members["items"]):
			l.note(s, name, IgnoredKeyword, "", `ignored unless "items" is an array of schemas`)
		case name == "format":
			l.format(s, value)
		default:
			l.aboutOthers(s, name, k)
		}
	}
}

// unknown notes a keyword that no draft knows, unless a reference leads through it.
func (l *linter) unknown(s *subschema, name string) {
	at := s.pointer + "/" + escaped.Replace(name)
	if slices.ContainsFunc(l.followed, func(to string) bool { return to == at || strings.HasPrefix(to, at+"/") }) {
		return
	}
	if f, ok := foreign[name]; ok {
		instead := ""
		if f.instead != "" {
			instead = ": write " + f.instead
		}
		l.note(s, name, UnknownKeyword, "", "%s knows it, JSON Schema does not, and nothing is checked%s", f.from, instead)
		return
	}
	l.note(s, name, UnknownKeyword, meantKeyword(name, l.draft, typesIn(s)), "unknown keyword, nothing is checked")
}

// meantKeyword returns the keyword of a draft, of those that are about values of these kinds, that is most like a word.
func meantKeyword(word string, d draft, kinds kind) string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(vocabulary)) {
		if k := vocabulary[name]; k.knownIn(d) && (k.about == 0 || k.about&kinds != 0) {
			names = append(names, name)
		}
	}
	return likeliest(word, names)
}

// otherDraft notes a keyword that the draft does not know.
func (l *linter) otherDraft(s *subschema, name string, k keyword) {
	instead := ""
	if i, ok := vocabulary[k.instead]; ok && i.knownIn(l.draft) {
		instead = fmt.Sprintf(": write %q", k.instead)
	}
	if k.since > l.draft {
		l.note(s, name, IgnoredKeyword, "", "ignored in %s, which is older than it%s", l.draft, instead)
		return
	}
	l.note(s, name, IgnoredKeyword, "", "ignored in %s, which no longer knows it%s", l.draft, instead)
}

// format notes a format that is not checked.
func (l *linter) format(s *subschema, value any) {
	name, _ := value.(string)
	if _, known := jsonschema.Formats[name]; !known {
		l.note(s, "format", UnknownFormat, likeliest(name, slices.Sorted(maps.Keys(jsonschema.Formats))),
			"unknown format %q, nothing is checked", shorten(name, maxMessage/2))
		return
	}
	if l.draft <= draft7 || !l.named || l.first.assertsFormats() {
		return
	}
	advice := fmt.Sprintf(`write "$vocabulary": {%q: true} in %s`, assertVocabularies[l.first.draft], filepath.Base(l.first.name))
	if l.first.draft <= draft7 {
		advice = `leave out "$schema", or name draft 7`
	}
	l.note(s, "format", UncheckedFormat, "", `format %q is not checked, since "$schema" is %s; to have it checked, %s`, name, l.draft, advice)
}

// aboutOthers notes a keyword that speaks of other types than the schema allows.
func (l *linter) aboutOthers(s *subschema, name string, k keyword) {
	if k.about == 0 || k.about&typesIn(s) != 0 {
		return
	}
	types, _ := json.Marshal(s.members["type"])
	l.note(s, name, IgnoredKeyword, "", "ignored, since the type is %s", types)
}

// typesIn returns the kinds of values that "type" allows.
func typesIn(s *subschema) (kinds kind) {
	switch types := s.members["type"].(type) {
	case string:
		return kindOf[types]
	case []any:
		for _, t := range types {
			name, _ := t.(string)
			kinds |= kindOf[name]
		}
		return kinds
	}
	return anyKind
}

func isArray(v any) bool {
	_, ok := v.([]any)
	return ok
}
