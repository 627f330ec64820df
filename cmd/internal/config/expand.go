package config

import (
	"regexp"
	"strings"
)

var variable = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// anyVariable is what a text matches that holds a reference, for the JSON Schema.
const anyVariable = `\$\{[A-Za-z_][A-Za-z0-9_]*\}`

// An expansion is a text after its variables were replaced.
type expansion struct {
	text     string
	replaced bool     // at least one variable stood in it
	unset    []string // names of those that env does not have
	broken   bool     // a ${ that begins no reference
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
			e.replaced = true
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
