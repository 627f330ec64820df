package openapi

import (
	"bytes"
	"encoding/json"
)

// entries is an object of JSON whose names keep the order in which they came: that of the interface document, which people
// read and in which generators write fields.
type entries[T any] []entry[T]

type entry[T any] struct {
	name  string
	value T
}

func (e *entries[T]) add(name string, value T) { *e = append(*e, entry[T]{name, value}) }

func (e entries[T]) find(name string) (value T, ok bool) {
	for _, known := range e {
		if known.name == name {
			return known.value, true
		}
	}
	return value, false
}

// MarshalJSON writes the object.
func (e entries[T]) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, known := range e {
		if i > 0 {
			b.WriteByte(',')
		}
		name, err := json.Marshal(known.name)
		if err != nil {
			return nil, err
		}
		b.Write(name)
		b.WriteByte(':')
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(known.value); err != nil {
			return nil, err
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}
