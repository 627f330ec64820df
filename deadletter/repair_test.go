package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/itchyny/gojq"
)

func TestRepairChangesOnlyWhatItSays(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ expr, value, want string }{
		"what stays keeps its bytes":              {`.`, "{\"b\" : 1.0,\n\"a\":\"\\u003c\"}", "{\"b\" : 1.0,\n\"a\":\"\\u003c\"}"},
		"keys keep their order":                   {`.baseinfo.platid |= tonumber`, `{"z":1,"baseinfo":{"platid":"1","openid":"o"},"a":2}`, `{"z":1,"baseinfo":{"platid":1,"openid":"o"},"a":2}`},
		"new keys come last, sorted":              {`.y=1|.x=2`, `{"z":1,"a":2}`, `{"z":1,"a":2,"x":2,"y":1}`},
		"keys may go":                             {`del(.z)`, `{"z":1,"a":2,"b":3}`, `{"a":2,"b":3}`},
		"in arrays as well":                       {`.[0].x=1`, `[{"b":1,"a":2},{"d":1,"c":2}]`, `[{"b":1,"a":2,"x":1},{"d":1,"c":2}]`},
		"nothing is escaped for HTML":             {`.x=1`, `{"a":"<&>ü"}`, `{"a":"<&>ü","x":1}`},
		"integers keep all digits":                {`.x=1`, `{"a":12345678901234567890,"b":-9007199254740993}`, `{"a":12345678901234567890,"b":-9007199254740993,"x":1}`},
		"so do other numbers":                     {`.x=1`, `{"a":1.10,"b":1e400}`, `{"a":1.10,"b":1e400,"x":1}`},
		"integers are added exactly":              {`.a+=1`, `{"a":9007199254740993}`, `{"a":9007199254740994}`},
		"the value may become another":            {`.a`, `{"a":[1, 2]}`, `[1,2]`},
		"a place that becomes of another type":    {`.a={"y":1,"x":2}`, `{"a":[1]}`, `{"a":{"x":2,"y":1}}`},
		"space around a value does not matter":    {`.x=1`, " {} \n", `{"x":1}`},
		"the environment cannot be read":          {`.x=(env|length)`, `{}`, `{"x":0}`},
		"an object without keys stays an object":  {`.a|=.`, `{"a":{},"b":[]}`, `{"a":{},"b":[]}`},
		"the same number in other digits is same": {`.a=1`, `{"a":1.0}`, `{"a":1.0}`},
	} {
		r, err := CompileRepair(test.expr)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := r.Apply(t.Context(), []byte(test.value)); err != nil || string(got) != test.want {
			t.Errorf("%s: got %s, error %v, want %s", rule, got, err, test.want)
		}
	}
}

func TestRepairSaysWhatFailed(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		expr, value string
		want        error
		text        string
	}{
		"no result":             {`empty`, `{}`, ErrNoResult, `jq expression "empty": the expression has no result`},
		"halted":                {`halt`, `{}`, ErrNoResult, `jq expression "halt": the expression has no result`},
		"two results":           {`., .`, `{}`, ErrSeveralResults, `jq expression "., .": the expression has more than one result`},
		"endless results":       {`repeat(.)`, `{}`, ErrSeveralResults, `jq expression "repeat(.)": the expression has more than one result`},
		"an endless one":        {`last(repeat(1))`, `{}`, errEndless, `jq expression "last(repeat(1))": it takes longer than 1s`},
		"not JSON":              {`.`, `{`, ErrNotJSON, `the value is not JSON: unexpected EOF`},
		"more than JSON":        {`.`, `{} {}`, ErrNotJSON, `the value is not JSON: something follows the JSON value`},
		"not UTF-8":             {`.`, "\"\xff\"", ErrNotJSON, `the value is not JSON: it is not UTF-8`},
		"no value":              {`.`, ``, ErrNotJSON, `the value is not JSON: EOF`},
		"it does not apply":     {`.a.b=1`, `{"a":1}`, nil, `jq expression ".a.b=1": setpath(["a","b"]; 1) cannot be applied to {"a":1}: expected an object but got: number (1)`},
		"it gives up by itself": {`error("no such player")`, `{}`, nil, `jq expression "error(\"no such player\")": error: no such player`},
	} {
		r, err := CompileRepair(test.expr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Apply(t.Context(), []byte(test.value))
		if got != nil || err == nil || err.Error() != test.text || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got %s, error %v, want %s", rule, got, err, test.text)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r, err := CompileRepair(`last(repeat(1))`)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Apply(ctx, []byte(`1`)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// A value that is changed and changed back means the same as before.
func FuzzRepair(f *testing.F) {
	f.Add([]byte(`{"z":[1.10,{"b":null,"a":"<\u00e9>"}],"a":12345678901234567890}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	wrap, err := CompileRepair(`[.]`)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := wrap.Apply(t.Context(), value)
		if err != nil {
			return
		}
		before, err := decode(value)
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(got) {
			t.Fatalf("%s becomes %s", value, got)
		}
		after, err := decode(got)
		if err != nil || gojq.Compare(after, []any{before}) != 0 {
			t.Errorf("%s becomes %s", value, got)
		}
	})
}
