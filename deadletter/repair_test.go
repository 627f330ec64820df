package deadletter

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/itchyny/gojq"
	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/schema"
)

func TestRepairChangesOnlyWhatItSays(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct{ expr, value, want string }{
		"what stays keeps its bytes":             {`.`, "{\"b\" : 1.0,\n\"a\":\"\\u003c\"}", "{\"b\" : 1.0,\n\"a\":\"\\u003c\"}"},
		"keys keep their order":                  {`.baseinfo.platid |= tonumber`, `{"z":1,"baseinfo":{"platid":"1","openid":"o"},"a":2}`, `{"z":1,"baseinfo":{"platid":1,"openid":"o"},"a":2}`},
		"new keys come last, sorted":             {`.y=1|.x=2`, `{"z":1,"a":2}`, `{"z":1,"a":2,"x":2,"y":1}`},
		"keys may go":                            {`del(.z)`, `{"z":1,"a":2,"b":3}`, `{"a":2,"b":3}`},
		"in arrays as well":                      {`.[0].x=1`, `[{"b":1,"a":2},{"d":1,"c":2}]`, `[{"b":1,"a":2,"x":1},{"d":1,"c":2}]`},
		"nothing is escaped for HTML":            {`.x=1`, `{"a":"<&>ü"}`, `{"a":"<&>ü","x":1}`},
		"integers keep all digits":               {`.x=1`, `{"a":12345678901234567890,"b":-9007199254740993}`, `{"a":12345678901234567890,"b":-9007199254740993,"x":1}`},
		"so do other numbers":                    {`.x=1`, `{"a":1.10,"b":1e400}`, `{"a":1.10,"b":1e400,"x":1}`},
		"integers are added exactly":             {`.a+=1`, `{"a":9007199254740993}`, `{"a":9007199254740994}`},
		"the value may become another":           {`.a`, `{"a":[1, 2]}`, `[1,2]`},
		"a place that becomes of another type":   {`.a={"y":1,"x":2}`, `{"a":[1]}`, `{"a":{"x":2,"y":1}}`},
		"space around a value does not matter":   {`.x=1`, " {} \n", `{"x":1}`},
		"the environment cannot be read":         {`.x=(env|length)`, `{}`, `{"x":0}`},
		"an object without keys stays an object": {`.a|=.`, `{"a":{},"b":[]}`, `{"a":{},"b":[]}`},
		"white space that is not named stays":    {`.b=3`, "{ \"a\" : [1,  2] ,\n \"b\" : 2\t}", "{ \"a\" : [1,  2] ,\n \"b\" : 3\t}"},
		"so do escapes, in keys as well":         {`.x=1`, `{"\u0061":"\/\u00e9"}`, `{"\u0061":"\/\u00e9","x":1}`},
		"in an object that changes":              {`.a.b=1`, `{"a":{"c":"\/", "b":2}}`, `{"a":{"c":"\/", "b":1}}`},
		"in one that is said anew":               {`{b:1, a}`, `{"a":[1.0, "\/"]}`, `{"a":[1.0, "\/"],"b":1}`},
		"around a key that goes":                 {`del(.a, .c)`, "{ \"a\":1, \"b\":\"\\/\",\n\"c\":1 }", "{ \"b\":\"\\/\" }"},
		"of a list of which one goes":            {`del(.[1])`, `["\/", 1,  "\/",2.0 ]`, `["\/",  "\/",2.0 ]`},
		"or to which one comes":                  {`.[:1] + [0] + .[1:]`, `["\/",  "\/"]`, `["\/",0,  "\/"]`},
		"before all others, too":                 {`[0] + .`, `[ "\/"]`, `[ 0,"\/"]`},
		"of which all go":                        {`map(empty)`, `[ 1, 2 ]`, `[ ]`},
		"keys that all go":                       {`del(.a)`, `{"a":1}`, `{}`},
		"a new key in an empty object":           {`.a=1`, `{ }`, `{"a":1 }`},
		"a number is written as it is said":      {`.a=4288625 | .b |= floor | .c=0`, `{"a":4288625.0,"b":2.0,"c":-0}`, `{"a":4288625,"b":2,"c":0}`},
		"by a condition, too":                    {`if .a then .a |= floor else . end`, `{"a":2.0}`, `{"a":2}`},
		"and by what is no update":               {`{a: (.a|floor), b}`, `{"a":2.0,"b":2.0}`, `{"a":2,"b":2.0}`},
		"text that is written loses its escapes": {`.a |= .`, `{"a":"\/\u00e9","b":"\/"}`, `{"a":"/é","b":"\/"}`},
		"a number that is written keeps digits":  {`.a |= . | .b |= .`, `{"a":1.10,"b":1e400}`, `{"a":1.10,"b":1e400}`},
		"what is in a place that is written":     {`.a |= .`, `{"a":{"b":"\/" }}`, `{"a":{"b":"\/" }}`},
		"in each of a list":                      {`.[] |= (.a |= floor)`, `[{"a":2.0,"b":2.0 },{"a":1}]`, `[{"a":2,"b":2.0 },{"a":1}]`},
		"a null is no missing key":               {`.b = .a`, `{"a":null}`, `{"a":null,"b":null}`},
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

func TestWhatAStrictReaderRefusesHindersARepairUntilItIsReplaced(t *testing.T) {
	t.Parallel()
	const half, twice, one, lost = "half of a surrogate pair", " stands twice in one object",
		", and the result depends on which of them is read", ", which would become U+FFFD"
	deep := strings.Repeat(`{"d":`, 64) + "0" + strings.Repeat("}", 64)
	for rule, test := range map[string]struct{ expr, value, want, doubt string }{
		"half of a surrogate pair elsewhere":           {`.p=1`, `{"name":"x\ud83d"}`, ``, half + ` at byte 10 (/name)`},
		"the other half, deep inside":                  {`.p=1`, `{"a":[{"b":"\ude00x"}]}`, ``, half + ` at byte 12 (/a/0/b)`},
		"the value itself":                             {`.`, `"\ud83d"`, ``, half + ` at byte 1`},
		"it is said where, in a place of any name":     {`.p=1`, `{"a/b":{"~":"\ud83d"}}`, ``, half + ` at byte 13 (/a~1b/~0)`},
		"where it stands, and not where it would":      {`del(.long)`, `{"long":"long", "name":"\ud83d"}`, ``, half + ` at byte 24 (/name)`},
		"it is replaced":                               {`.name="x"`, `{"name":"x\ud83d", "p":1.0}`, `{"name":"x", "p":1.0}`, ``},
		"it is taken out":                              {`.name |= sub("\ufffd$"; "")`, `{"name":"x\ud83d"}`, `{"name":"x"}`, ``},
		"wherever it is":                               {`walk(if type == "string" then gsub("\ufffd"; "") else . end)`, `{"a":["\ud83d", "\/"]}`, `{"a":["", "\/"]}`, ``},
		"its key goes":                                 {`del(.name)`, `{"name":"x\ud83d"}`, `{}`, ``},
		"something around it is replaced":              {`.b={}`, `{"b":{"name":"\ud83d"}}`, `{"b":{}}`, ``},
		"all is made anew":                             {`{p}`, `{"name":"\ud83d","p":1.0}`, `{"p":1.0}`, ``},
		"it is carried elsewhere":                      {`.n=.name | del(.name)`, `{"name":"x\ud83d"}`, ``, half + ` at byte 10 (/name)` + lost},
		"it is carried into a key":                     {`{(.name): 1}`, `{"name":"x\ud83d"}`, ``, half + ` at byte 10 (/name)` + lost},
		"it is written again":                          {`.name |= .`, `{"a":"\/", "name":"x\ud83d"}`, ``, half + ` at byte 20 (/name)` + lost},
		"it is changed and not taken out":              {`.name |= ascii_upcase`, `{"m":"\ud83d","name":"x\ud83d"}`, ``, half + ` at byte 23 (/name)` + lost},
		"only one of two is replaced":                  {`.a="x"`, `{"a":"\ud83d","b":"\ud83d"}`, ``, half + ` at byte 19 (/b)`},
		"a key has it":                                 {`.p=1`, `{"\ud83d":1}`, ``, half + " at byte 2 (/\ufffd)"},
		"and two become one":                           {`.p=1`, `{"\ud83d":1,"\ud83e":2}`, ``, half + " at byte 2 (/\ufffd)"},
		"a key that has it goes":                       {`del(."\ufffd")`, `{"\ud83d":1,"\ud83e":2,"a":1}`, `{"a":1}`, ``},
		"it becomes another":                           {`with_entries(.key |= sub("\ufffd"; "x"))`, `{"\ud83d":1.0}`, `{"x":1.0}`, ``},
		"two that become another":                      {`with_entries(.key |= sub("\ufffd"; "x"))`, `{"\ud83d":1,"\ud83e":2}`, ``, `a key` + twice + " at byte 12 (/\ufffd)" + one},
		"U+FFFD that was there":                        {`.p=1`, "{\"a\":\"\ufffd\\ufffd\"}", "{\"a\":\"\ufffd\\ufffd\",\"p\":1}", ``},
		"a pair is no half":                            {`.a |= .`, `{"a":"\ud83d\ude00"}`, `{"a":"😀"}`, ``},
		"a key twice elsewhere":                        {`.p=1`, `{"s":1,"s":999}`, ``, `key "s"` + twice + ` at byte 7 (/s)`},
		"a key twice below":                            {`.p=1`, `{"b":{"s":1,"s":999}}`, ``, `key "s"` + twice + ` at byte 12 (/b/s)`},
		"a key twice, of the same value":               {`.p=1`, `{"s":1,"s":1}`, ``, `key "s"` + twice + ` at byte 7 (/s)`},
		"a key in two writings":                        {`.p=1`, `{"s":1,"\u0073":999}`, ``, `key "s"` + twice + ` at byte 7 (/s)`},
		"nothing is written":                           {`.`, `{"s":1,"s":999}`, ``, `key "s"` + twice + ` at byte 7 (/s)`},
		"it is written":                                {`.b.s |= .`, `{"b":{"s":0,"s":1.0}}`, `{"b":{"s":1.0}}`, ``},
		"in any of two writings":                       {`.s |= .`, `{"s":1,"\u0073":999}`, `{"\u0073":999}`, ``},
		"by what would not work on the other":          {`.s |= tonumber`, `{"s":null,"s":"1"}`, `{"s":1}`, ``},
		"by what adds to it":                           {`.s += 1`, `{"s":1,"s":999}`, `{"s":1000}`, ``},
		"by a path":                                    {`setpath(["s"]; 5)`, `{"s":1,"s":5}`, `{"s":5}`, ``},
		"of each of an object":                         {`map_values(.)`, `{"s":1,"s":5}`, `{"s":5}`, ``},
		"in parentheses, with a function of one's own": {`def f: .; (.s |= f)`, `{"s":1,"s":5}`, `{"s":5}`, ``},
		"inside of what is written":                    {`.b |= (.s |= .)`, `{"b":{"s":1,"s":5}}`, `{"b":{"s":5}}`, ``},
		"in each of a list, wherever":                  {`.[] |= (.s |= .)`, `[{"s":1,"s":5},{"s":1,"s":5}]`, `[{"s":5},{"s":5}]`, ``},
		"after other steps":                            {`.p=1 | del(.q) | .s |= .`, `{"s":1,"s":5}`, `{"s":5,"p":1}`, ``},
		"it is replaced with what is another value":    {`{s: 5}`, `{"s":1,"s":999}`, `{"s":5}`, ``},
		"its key goes altogether":                      {`del(.s)`, `{"s":1,"s":999,"p":1.0}`, `{"p":1.0}`, ``},
		"by paths":                                     {`delpaths([["s"]])`, `{"s":1,"s":999}`, `{}`, ``},
		"what is around it is replaced":                {`.b={"s":1}`, `{"b":{"s":0,"s":1}}`, `{"b":{"s":1}}`, ``},
		"what is around it is written and carries it":  {`.b |= .`, `{"b":{"s":0,"s":1}}`, ``, `key "s"` + twice + ` at byte 12 (/b/s)`},
		"what is around it changes":                    {`.b |= with_entries(.)`, `{"b":{"s":0,"s":1}}`, ``, `key "s"` + twice + ` at byte 12 (/b/s)`},
		"it is carried elsewhere, read as one of two":  {`.n=.s | .s=1`, `{"s":0,"s":1}`, `{"s":1,"n":1}`, ``},
		"by an expression that does not write it":      {`{n: .s}`, `{"s":0,"s":1}`, ``, `a key` + twice + ` at byte 7 (/s)` + one},
		"a condition on it":                            {`{n: (if .s > 5 then 1 else 2 end)}`, `{"s":0,"s":9}`, ``, `a key` + twice + ` at byte 7 (/s)` + one},
		"that one of two fails":                        {`if .s > 5 then {} else error end`, `{"s":0,"s":9}`, ``, `a key` + twice + ` at byte 7 (/s)` + one},
		"that one fails and null is the other":         {`if .s > 5 then null else error end`, `{"s":0,"s":9}`, ``, `a key` + twice + ` at byte 7 (/s)` + one},
		"written only in a variable":                   {`(.s |= .) as $x | .p=1`, `{"s":1,"s":5}`, ``, `key "s"` + twice + ` at byte 7 (/s)`},
		"written in a list that has moved":             {`del(.[0]) | .[1].s |= . | .[0]`, `[0,{"s":1,"s":2},{"s":3,"s":4}]`, ``, `a key` + twice + ` at byte 10 (/1/s)` + one},
		"keys that depend on it":                       {`if .s > 5 then {n: 1} else {} end`, `{"s":0,"s":9}`, ``, `a key` + twice + ` at byte 7 (/s)` + one},
		"or that do without it":                        {`if .s > 5 then {} else {n: 1} end`, `{"s":0,"s":9}`, ``, `a key` + twice + ` at byte 7 (/s)` + one},
		"inside of where something else has moved to":  {`.t=.a | .a=.b | .b=.t | .a |= (.s |= .)`, `{"a":{"s":1,"s":2},"b":{"s":3,"s":4},"t":0}`, ``, `a key` + twice + ` at byte 12 (/a/s)` + one},
		"a list that depends on it":                    {`.l += [.s|select(. > 5)] | {l}`, `{"l":[1],"s":0,"s":9}`, ``, `a key` + twice + ` at byte 15 (/s)` + one},
		"written where something else has moved to":    {`.t=.a | .a=.b | .b=.t | .a.s |= .`, `{"a":{"s":1,"s":2},"b":{"s":3,"s":4},"t":0}`, ``, `a key` + twice + ` at byte 12 (/a/s)` + one},
		"in a list that was turned round":              {`reverse | .[0].s |= .`, `[{"s":1,"s":2},{"s":3,"s":4}]`, ``, `a key` + twice + ` at byte 8 (/0/s)` + one},
		"in a list of which one has gone":              {`del(.[0])`, `[1,{"s":1,"s":2}]`, ``, `key "s"` + twice + ` at byte 10 (/1/s)`},
		"not by a function of one's own of that name":  {`def del(f): .; del(.a)`, `{"a":1,"a":2}`, ``, `key "a"` + twice + ` at byte 7 (/a)`},
		"nesting that is too deep":                     {`.`, `[` + deep + `]`, ``, `nested more than 64 levels deep at byte 316 (/0` + strings.Repeat("/d", 63) + `)`},
		"and that is replaced":                         {`.[0]={}`, `[` + deep + `]`, `[{}]`, ``},
		"an exponent beyond all reason":                {`.p=1`, `{"n":1e9999}`, ``, `an exponent beyond 1024 at byte 5 (/n)`},
	} {
		r, err := CompileRepair(test.expr)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Apply(t.Context(), []byte(test.value))
		if test.doubt == "" {
			if err != nil || string(got) != test.want {
				t.Errorf("%s: %s makes of %s\n     %s, error %v\nwant %s", rule, test.expr, test.value, got, err, test.want)
			}
			continue
		}
		if doubt := new(DoubtError); !errors.As(err, &doubt) || err.Error() != test.doubt+": repair that first" {
			t.Errorf("%s: %s makes of %s\n     %s, error %v\nwant %s", rule, test.expr, test.value, got, err, test.doubt)
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
		"not JSON":              {`.`, `{`, ErrNotJSON, `the value is not JSON: the JSON text is cut off, at byte 1`},
		"more than JSON":        {`.`, `{} {}`, ErrNotJSON, `the value is not JSON: more follows the JSON value, at byte 3`},
		"not UTF-8":             {`.`, "\"\xff\"", ErrNotJSON, `the value is not JSON: invalid UTF-8, at byte 1`},
		"no value":              {`.`, ``, ErrNotJSON, `the value is not JSON: nothing but white space, or nothing at all, at byte 0`},
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

func rawRepair(t *testing.T, expr string) *Repair {
	t.Helper()
	r, err := CompileRawRepair(expr)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestARawRepairIsOfTheText(t *testing.T) {
	t.Parallel()
	const header = "\x00\x00\x00\x00\x01"
	for rule, test := range map[string]struct{ expr, value, want string }{
		"JSON, too":                          {`sub("1"; "2")`, `{"a": 1}`, `{"a": 2}`},
		"that stays as it is":                {`.`, "\xff {\x00", "\xff {\x00"},
		"a Schema Registry header goes":      {`ltrimstr("\u0000\u0000\u0000\u0000\u0001")`, header + `{}`, `{}`},
		"by its size":                        {`.[5:]`, header + `{"a":"é"}`, `{"a":"é"}`},
		"with an id that is no UTF-8":        {`.[5:]`, "\x00\x00\x01\x86\xa0{\"a\":\"é\"}", `{"a":"é"}`},
		"or is it by chance":                 {`.[5:]`, "\x00\x00\x00é{}", `{}`},
		"a byte order mark goes":             {`ltrimstr("\ufeff")`, "\ufeff{}", `{}`},
		"a comma too many goes":              {`gsub(",\\s*(?<end>[\\]}])"; .end)`, `{"a":[1, ],}`, `{"a":[1]}`},
		"a key that stands twice goes":       {`sub("\"a\":1,"; "")`, `{"a":1,"a":2}`, `{"a":2}`},
		"half of a surrogate pair goes":      {`gsub("\\\\ud83d"; "")`, `{"a":"x\ud83d"}`, `{"a":"x"}`},
		"what is no UTF-8 goes":              {`gsub("\u00ff"; "")`, "\"é\xff\"", `"é"`},
		"or becomes it, byte by byte":        {`gsub("\u00e9"; "\u00c3\u00a9")`, "\"\xe9\"", `"é"`},
		"of no value the text is empty":      {`. + "{}"`, ``, `{}`},
		"what it makes may still be no JSON": {`. + "{"`, `{`, `{{`},
	} {
		if got, err := rawRepair(t, test.expr).Apply(t.Context(), []byte(test.value)); err != nil || string(got) != test.want {
			t.Errorf("%s: got %q, error %v, want %q", rule, got, err, test.want)
		}
	}
	for rule, test := range map[string]struct {
		expr, value string
		want        error
		text        string
	}{
		"no text":             {`fromjson`, `{}`, ErrNotText, `jq expression "fromjson": the result is no text: it is of the type object`},
		"null":                {`null`, `{}`, ErrNotText, `jq expression "null": the result is no text: it is of the type null`},
		"no byte":             {`. + "你"`, "\xff", ErrNotText, `jq expression ". + \"你\"": the result is no text: it has '你', and of a value that is not UTF-8 each character is to be a byte, up to U+00FF`},
		"no result":           {`empty`, `{}`, ErrNoResult, `jq expression "empty": the expression has no result`},
		"several results":     {`., .`, `{}`, ErrSeveralResults, `jq expression "., .": the expression has more than one result`},
		"a text is no object": {`.a`, `{}`, nil, `jq expression ".a": expected an object but got: string ("{}")`},
	} {
		got, err := rawRepair(t, test.expr).Apply(t.Context(), []byte(test.value))
		if got != nil || err == nil || err.Error() != test.text || test.want != nil && !errors.Is(err, test.want) {
			t.Errorf("%s: got %q, error %v, want %s", rule, got, err, test.text)
		}
	}
}

// Whatever the bytes, a raw repair that does nothing does nothing, and takes off a header of any id.
func TestARawRepairLosesNoByte(t *testing.T) {
	t.Parallel()
	same, behind := rawRepair(t, `.`), rawRepair(t, `.[5:]`)
	rapid.Check(t, func(t *rapid.T) {
		id, value := rapid.SliceOfN(rapid.Byte(), 4, 4).Draw(t, "id"), rapid.SliceOf(rapid.Byte()).Draw(t, "value")
		if got, err := same.Apply(t.Context(), value); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%q, error %v", got, err)
		}
		if got, err := behind.Apply(t.Context(), slices.Concat([]byte{0}, id, value)); err != nil || !bytes.Equal(got, value) {
			t.Fatalf("%q, error %v", got, err)
		}
	})
}

// What a strict reader takes is left as it is by an expression that does nothing, and nothing else is; one that moves a
// value leaves what it means.
func FuzzRepair(f *testing.F) {
	f.Add([]byte(`{"z":[1.10,{"b":null,"a":"<\u00e9>"}],"a":12345678901234567890}`))
	f.Add([]byte(`{"a":1,"a":2}`))
	f.Add([]byte(`{"a":"\ud83d", "b" : [ ] , "\u0061":[{"c":-0}]}`))
	var repairs [3]*Repair
	for i, expr := range []string{`.`, `[.]`, `(.. | scalars) |= .`} {
		var err error
		if repairs[i], err = CompileRepair(expr); err != nil {
			f.Fatal(err)
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		strict := schema.Strict(value, maxDepth) == nil
		left, err := repairs[0].Apply(t.Context(), value)
		if strict != (err == nil) || err == nil && !bytes.Equal(left, value) {
			t.Fatalf("%s becomes %s, error %v", value, left, err)
		}
		before, err := decode(value)
		if err != nil {
			return
		}
		for i, want := range map[int]any{1: []any{before}, 2: before} {
			got, err := repairs[i].Apply(t.Context(), value)
			if err != nil {
				if strict && schema.Strict(value, maxDepth-1) == nil {
					t.Fatalf("%s of %s: %v", repairs[i], value, err)
				}
				continue
			}
			after, err := decode(got)
			if err != nil || gojq.Compare(after, want) != 0 || schema.Strict(got, maxDepth) != nil {
				t.Errorf("%s makes of %s %s", repairs[i], value, got)
			}
		}
	})
}
