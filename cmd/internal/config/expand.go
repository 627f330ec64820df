package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// anyVariable is what a text matches that holds a reference, for the JSON Schema.
const anyVariable = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

// An expansion is a text after its variables were replaced.
type expansion struct {
	text   string
	names  []string // of the variables that stood in it
	unset  []string // those of them that env does not have
	broken bool     // a ${ that begins no reference
}

// expand replaces ${NAME} by env's value and $${ by ${, in one pass from left to right: a replaced value is not
// looked into.
func expand(text string, env func(string) (string, bool)) expansion {
	var out strings.Builder
	var e expansion
	for {
		dollar := strings.IndexByte(text, '$')
		if dollar < 0 {
			break
		}
		out.WriteString(text[:dollar])
		text = text[dollar:]
		switch reference := variable.FindStringSubmatch(text); {
		case strings.HasPrefix(text, "$${"):
			out.WriteString("${")
			text = text[len("$${"):]
		case reference != nil:
			value, ok := env(reference[1])
			if !ok {
				e.unset = append(e.unset, reference[1])
			}
			e.names = append(e.names, reference[1])
			out.WriteString(value)
			text = text[len(reference[0]):]
		default:
			e.broken = e.broken || strings.HasPrefix(text, "${")
			out.WriteByte('$')
			text = text[1:]
		}
	}
	out.WriteString(text)
	e.text = out.String()
	return e
}

var braced = regexp.MustCompile(`\$\{[^{}\[\],"'\n]*\}?`)

// hideReferences replaces the braces of ${NAME} by marks that mean nothing to YAML, of which they would end a value in
// [ ] and { }. restore puts the braces back into the values and keys of what was parsed. No line or column moves.
func hideReferences(data []byte) (hidden []byte, restore func(*yaml.Node)) {
	const first, last = '\ue000', '\uf8ff' // a range for private use
	escapes := bytes.ToLower(data)         // in which \ue000 is one, too
	var marks []string
	for r := first; r <= last && len(marks) < 2; r++ {
		if !bytes.ContainsRune(data, r) && !bytes.Contains(escapes, fmt.Appendf(nil, "%x", r)) {
			marks = append(marks, string(r))
		}
	}
	if len(marks) < 2 {
		return data, func(*yaml.Node) {}
	}
	hide, back := strings.NewReplacer("{", marks[0], "}", marks[1]), strings.NewReplacer(marks[0], "{", marks[1], "}")
	restore = func(n *yaml.Node) {
		n.Value = back.Replace(n.Value)
		for _, child := range n.Content {
			restore(child)
		}
	}
	return braced.ReplaceAllFunc(data, func(reference []byte) []byte { return []byte(hide.Replace(string(reference))) }), restore
}
