package openapi

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/battlereport/battlereport/msdkclient"
)

// described is what is tried.
var described = sync.OnceValue(JSON)

// tree is what a text of JSON says, as encoding/json reads it, but for numbers, which keep their digits.
func tree(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

// at follows the names, each in the object before it.
func at(t *testing.T, v any, names ...string) any {
	t.Helper()
	for _, name := range names {
		object, ok := v.(map[string]any)
		if !ok || object[name] == nil {
			t.Fatalf("there is no %q on the way %q", name, names)
		}
		v = object[name]
	}
	return v
}

// The compiler reads the description once; it may be used by one test at a time.
var (
	compiling sync.Mutex
	compiler  = sync.OnceValue(func() *jsonschema.Compiler {
		c := jsonschema.NewCompiler()
		c.Draft = jsonschema.Draft2020
		if err := c.AddResource("mem:openapi.json", bytes.NewReader(described())); err != nil {
			panic(err)
		}
		return c
	})
)

// validator is the schema at a place in the description.
func validator(t *testing.T, names ...string) *jsonschema.Schema {
	t.Helper()
	pointer := ""
	for _, name := range names {
		pointer += "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
	}
	compiling.Lock()
	defer compiling.Unlock()
	s, err := compiler().Compile("mem:openapi.json#" + pointer)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func requestOf(t *testing.T, c *msdkclient.Call) *jsonschema.Schema {
	t.Helper()
	return validator(t, "paths", c.URLPath(), "post", "requestBody", "content", "application/json", "schema")
}

func answerTo(t *testing.T, c *msdkclient.Call) *jsonschema.Schema {
	t.Helper()
	return validator(t, "paths", c.URLPath(), "post", "responses", "200", "content", "application/json", "schema")
}

func TestEveryReferenceLeadsSomewhere(t *testing.T) {
	t.Parallel()
	all := tree(t, described())
	found := 0
	walk(all, func(_ string, v any) {
		if object, ok := v.(map[string]any); ok && object["$ref"] != nil {
			found++
			at(t, all, strings.Split(strings.TrimPrefix(object["$ref"].(string), "#/"), "/")...)
		}
	})
	if found == 0 {
		t.Error("there is no reference: the rule was not tried")
	}
}

// walk calls f for each value with the name it has in an object.
func walk(v any, f func(name string, v any)) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			f(name, inner)
			walk(inner, f)
		}
	case []any:
		for _, inner := range v {
			f("", inner)
			walk(inner, f)
		}
	}
}

func TestAStructIsDescribedOnce(t *testing.T) {
	t.Parallel()
	for name := range at(t, tree(t, described()), "components", "schemas").(map[string]any) {
		if n := strings.Count(string(described()), "\n      \""+name+"\": {"); n != 1 {
			t.Errorf("%s is described %d times", name, n)
		}
	}
}

func TestTheDescriptionIsTheSameEachTime(t *testing.T) {
	t.Parallel()
	first := JSON()
	for range 3 {
		if !bytes.Equal(JSON(), first) {
			t.Fatal("it differs")
		}
	}
}

func TestEachCallIsAnOperationNamedAsTheClientsMethod(t *testing.T) {
	t.Parallel()
	paths := at(t, tree(t, described()), "paths").(map[string]any)
	if len(paths) != len(msdkclient.Calls()) {
		t.Errorf("%d paths, want those of %d calls", len(paths), len(msdkclient.Calls()))
	}
	for _, c := range msdkclient.Calls() {
		post := at(t, paths, c.URLPath(), "post")
		id := at(t, post, "operationId").(string)
		if _, ok := reflect.TypeFor[*msdkclient.Client]().MethodByName(id); id != c.Method || !ok {
			t.Errorf("%s: operationId %q, want %q", c.Path, id, c.Method)
		}
		for _, status := range []string{"200", "405", "413", "default"} {
			at(t, post, "responses", status)
		}
	}
}

func TestOnlyTheUploadOfAPictureMayNameNoUser(t *testing.T) {
	t.Parallel()
	all := tree(t, described())
	for _, c := range msdkclient.Calls() {
		var required []string
		for _, p := range at(t, all, "paths", c.URLPath(), "post", "parameters").([]any) {
			if ref, ok := p.(map[string]any)["$ref"].(string); ok {
				p = at(t, all, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			if p.(map[string]any)["required"] == true {
				required = append(required, at(t, p, "name").(string))
			}
		}
		want := []string{"timestamp", "appid", "sig", "openid", "encode"}
		if c.Path == msdkclient.PathUploadPicture {
			want = []string{"timestamp", "appid", "sig", "encode"}
		}
		if !slices.Equal(required, want) {
			t.Errorf("%s: %q are required, want %q", c.Path, required, want)
		}
	}
}

func TestAParameterOfTheURLIsAsChapterOneHasIt(t *testing.T) {
	t.Parallel()
	for name, values := range map[string]struct{ good, bad []any }{
		"timestamp":   {[]any{1380018062}, []any{1380018062000, 20240924131045, 0}},
		"sig":         {[]any{"96e79218965eb72c92a549dd5a330112"}, []any{"96E79218965EB72C92A549DD5A330112", "96e79218", ""}},
		"openid":      {[]any{"A3284A812E CA15269F85AE1C2D94EB37"}, []any{""}},
		"appid":       {[]any{"wxcde873f99466f74a"}, []any{""}},
		"encode":      {[]any{1, 2}, []any{0, 3}},
		"conn":        {[]any{1}, []any{0, 2}},
		"msdkExtInfo": {[]any{"abc_123"}, []any{"a-b", "a b", ""}},
	} {
		s := validator(t, "components", "parameters", name, "schema")
		for _, v := range values.good {
			if err := s.Validate(v); err != nil {
				t.Errorf("%s %v: %v", name, v, err)
			}
		}
		for _, v := range values.bad {
			if s.Validate(v) == nil {
				t.Errorf("%s %v is allowed", name, v)
			}
		}
	}
}

func TestEveryCodeIsListedWithWhatItMeans(t *testing.T) {
	t.Parallel()
	listed := at(t, tree(t, described()), "x-msdk-codes").([]any)
	if len(listed) != len(msdkclient.Codes()) {
		t.Fatalf("%d codes, want %d", len(listed), len(msdkclient.Codes()))
	}
	for i, m := range msdkclient.Codes() {
		want := map[string]any{
			"layer": m.Layer, "code": json.Number(strconv.Itoa(m.Code)), "meaning": m.Text,
			"class": m.Class.String(), "userClass": m.UserClass.String(), "handling": string(m.Handling),
		}
		if !reflect.DeepEqual(listed[i], any(want)) {
			t.Errorf("%v, want %v", listed[i], want)
		}
	}
}
