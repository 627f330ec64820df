package msdkclient

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func equalAsJSON(t *testing.T, got, want []byte) bool {
	t.Helper()
	return reflect.DeepEqual(tree(t, got), tree(t, want))
}

// tree is what a text of JSON says, with all digits of its numbers.
func tree(t *testing.T, text []byte) (v any) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return v
}

func forEachExample(t *testing.T, test func(t *testing.T, c *Call, e Example)) {
	t.Helper()
	for _, c := range Calls() {
		editions := map[string]bool{}
		for _, e := range c.Examples() {
			editions[e.Edition] = true
			t.Run(e.Edition+c.Path+"."+e.Name, func(t *testing.T) {
				t.Parallel()
				test(t, c, e)
			})
		}
		if len(editions) != 2 {
			t.Errorf("%s: examples of %v, want both editions'", c.Path, editions)
		}
	}
}

func TestADocumentedRequestReadAndWrittenIsTheSame(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, c *Call, e Example) {
		request := c.NewRequest()
		d := json.NewDecoder(bytes.NewReader(e.Request))
		d.DisallowUnknownFields()
		if err := d.Decode(request); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		if !equalAsJSON(t, got, e.Request) {
			t.Errorf("%s\nwant\n%s", got, e.Request)
		}
	})
}

func TestADocumentedAnswerReadAndWrittenIsTheSame(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, c *Call, e Example) {
		response := c.NewResponse()
		answer := parseAnswer(e.Response)
		if err := (reply{text: e.Response, answer: answer}).decode(reflect.ValueOf(response).Elem()); err != nil {
			t.Fatal(err)
		}
		got, err := json.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		want := e.Response
		if c == callUploadPicture { // all but the last field, which is not JSON, and to be ignored
			want = []byte(strings.Replace(string(want), ",\n    \"expire\": ’’", "", 1))
		}
		if !equalAsJSON(t, got, want) {
			t.Errorf("%s\nwant\n%s", got, want)
		}
	})
}

// The numbers and strings of an answer are read by encoding/json as well, where it can.
func TestADocumentedAnswerIsReadAsEncodingJSONReadsIt(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, c *Call, e Example) {
		if !json.Valid(e.Response) || c == callUserInfo { // where the sex is a string
			t.Skip("encoding/json cannot read it")
		}
		want, got := c.NewResponse(), c.NewResponse()
		if err := json.Unmarshal(e.Response, want); err != nil {
			t.Fatal(err)
		}
		if err := (reply{text: e.Response, answer: parseAnswer(e.Response)}).decode(reflect.ValueOf(got).Elem()); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%+v\nwant\n%+v", got, want)
		}
	})
}

// What the document has is what may be sent, but for the picture, which the document cuts.
func TestADocumentedRequestPassesTheChecks(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, c *Call, e Example) {
		request := c.NewRequest()
		if err := json.Unmarshal(e.Request, request); err != nil {
			t.Fatal(err)
		}
		if upload, ok := request.(*UploadPictureRequest); ok {
			upload.Binary = Percent(strings.TrimSuffix(string(upload.Binary), "%...."))
			picture, err := upload.Binary.Decode()
			if err != nil {
				t.Fatal(err)
			}
			upload.FileLength = int64(len(picture))
		}
		if err := check(reflect.ValueOf(request).Elem().Interface()); err != nil {
			t.Error(err)
		}
	})
}

func TestACallIsFoundByEachOfItsPaths(t *testing.T) {
	t.Parallel()
	for _, c := range Calls() {
		for _, path := range []string{c.Path, c.Path + "/", c.URLPath()} {
			if got, ok := LookupCall(path); !ok || got != c {
				t.Errorf("%s: %+v", path, got)
			}
		}
	}
	for path, want := range map[string]*Call{"/wxoauth/check_token/": callCheckToken, "/wxoauth/check_token": callCheckToken, "": nil, "/": nil, "/profile": nil, "/profile/wxscore//": nil} {
		if got, ok := LookupCall(path); got != want || ok != (want != nil) {
			t.Errorf("%q: %+v", path, got)
		}
	}
}
