package config

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A reference is ${NAME}, or one with what counts where NAME is not set: ${NAME-default}, ${NAME?message}; with a colon,
// as in ${NAME:-default}, also where it is set and empty. So Compose has them, and so has the shell, whose other forms
// ([otherForms]) are refused.
var (
	variable   = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(?:\}|(:?[-?])([^{}]*)\})`)
	begun      = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)(:?[-?])[^{}]*`)
	otherForms = regexp.MustCompile(`^\$\{[A-Za-z_][A-Za-z0-9_]*(:?[+=]|[%#/^,@])`)
)

// anyVariable is what a text matches that holds a reference, for the JSON Schema.
const anyVariable = `\$\{[A-Za-z_][A-Za-z0-9_]*(:?[-?][^{}]*)?\}`

// An expansion is a text after its variables were replaced.
type expansion struct {
	text   string
	names  []string // of the variables that stood in it, with :-… behind those whose defaults count
	unset  []unset  // those of them that had to be set
	broken bool     // a ${ that begins no reference
	want   string   // what could stand in its place
}

// unset is a variable that had to be set.
type unset struct {
	name    string
	filled  bool // and not to be empty
	message string
}

// want says so. The message is left out where it may be a secret, put there by a slip.
func (u unset) want(secret bool) string {
	want := "the environment variable " + u.name + " to be set"
	if u.filled {
		want += " and not empty"
	}
	if message := strings.Join(strings.Fields(u.message), " "); message != "" && !secret {
		want += ": " + message
	}
	return want
}

// expand replaces references to variables by what env has, and $${ by ${, in one pass from left to right: a replaced
// value, or a default, is not looked into.
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
			out.WriteString(e.resolve(reference[1], reference[2], reference[3], env))
			text = text[len(reference[0]):]
		default:
			if strings.HasPrefix(text, "${") && !e.broken {
				e.broken, e.want = true, wantedReference(text)
			}
			out.WriteByte('$')
			text = text[1:]
		}
	}
	out.WriteString(text)
	e.text = out.String()
	return e
}

// resolve returns what a variable stands for.
func (e *expansion) resolve(name, operator, word string, env func(string) (string, bool)) string {
	value, set := env(name)
	filled := strings.HasPrefix(operator, ":")
	switch is := set && (value != "" || !filled); {
	case is:
	case strings.HasSuffix(operator, "-"):
		e.names = append(e.names, name+operator+"…")
		return word
	default:
		e.unset = append(e.unset, unset{name, filled, word})
	}
	e.names = append(e.names, name)
	return value
}

// wantedReference says what could stand where text begins with ${ and is no reference. It quotes nothing but a name.
func wantedReference(text string) string {
	switch form := begun.FindStringSubmatch(text); {
	case form != nil && len(form[0]) == len(text):
		return "a } at the end of ${" + form[1] + form[2] + "…"
	case form != nil:
		return "no { between ${" + form[1] + form[2] + " and its }: variables are not replaced there"
	case otherForms.MatchString(text):
		return "${NAME}, ${NAME:-default} or ${NAME:?message} for a variable, with or without the colon, or $${ for a literal ${"
	}
	return "${NAME} for a variable, or $${ for a literal ${"
}

// braced is a reference as far as it means something to YAML that it should not; quotes may belong to values around it.
var braced = regexp.MustCompile(`\$\{[A-Za-z_][A-Za-z0-9_]*:?[-?][^{}"'\n]*\}|\$\{[^{}\[\],"'\n]*\}?`)

// hideReferences replaces the braces of ${NAME}, and what else in one has a meaning to YAML, by marks that have none: they
// would end a value in [ ] and { }, or anywhere. restore puts it back into the values and keys of what was parsed. No
// line or column moves.
func hideReferences(data []byte) (hidden []byte, restore func(*yaml.Node)) {
	const first, last = '\ue000', '\uf8ff' // a range for private use
	signs := []string{"{", "}", "[", "]", ",", ":", "?", "#"}
	escapes := bytes.ToLower(data) // in which \ue000 is one, too
	var there, back []string
	for r := first; r <= last && len(there) < 2*len(signs); r++ {
		if !bytes.ContainsRune(data, r) && !bytes.Contains(escapes, fmt.Appendf(nil, "%x", r)) {
			sign := signs[len(there)/2]
			there, back = append(there, sign, string(r)), append(back, string(r), sign)
		}
	}
	if len(there) < 2*len(signs) {
		return data, func(*yaml.Node) {}
	}
	hide, show := strings.NewReplacer(there...), strings.NewReplacer(back...)
	restore = func(n *yaml.Node) {
		n.Value = show.Replace(n.Value)
		for _, child := range n.Content {
			restore(child)
		}
	}
	return braced.ReplaceAllFunc(data, func(reference []byte) []byte { return []byte(hide.Replace(string(reference))) }), restore
}
