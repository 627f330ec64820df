package schema

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strings"
)

// compilePattern compiles what translate makes of a pattern.
func compilePattern(pattern string) (*regexp.Regexp, error) {
	translated, err := translate(pattern)
	if err != nil {
		return nil, err
	}
	compiled, err := regexp.Compile(translated)
	if refused, ok := errors.AsType[*syntax.Error](err); ok {
		return nil, fmt.Errorf("%s: %q", refused.Code, shorten(refused.Expr, maxMessage)) // its text is of a parser
	}
	return compiled, err
}

// isPattern is the check of the format "regex". It takes what "pattern" takes, and whatever is no string.
func isPattern(v any) bool {
	pattern, ok := v.(string)
	if !ok {
		return true
	}
	_, err := compilePattern(pattern)
	return err == nil
}

// patterns are those of a document that the validator has in other words than the author's (see translate). Whatever is
// said of one is said in the author's.
type patterns struct {
	texts map[string]string            // by the pointer to "pattern"
	names map[string]map[string]string // by the pointer to "patternProperties": the author's by ours
}

// prepare returns the text of the document as the compiler is to have it, or what is wrong with it.
func (d *document) prepare(text []byte) ([]byte, error) {
	if err := d.patternFlaws(); err != nil {
		return nil, err
	}
	twin, err := newDocument(d.name, d.location, text)
	if err != nil {
		return nil, err
	}
	root := twin.root
	if d.patterns = twin.translate(); d.patterns != nil {
		if text, err = json.Marshal(root); err != nil {
			return nil, err
		}
	}
	return text, d.check(root)
}

// translate puts what RE2 has for them in the place of the patterns, and returns those; nil if there is nothing to be done.
// No two names of patternProperties become one.
func (d *document) translate() *patterns {
	p := patterns{texts: map[string]string{}, names: map[string]map[string]string{}}
	for _, s := range d.schemas {
		if pattern, ok := s.members["pattern"].(string); ok {
			if translated, err := translate(pattern); err == nil && translated != pattern {
				s.members["pattern"] = translated
				p.texts[s.pointer+"/pattern"] = pattern
			}
		}
		named, _ := s.members["patternProperties"].(map[string]any)
		names := map[string]string{}
		for name := range named {
			translated, err := translate(name)
			if err != nil || translated == name {
				continue
			}
			for named[translated] != nil || names[translated] != "" {
				translated = "(?:" + translated + ")"
			}
			names[translated] = name
		}
		for translated, name := range names {
			named[translated] = named[name]
			delete(named, name)
			p.names[s.pointer+"/patternProperties"] = names
		}
	}
	if len(p.texts)+len(p.names) == 0 {
		return nil
	}
	return &p
}

// written returns a pointer into the validator's document as a pointer into the author's.
func (p *patterns) written(pointer string) string {
	if p == nil || len(p.names) == 0 {
		return pointer
	}
	var written strings.Builder
	for pointer != "" {
		var token string
		token, pointer = cutToken(pointer)
		if name, ok := p.names[written.String()][unescaped.Replace(token)]; ok {
			token = escaped.Replace(name)
		}
		written.WriteString("/" + token)
	}
	return written.String()
}
