package schema

import (
	"errors"
	"testing"
)

func TestStrictSaysWhatIsWrongAndWhere(t *testing.T) {
	t.Parallel()
	if err := Strict([]byte(` {"a":[1]} `), 2); err != nil {
		t.Error(err)
	}
	for text, want := range map[string]Fault{
		`{"a":"\ud83d"}`:         {Offset: 6, What: "half of a surrogate pair"},
		`{"a":1,"\u0061":2}`:     {Offset: 7, What: `key "a" stands twice in one object`},
		`{"a":[[1]]}`:            {Offset: 6, What: "nested more than 2 levels deep"},
		`{"a":`:                  {Offset: 5, What: "the JSON text is cut off"},
		"{\"a\":\"\xff\"}":       {Offset: 6, What: "invalid UTF-8"},
		"\x00\x00\x00\x00\x02{}": {Offset: 0, What: "begins with a Schema Registry header (schema 2): producers must write plain JSON", whole: true},
	} {
		err := Strict([]byte(text), 2)
		if got := new(Fault); !errors.As(err, &got) || *got != want || err.Error() != scan([]byte(text), 2).Error() {
			t.Errorf("%s: %v", text, err)
		}
	}
}
