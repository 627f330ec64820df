package config

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// decode returns the first document's root, an empty mapping if there is none, and the second document if there is one.
func decode(data []byte) (root, second *yaml.Node, err error) {
	data, restore := hideReferences(data)
	root = &yaml.Node{Kind: yaml.MappingNode, Line: 1}
	first, next, err := documents(data)
	if err != nil {
		return nil, nil, syntaxErrorOf(data, err)
	}
	if first != nil && len(first.Content) == 1 && !isNull(first.Content[0]) {
		root = first.Content[0]
	}
	restore(root)
	return root, next, nil
}

// documents returns the first two documents, as far as there are any.
func documents(data []byte) (first, second *yaml.Node, err error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for _, to := range []**yaml.Node{&first, &second} {
		var n yaml.Node
		if err := decoder.Decode(&n); errors.Is(err, io.EOF) {
			return first, second, nil
		} else if err != nil {
			return nil, nil, err
		}
		*to = &n
	}
	return first, second, nil
}

// resolve follows an alias to its anchor. The tree of fields ends every walk, even one that an anchor leads in circles.
func resolve(n *yaml.Node) *yaml.Node {
	if n.Kind == yaml.AliasNode {
		return n.Alias
	}
	return n
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

// show returns how a fault shows a scalar, with text for what it says.
func show(n *yaml.Node, text string) string {
	text = withoutUser(text)
	switch {
	case n.Kind != yaml.ScalarNode || isNull(n):
		return kind(n)
	case n.ShortTag() == "!!str" || !plainKey.MatchString(text):
		return clip(text)
	}
	return text
}

// withoutUser replaces what may be the user and the password of an address.
func withoutUser(text string) string {
	end := strings.LastIndexByte(text, '@')
	if end < 0 || !strings.Contains(text[:end], ":") {
		return text
	}
	begin := 0
	if slashes := strings.Index(text[:end], "://"); slashes >= 0 {
		begin = slashes + len("://")
	}
	return text[:begin] + redacted + text[end:]
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
