package config

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strconv"
	"strings"
	"unicode/utf16"

	"go.yaml.in/yaml/v3"
)

// decode returns the first document's root, an empty mapping if there is none, and the second document if there is one.
func decode(data []byte) (root, second *yaml.Node, err error) {
	data, restore := hideReferences(inUTF8(data))
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

// inUTF8 returns UTF-16 that begins with a byte order mark as UTF-8, and anything else as it is. The parser would read
// it too, but what is done before that looks at bytes.
func inUTF8(data []byte) []byte {
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case len(data)%2 != 0:
		return data
	case bytes.HasPrefix(data, []byte{0xfe, 0xff}):
		order = binary.BigEndian
	case !bytes.HasPrefix(data, []byte{0xff, 0xfe}):
		return data
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	return []byte(string(utf16.Decode(units)))
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
