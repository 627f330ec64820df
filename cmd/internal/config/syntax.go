package config

import (
	"bytes"
	"regexp"
	"sort"
	"strconv"
)

// A syntaxError is what keeps a text from being YAML, in the parser's words but for what they quote from the text: the
// name of an unknown anchor may be an appkey that begins with an asterisk.
type syntaxError struct {
	line  int // from 1
	words string
	hint  string // what to write instead, where that can be told
}

func (e syntaxError) Error() string {
	return "line " + strconv.Itoa(e.line) + ": " + e.words + e.hint
}

var (
	parserLine = regexp.MustCompile(`^yaml: (line [0-9]+: )?`)
	anchorName = regexp.MustCompile(`'[\w-]*\w[\w-]*'`) // the indicators that a parser expects, as ',' or ']', are none
)

// syntaxErrorOf is that of the parser's error about data. Its line is found anew, as that after which the parser says
// what it says: of some errors it counts from 0, and of others it tells no line.
func syntaxErrorOf(data []byte, err error) syntaxError {
	lines := bytes.SplitAfter(data, []byte("\n"))
	line := 1 + sort.Search(len(lines)-1, func(i int) bool {
		_, _, other := documents(bytes.Join(lines[:i+1], nil))
		return other != nil && other.Error() == err.Error()
	})
	e := syntaxError{line: line, words: parserLine.ReplaceAllString(err.Error(), "")}
	e.words = anchorName.ReplaceAllString(e.words, "'…'")
	for _, h := range hints {
		if h.line.Match(lines[line-1]) {
			e.hint = "; " + h.words
		}
	}
	return e
}

// hints are what a line that is no YAML most likely lacks.
var hints = []struct {
	line  *regexp.Regexp
	words string
}{
	{regexp.MustCompile("([:,-] +|[[{] *)[@`%*]"), "a value that begins with @, `, % or * goes in quotes"},
	{regexp.MustCompile(`: *\{topic\}`), "a value with {topic} in it goes in quotes"},
	{regexp.MustCompile(`^ *\t`), "YAML indents by blanks, and this line by a tab"},
}
