package deadletter

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/itchyny/gojq"
)

// shape is the order of the keys in a JSON text, which decoding into maps loses.
// A nil shape is that of what has no keys.
type shape struct {
	keys   []string
	fields map[string]*shape
	items  []*shape
}

// shapeOf returns the shape of a valid JSON text.
func shapeOf(text []byte) *shape {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	return readShape(dec)
}

func readShape(dec *json.Decoder) *shape {
	token, _ := dec.Token()
	switch token {
	case json.Delim('{'):
		s := &shape{fields: map[string]*shape{}}
		for dec.More() {
			token, _ := dec.Token()
			key, _ := token.(string)
			if _, twice := s.fields[key]; !twice {
				s.keys = append(s.keys, key)
			}
			s.fields[key] = readShape(dec)
		}
		_, _ = dec.Token()
		return s
	case json.Delim('['):
		s := &shape{}
		for dec.More() {
			s.items = append(s.items, readShape(dec))
		}
		_, _ = dec.Token()
		return s
	default:
		return nil
	}
}

func (s *shape) field(key string) *shape {
	if s == nil {
		return nil
	}
	return s.fields[key]
}

func (s *shape) item(i int) *shape {
	if s == nil || i >= len(s.items) {
		return nil
	}
	return s.items[i]
}

// order is the keys of an object: those of the shape as there, then the others
// sorted.
func (s *shape) order(object map[string]any) []string {
	keys := make([]string, 0, len(object))
	if s != nil {
		for _, key := range s.keys {
			if _, ok := object[key]; ok {
				keys = append(keys, key)
			}
		}
	}
	known := len(keys)
	for key := range object {
		if s.hasNot(key) {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys[known:])
	return keys
}

func (s *shape) hasNot(key string) bool {
	if s == nil {
		return true
	}
	_, ok := s.fields[key]
	return !ok
}

// appendLike appends v, a value of gojq's, as compact JSON with its keys in the
// order of like.
func appendLike(b []byte, v any, like *shape) []byte {
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
