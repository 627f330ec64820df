package openapi

import (
	"encoding/json"
	"reflect"

	"github.com/battlereport/battlereport/msdkclient"
)

type pathItem struct {
	Post operation `json:"post"`
}

type operation struct {
	OperationID string             `json:"operationId"`
	Tags        []string           `json:"tags"`
	Summary     string             `json:"summary"`
	Description string             `json:"description"`
	Parameters  []*parameter       `json:"parameters"`
	RequestBody requestBody        `json:"requestBody"`
	Responses   entries[*response] `json:"responses"`
}

type requestBody struct {
	Required bool               `json:"required"`
	Content  entries[mediaType] `json:"content"`
}

type mediaType struct {
	Schema   *schema          `json:"schema"`
	Examples entries[example] `json:"examples,omitempty"`
}

type example struct {
	Summary string          `json:"summary"`
	Value   json.RawMessage `json:"value"`
}

type response struct {
	Description string             `json:"description"`
	Content     entries[mediaType] `json:"content,omitempty"`
}

const jsonType = "application/json"

func describeCall(c *msdkclient.Call, w *words, s *schemas) operation {
	request := mediaType{Schema: s.request(structName(c.NewRequest()), c.RequestFields())}
	answer := mediaType{Schema: s.answer(structName(c.NewResponse()), c.ResponseFields())}
	for _, e := range c.Examples() {
		name, summary := e.Edition, editions[e.Edition]
		if e.Name != "" {
			name, summary = e.Edition+"-"+e.Name, summary+": "+e.Name
		}
		request.Examples.add(name, example{summary, e.Request})
		if json.Valid(e.Response) { // that of /share/upload_wx is not
			answer.Examples.add(name, example{summary, e.Response})
		}
	}
	return operation{
		OperationID: c.Method,
		Tags:        []string{tagOf(c)},
		Summary:     c.Summary,
		Description: w.ofCall(c),
		Parameters:  parametersOf(c),
		RequestBody: requestBody{true, entries[mediaType]{{jsonType, request}}},
		Responses: entries[*response]{
			{"200", &response{"The answer. ret tells success from failure.", entries[mediaType]{{jsonType, answer}}}},
			{"405", &response{Description: "The method is not POST."}},
			{"413", &response{Description: "The body is longer than the server takes."}},
			{"default", &response{Description: "A failure, whatever comes with it, often of something between caller and platform."}},
		},
	}
}

var editions = map[string]string{
	"en": "the interface document, English edition",
	"ja": "the interface document, Japanese edition",
}

func structName(pointer any) string { return reflect.TypeOf(pointer).Elem().Name() }
