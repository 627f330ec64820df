package openapi

import (
	"encoding/json"
	"testing"
)

func TestEntriesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	var e entries[int]
	e.add("b", 1)
	e.add(`a"<`, 2)
	got, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]int
	if err := json.Unmarshal(got, &v); err != nil || v[`a"<`] != 2 {
		t.Errorf("%s: %v", got, err)
	}
	if want := `{"b":1,"a\"\u003c":2}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, _ := json.Marshal(entries[int](nil)); string(got) != "{}" {
		t.Errorf("%s, want an empty object", got)
	}
}
