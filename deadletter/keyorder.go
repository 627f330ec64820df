package deadletter

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/itchyny/gojq"
)

// keyOrder is the order of the keys in a JSON text, which decoding into maps loses.
// A nil keyOrder is that of what has no keys.
type keyOrder struct {
	keys   []string
	fields map[string]*keyOrder
	items  []*keyOrder
}

// keyOrderOf returns the order of the keys of a valid JSON text.
func keyOrderOf(text []byte) *keyOrder {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return readKeyOrder(dec)
}

func readKeyOrder(dec *json.Decoder) *keyOrder {
	token, _ := dec.Token()
	switch token {
	case json.Delim('{'):
		o := &keyOrder{fields: map[string]*keyOrder{}}
		for dec.More() {
			token, _ := dec.Token()
			key, _ := token.(string)
			if _, twice := o.fields[key]; !twice {
				o.keys = append(o.keys, key)
			}
			o.fields[key] = readKeyOrder(dec)
		}
		_, _ = dec.Token()
		return o
	case json.Delim('['):
		o := &keyOrder{}
		for dec.More() {
			o.items = append(o.items, readKeyOrder(dec))
		}
		_, _ = dec.Token()
		return o
	default:
		return nil
	}
}

func (o *keyOrder) field(key string) *keyOrder {
	if o == nil {
		return nil
	}
	return o.fields[key]
}

func (o *keyOrder) item(i int) *keyOrder {
	if o == nil || i >= len(o.items) {
		return nil
	}
	return o.items[i]
}

// order is the keys of an object: those that it knows as there, then the others
// sorted.
func (o *keyOrder) order(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	if o != nil {
		for _, key := range o.keys {
			if _, ok := object[key]; ok {
				keys = append(keys, key)
			}
		}
	}
	known := len(keys)
	for key := range object {
		if o.hasNot(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys[known:])
	return keys
}

func (o *keyOrder) hasNot(key string) bool {
	if o == nil {
		return true
	}
	_, ok := o.fields[key]
	return !ok
}

// appendLike appends v, a value of gojq's, as compact JSON with its keys in the
// order of like.
func appendLike(b []byte, v any, like *keyOrder) []byte {
	switch v := v.(type) {
	case map[string]any:
		b = append(b, '{')
		for i, key := range like.order(v) {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(appendLike(b, key, nil), ':')
			b = appendLike(b, v[key], like.field(key))
		}
		return append(b, '}')
	case []any:
		b = append(b, '[')
		for i, item := range v {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendLike(b, item, like.item(i))
		}
		return append(b, ']')
	default:
		text, _ := gojq.Marshal(v) // a scalar of gojq's: cannot fail
		return append(b, text...)
	}
}
