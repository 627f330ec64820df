package deadlettercmd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"reflect"
	"slices"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/deadletter"
)

// maxEdit bounds a line of letters: JSON may take six bytes for one, and a letter has up to 2 MiB.
const maxEdit = 32 << 20

// edits are letters as somebody has edited them. They lie in a file, of which the names and places are in memory. They
// are for one goroutine.
type edits struct {
	file  *os.File // removed already
	size  int64
	lines map[deadletter.Name]editedLine
	bad   int // lines that are none
}

type editedLine struct {
	at     int64
	size   int
	number int // in the input
}

// A badLineError says what is wrong with a line of edits.
type badLineError struct {
	line int
	err  error
}

func (e *badLineError) Error() string { return fmt.Sprintf("%d: %v", e.line, e.err) }
func (e *badLineError) Unwrap() error { return e.err }

// A sameLetterError says that two lines have the same letter: nobody knows which of them is meant.
type sameLetterError struct {
	name  deadletter.Name
	first int // line
}

func (e *sameLetterError) Error() string {
	return fmt.Sprintf("letter %s is in line %d already", e.name, e.first)
}

// readEdits reads lines of letters. A bad one is told to bad, which says whether to go on.
func readEdits(ctx context.Context, in io.Reader, bad func(*badLineError) error) (*edits, error) {
	file, err := os.CreateTemp("", "battlereport-import-*")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(file.Name()) // the open file stays, and nothing is left behind
	e := &edits{file: file, lines: map[deadletter.Name]editedLine{}}
	records := cli.NewLines(in, maxEdit)
	for {
		record, err := records.Next()
		if errors.Is(err, io.EOF) {
			return e, nil
		}
		if err == nil {
			err = ctx.Err()
		}
		if err == nil {
			err = e.add(record)
		}
		if wrong := new(badLineError); errors.As(err, &wrong) {
			e.bad++
			err = bad(wrong)
		}
		if err != nil {
			e.close()
			return nil, err
		}
	}
}

func (e *edits) close() { _ = e.file.Close() }

func (e *edits) add(l cli.Line) error {
	if l.TooLong() {
		return &badLineError{l.Number, fmt.Errorf("%d bytes, %d are allowed", l.Size, maxEdit)}
	}
	var entry deadletter.Entry
	if err := parseEdit(l.Text, &entry); err != nil {
		return &badLineError{l.Number, err}
	}
	if first, twice := e.lines[entry.Name]; twice {
		return &badLineError{l.Number, &sameLetterError{entry.Name, first.number}}
	}
	if _, err := e.file.WriteAt(l.Text, e.size); err != nil {
		return err
	}
	e.lines[entry.Name] = editedLine{at: e.size, size: len(l.Text), number: l.Number}
	e.size += int64(len(l.Text))
	return nil
}

// names returns all names, by topic and place.
func (e *edits) names() []deadletter.Name {
	names := make([]deadletter.Name, 0, len(e.lines))
	for name := range e.lines {
		names = append(names, name)
	}
	slices.SortFunc(names, compareNames)
	return names
}

// get returns the letter as it was edited.
func (e *edits) get(name deadletter.Name) (entry deadletter.Entry, number int, err error) {
	line, ok := e.lines[name]
	if !ok {
		return entry, 0, fmt.Errorf("letter %s: %w in the import", name, deadletter.ErrNotFound)
	}
	text := make([]byte, line.size)
	if _, err := e.file.ReadAt(text, line.at); err != nil {
		return entry, line.number, err
	}
	return entry, line.number, entry.UnmarshalJSON(text)
}

// differs says in what else than its value an edited letter differs from the one in the topic; empty: in nothing. Nobody
// can tell who has changed its state. Which topic it is of is another question, which older exports do not answer.
func differs(edited, letter *deadletter.Entry) string {
	same := func(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }
	if !same(edited.Letter.Key, letter.Letter.Key) {
		return "its key"
	}
	if len(edited.Letter.Headers) != len(letter.Letter.Headers) {
		return "its headers"
	}
	for i, h := range letter.Letter.Headers {
		if other := edited.Letter.Headers[i]; other.Key != h.Key || !same(other.Value, h.Value) {
			return "its header " + h.Key
		}
	}
	a, b := factsOf(edited), factsOf(letter)
	if bytes.Equal(a, b) {
		return ""
	}
	// What is not UTF-8 in text may be escaped in one and not in the other: so they are read before they are compared.
	fieldsA, fieldsB := fieldsOf(a), fieldsOf(b)
	for _, name := range slices.Sorted(maps.Keys(letterGrammar.fields)) {
		if !reflect.DeepEqual(fieldsA[name], fieldsB[name]) {
			return "its " + name
		}
	}
	return ""
}

// fieldsOf reads a JSON object that was just written.
func fieldsOf(text []byte) (fields map[string]any) {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber() // offsets have more digits than a float64
	_ = decoder.Decode(&fields)
	return fields
}

// factsOf is what JSON says of a letter, without key, headers, value, state and its topic's id.
func factsOf(e *deadletter.Entry) []byte {
	facts := *e
	facts.TopicID, facts.State = "", deadletter.Pending
	facts.Letter.Key, facts.Letter.Headers, facts.Letter.Value = nil, nil, nil
	text, _ := facts.MarshalJSON() // text, numbers and times: cannot fail
	return text
}
