package openapi

import (
	"go/ast"
	"go/doc/comment"
	"go/parser"
	"go/token"
	"io/fs"
	"regexp"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// words are the comments of the calls, of the structs they take and give, and of the fields of those, as plain sentences in
// which a field is called by its name in JSON.
//
// A doc link to another of these is written out. A sentence with a link to anything else, such as [Client], speaks of the Go
// client alone, and is left out.
type words struct {
	comments map[string]string            // as in the source, by "Type", "Type.Field" or "Client.Method"
	names    map[string]map[string]string // the fields' names in JSON, by type and their names in Go
}

func readWords() *words {
	w := &words{comments: map[string]string{}, names: map[string]map[string]string{}}
	for _, c := range msdkclient.Calls() {
		w.addNames(c.RequestFields())
		w.addNames(c.ResponseFields())
	}
	files, err := fs.Glob(msdkclient.Source, "*.go")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for _, name := range files {
		text, err := msdkclient.Source.ReadFile(name)
		if err != nil {
			panic(err) // they are part of the program
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			panic(err) // it has been compiled
		}
		for _, d := range file.Decls {
			w.addDecl(d)
		}
	}
	return w
}

func (w *words) addNames(fields []*msdkclient.Field) {
	for _, f := range fields {
		if w.names[f.GoType] == nil {
			w.names[f.GoType] = map[string]string{}
		}
		w.names[f.GoType][f.GoName] = f.Name
		w.addNames(f.Fields)
		if f.Elem != nil {
			w.addNames(f.Elem.Fields)
		}
	}
}

func (w *words) addDecl(d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv != nil {
			w.comments["Client."+d.Name.Name] = d.Doc.Text()
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			spec, ok := spec.(*ast.TypeSpec)
			if !ok {
				continue
			}
			w.comments[spec.Name.Name] = d.Doc.Text()
			if s, ok := spec.Type.(*ast.StructType); ok {
				for _, f := range s.Fields.List {
					for _, name := range f.Names {
						w.comments[spec.Name.Name+"."+name.Name] = f.Doc.Text()
					}
				}
			}
		}
	}
}

func (w *words) ofType(name string) string { return w.sentences(name, name) }

func (w *words) ofField(f *msdkclient.Field) string {
	return w.sentences(f.GoType+"."+f.GoName, f.GoType)
}

func (w *words) ofCall(c *msdkclient.Call) string { return w.sentences("Client."+c.Method, "") }

// notHere stands for a link that leads out of the description.
const notHere = "\x00"

// anySymbol takes for a link what looks like one to a name in Go.
var anySymbol = &comment.Parser{LookupSym: func(string, string) bool { return true }}

// sentences is the comment of what has this name, in which the fields of a type are called as in JSON.
func (w *words) sentences(name, goType string) string {
	parsed := anySymbol.Parse(w.comments[name])
	var paragraphs []string
	for _, block := range parsed.Content {
		p, ok := block.(*comment.Paragraph)
		if !ok {
			continue // lists and code have no use in the comments of types so far
		}
		var text strings.Builder
		for _, piece := range p.Text {
			switch piece := piece.(type) {
			case comment.Plain:
				text.WriteString(w.inJSON(string(piece), goType))
			case *comment.DocLink:
				text.WriteString(w.target(piece))
			}
		}
		var kept []string
		for sentence := range strings.SplitSeq(strings.ReplaceAll(text.String(), "\n", " "), ". ") {
			if !strings.Contains(sentence, notHere) {
				kept = append(kept, strings.TrimSuffix(sentence, "."))
			}
		}
		if kept != nil {
			paragraphs = append(paragraphs, strings.Join(kept, ". ")+".")
		}
	}
	return strings.Join(paragraphs, "\n\n")
}

var goName = regexp.MustCompile(`\b[A-Z]\w*\b`)

// inJSON calls the fields of a type as in JSON.
func (w *words) inJSON(text, goType string) string {
	return goName.ReplaceAllStringFunc(text, func(word string) string {
		if name, ok := w.names[goType][word]; ok {
			return "`" + name + "`"
		}
		return word
	})
}

// target is what a link leads to: a call, a struct or a field of one.
func (w *words) target(l *comment.DocLink) string {
	if l.Recv == "" && w.names[l.Name] != nil {
		return l.Name
	}
	if l.Recv == "Client" {
		for _, c := range msdkclient.Calls() {
			if c.Method == l.Name {
				return l.Name
			}
		}
	}
	if name, ok := w.names[l.Recv][l.Name]; ok {
		return "`" + name + "` of " + l.Recv
	}
	return notHere
}
