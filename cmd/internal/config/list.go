package config

import (
	"fmt"
	"strings"
)

// A list is a sequence of like elements.
type list struct {
	noun   string
	grow   func(n int) []field // makes n elements, and returns the field of each
	elem   field               // an element in no list, to describe one
	commas bool                // one text may hold several elements, with commas between them
	form   string              // of an element, if so
	text   func() string       // the present value as YAML, for a list of scalars
}

// listOf is a list whose elements begin as zero and are described by elem.
func listOf[T any](to *[]T, noun string, zero T, elem func(*T) field) *list {
	l := &list{noun: noun, elem: elem(&zero)}
	l.grow = func(n int) []field {
		*to = make([]T, n)
		fields := make([]field, n)
		for i := range fields {
			(*to)[i] = zero
			fields[i] = elem(&(*to)[i])
		}
		return fields
	}
	l.text = func() string {
		texts := make([]string, len(*to))
		for i := range texts {
			if f := elem(&(*to)[i]); f.scalar != nil {
				texts[i] = f.scalar.text()
			}
		}
		return "[" + strings.Join(texts, ", ") + "]"
	}
	return l
}

func texts(to *[]string, noun string, r rule) *list {
	return listOf(to, noun, "", func(element *string) field { return field{scalar: text(element, r)} })
}

// separated is a list of texts of which none can hold a comma: one text may hold several of them, or all.
func separated(to *[]string, noun string, r rule) *list {
	l := texts(to, noun, r)
	l.commas = true
	l.form = r.form.String()
	return l
}

func (l *list) want() string {
	want := fmt.Sprintf("a list of %s, at least one", l.noun)
	if l.elem.scalar != nil {
		want += ", each " + l.elem.scalar.want
	}
	return want
}
