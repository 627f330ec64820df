package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode returns the first document's root, an empty mapping if there is none, and the second document if there is one.
func decode(data []byte) (root, second *yaml.Node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	root = &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	var first, next yaml.Node
	if err := decoder.Decode(&first); errors.Is(err, io.EOF) {
		return root, nil, nil
	} else if err != nil {
		return nil, nil, syntaxError{err}
	}
	if len(first.Content) == 1 && !isNull(first.Content[0]) {
		root = first.Content[0]
	}
	if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
		return root, nil, nil
	} else if err != nil {
		return nil, nil, syntaxError{err}
	}
	return root, &next, nil
}

// A syntaxError shows the parser's words without what it quotes from the file: the name of an unknown anchor may be an
// appkey that begins with an asterisk.
type syntaxError struct{ error }

var quoted = regexp.MustCompile(`(?s)'[^']{3,}'|"[^"]{3,}"|` + "`[^`]*`")

func (e syntaxError) Error() string {
	return strings.TrimPrefix(quoted.ReplaceAllString(e.error.Error(), "'…'"), "yaml: ")
}

func (e syntaxError) Unwrap() error { return e.error }

// resolve follows an alias to its anchor. The tree of fields ends every walk, even one that an anchor leads in circles.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

var userInfo = regexp.MustCompile(`//[^/]*@`)

// show returns how a fault shows a scalar, with text for what it says.
func show(n *yaml.Node, text string) string {
	text = userInfo.ReplaceAllString(text, "//"+redacted+"@")
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		return kind(n)
	case n.ShortTag() == "!!str" || !plainKey.MatchString(text):
		return clip(text)
	}
	return text
}

// kind returns how a fault shows a value where its content does not matter, and may be a secret that has slipped.
func kind(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.SequenceNode && len(n.Content) == 0:
		return "an empty list"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case isNull(n):
		return "null"
	}
	return "a single value"
}

// clip quotes text, and cuts it where a line would grow too long.
func clip(text string) string {
	const longest = 64
	if len(text) > longest {
		return strconv.Quote(text[:longest]) + "…"
	}
	return strconv.Quote(text)
}
