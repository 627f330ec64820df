// Package openapi describes the twelve calls of MSDK in the form of OpenAPI 3.1, from which a client can be generated in
// any language.
//
// The description is made of the types that [msdkclient] itself sends and reads: the fields, their types and their limits are
// those of [msdkclient.Field], the words are the comments of the Go source, and the examples are the interface document's. It
// says of requests what the client checks before it sends, and of answers what it can rely on; the client itself reads much
// that is not as described here, since real answers are written by many hands.
//
// OpenAPI cannot say how a signature is made, nor that the document labels JSON as a form: that is said in words.
package openapi

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// document is the whole, in the order in which it is written.
type document struct {
	OpenAPI    string            `json:"openapi"`
	Info       info              `json:"info"`
	Servers    []server          `json:"servers"`
	Tags       []tag             `json:"tags"`
	Paths      entries[pathItem] `json:"paths"`
	Components components        `json:"components"`
	Codes      []code            `json:"x-msdk-codes"`
}

type info struct {
	Title       string `json:"title"`
	Summary     string `json:"summary"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type server struct {
	URL         string `json:"url"`
	Description string `json:"description"`
}

type tag struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type components struct {
	Schemas    entries[*schema]    `json:"schemas"`
	Parameters entries[*parameter] `json:"parameters"`
}

// The hosts of chapter 1 of the interface document. Before them stands what a generated client may call by default.
var servers = []server{
	{"http://127.0.0.1:9700", "the stand-in: battlereport msdk serve"},
	{"https://msdk.tencent-cloud.net", "production, for game servers"},
	{"https://msdk.qq.com", "production, for clients"},
	{"http://msdktest.qq.com", "the platform's test environment"},
	{"http://msdktest.tencent-cloud.net", "the platform's test environment, from inside"},
}

var tags = []tag{
	{"auth", "a user's access token"},
	{"share", "messages to friends"},
	{"relation", "users and their friends"},
	{"profile", "scores, battle reports and VIP levels"},
}

//go:embed description.md
var description string

// JSON returns the description as indented JSON that ends in a newline. It is the same each time.
func JSON() []byte {
	words := readWords()
	s := &schemas{words: words}
	d := document{
		OpenAPI: "3.1.0",
		Info: info{
			Title:       "MSDK",
			Summary:     "The twelve calls by which a game's server talks to the WeChat side of MSDK.",
			Version:     "1.0.0",
			Description: description,
		},
		Servers: servers,
		Tags:    tags,
		Codes:   codes(),
	}
	for _, c := range msdkclient.Calls() {
		d.Paths.add(c.URLPath(), pathItem{describeCall(c, words, s)})
	}
	d.Components = components{s.made, parameters}
	return mustMarshal(d)
}

func mustMarshal(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		panic(err) // all of it is ours
	}
	return b.Bytes()
}

// tagOf is the first part of a call's path, by which the document sorts the calls.
func tagOf(c *msdkclient.Call) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(c.Path, "/"), "/")
	return first
}
