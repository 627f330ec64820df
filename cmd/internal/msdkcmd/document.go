package msdkcmd

import (
	"encoding/json"
	"maps"
	"slices"

	"github.com/battlereport/battlereport/msdkclient"
)

// document is the body of a call while it is put together.
type document struct {
	what *msdkclient.Call
	tree map[string]any
}

// root describes the whole body.
func root(what *msdkclient.Call) *msdkclient.Field {
	return &msdkclient.Field{Types: []string{"object"}, Fields: what.RequestFields()}
}

// newDocument is what the typed call sends if nothing is given: it has what follows from the app, and lacks what is required.
func newDocument(what *msdkclient.Call, app msdkclient.App) (*document, error) {
	text, err := json.Marshal(what.Template(app))
	if err != nil {
		return nil, err
	}
	d, err := readDocument(what, text)
	if err == nil {
		dropMissing(root(what), d.tree)
	}
	return d, err
}

// readDocument is a body that is there already.
func readDocument(what *msdkclient.Call, text []byte) (*document, error) {
	tree, err := parse(text)
	if err != nil {
		return nil, err
	}
	return &document{what, tree.(map[string]any)}, nil
}

// dropMissing takes out what is required and empty: so it shows as missing.
func dropMissing(field *msdkclient.Field, object map[string]any) {
	for _, f := range field.Fields {
		inner, isObject := object[f.Name].(map[string]any)
		if isObject {
			dropMissing(f, inner)
		}
		empty := object[f.Name] == nil || object[f.Name] == "" || object[f.Name] == json.Number("0")
		if f.Required && (empty || isObject && len(inner) == 0) {
			delete(object, f.Name)
		}
	}
}

// identify makes the document one of the app, where it names another.
func (d *document) identify(app msdkclient.App) {
	if _, there := d.tree["appid"]; there {
		d.tree["appid"] = app.ID
	}
	if _, there := d.tree["secret"]; there && app.Encode == 1 {
		d.tree["secret"] = app.Key
	}
}

// text is the document as JSON, its fields in the order of the interface document and others behind them.
func (d *document) text() []byte {
	return appendOrdered(nil, root(d.what), d.tree)
}

func appendOrdered(text []byte, field *msdkclient.Field, value any) []byte {
	switch v := value.(type) {
	case map[string]any:
		separator := byte('{')
		add := func(name string, of *msdkclient.Field) {
			text = append(append(append(text, separator), quote(name)...), ':')
			text = appendOrdered(text, of, v[name])
			separator = ','
		}
		rest := maps.Clone(v)
		if field != nil {
			for _, f := range field.Fields {
				if _, there := v[f.Name]; there {
					add(f.Name, f)
					delete(rest, f.Name)
				}
			}
		}
		for _, name := range slices.Sorted(maps.Keys(rest)) {
			var of *msdkclient.Field
			if field != nil && field.Fields == nil {
				of = field.Elem
			}
			add(name, of)
		}
		if len(v) == 0 {
			text = append(text, '{')
		}
		return append(text, '}')
	case []any:
		text = append(text, '[')
		for i, elem := range v {
			if i > 0 {
				text = append(text, ',')
			}
			var of *msdkclient.Field
			if field != nil {
				of = field.Elem
			}
			text = appendOrdered(text, of, elem)
		}
		return append(text, ']')
	}
	return append(text, quote(value)...)
}

// quote is the JSON text of a value that came from one, as encoding/json writes it for the typed calls.
func quote(value any) []byte {
	text, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return text
}
