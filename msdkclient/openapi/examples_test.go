package openapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/msdkclient"
)

func TestTheDocumentsExamplesAreAsDescribed(t *testing.T) {
	t.Parallel()
	for _, c := range msdkclient.Calls() {
		request, answer := requestOf(t, c), answerTo(t, c)
		for _, e := range c.Examples() {
			if err := request.Validate(tree(t, e.Request)); err != nil {
				t.Errorf("%s %s %s: request: %#v", c.Path, e.Edition, e.Name, err)
			}
			// The last field of a picture's answer is not JSON, and to be ignored.
			if err := answer.Validate(tree(t, []byte(strings.Replace(string(e.Response), ",\n    \"expire\": ’’", "", 1)))); err != nil {
				t.Errorf("%s %s %s: answer: %#v", c.Path, e.Edition, e.Name, err)
			}
		}
	}
}

func TestTheDescriptionShowsTheDocumentsExamplesOfBothEditions(t *testing.T) {
	t.Parallel()
	all := tree(t, described())
	for _, c := range msdkclient.Calls() {
		post := at(t, all, "paths", c.URLPath(), "post")
		for _, e := range c.Examples() {
			name := strings.TrimSuffix(e.Edition+"-"+e.Name, "-")
			got := at(t, post, "requestBody", "content", "application/json", "examples", name, "value")
			if !reflect.DeepEqual(got, tree(t, e.Request)) {
				t.Errorf("%s: request %s: %v, want %s", c.Path, name, got, e.Request)
			}
			if !json.Valid(e.Response) {
				continue
			}
			got = at(t, post, "responses", "200", "content", "application/json", "examples", name, "value")
			if !reflect.DeepEqual(got, tree(t, e.Response)) {
				t.Errorf("%s: answer %s: %v, want %s", c.Path, name, got, e.Response)
			}
		}
	}
}
