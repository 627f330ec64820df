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
		`{"a":"\ud83d"}`:     {6, "half of a surrogate pair"},
		`{"a":1,"\u0061":2}`: {7, `key "a" stands twice in one object`},
		`{"a":[[1]]}`:        {6, "nested more than 2 levels deep"},
		`{"a":`:              {5, "the JSON text is cut off"},
	} {
		err := Strict([]byte(text), 2)
		if got := new(Fault); !errors.As(err, &got) || *got != want || err.Error() != scan([]byte(text), 2).Error() {
			t.Errorf("%s: %v", text, err)
		}
	}
}
