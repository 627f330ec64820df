package schema

import "github.com/santhosh-tekuri/jsonschema/v5"

// A draft is a version of JSON Schema. Later ones are greater.
type draft int

const (
	draft4 draft = iota
	draft6
	draft7
	draft2019
	draft2020
)

func (d draft) String() string {
	return [...]string{"draft 4", "draft 6", "draft 7", "draft 2019-09", "draft 2020-12"}[d]
}

// of returns what the validator calls d.
func (d draft) of() *jsonschema.Draft {
	return [...]*jsonschema.Draft{
		jsonschema.Draft4, jsonschema.Draft6, jsonschema.Draft7, jsonschema.Draft2019, jsonschema.Draft2020,
	}[d]
}

// draftOf returns the draft of a schema document that is in one of drafts, and whether it names it.
func draftOf(document any) (d draft, named bool) {
	members, _ := document.(map[string]any)
	id, named := members["$schema"].(string)
	for d = draft4; named && d < draft2020; d++ {
		if sameDraft(id, d.of().URL()) {
			return d, true
		}
	}
	return draft2020, named
}

// idKeyword is the keyword by which a schema says what its address is.
func (d draft) idKeyword() string {
	if d == draft4 {
		return "id"
	}
	return "$id"
}

// inside says what stands behind a keyword.
type inside int

const (
	noSchema     inside = iota
	aSchema             // or a boolean, or what the draft allows besides
	schemas             // an array of them
	oneOrSchemas        // one or an array
	named               // an object of them
	data                // values that are no schemas, whatever they look like
)

// A keyword is what there is to know about one.
type keyword struct {
	inside  inside
	since   draft  // the first draft that knows it
	until   draft  // the first that no longer does, if any
	about   kind   // it speaks of values of these kinds alone; 0: of all
	needs   string // it says nothing without this keyword beside it
	instead string // what to write in drafts that do not know it
	silent  bool   // nobody takes it for a check: drafts that do not know it may have it all the same
	unread  bool   // what it says is not checked, in any draft
}

// knownIn reports whether d knows the keyword.
func (k keyword) knownIn(d draft) bool { return k.since <= d && (k.until == draft4 || d < k.until) }

// vocabulary is the keywords of all drafts, in the drafts in which the validator knows them. Sources are the meta-schemas of the
// drafts, to which a test compares them.
var vocabulary = map[string]keyword{
	"$schema":          {},
	"id":               {until: draft6, instead: "$id"},
	"$id":              {since: draft6, instead: "id"},
	"$anchor":          {since: draft2019, instead: "$id"},
	"$ref":             {},
	"$recursiveRef":    {since: draft2019, instead: "$ref"},
	"$recursiveAnchor": {since: draft2019, silent: true},
	"$dynamicRef":      {since: draft2020, instead: "$ref"},
	"$dynamicAnchor":   {since: draft2020, silent: true},
	"$vocabulary":      {since: draft2019, inside: data},
	"$comment":         {since: draft7, inside: data, silent: true},
	"$defs":            {since: draft2019, inside: named, silent: true},
	"definitions":      {inside: named, silent: true},

	"allOf": {inside: schemas},
	"anyOf": {inside: schemas},
	"oneOf": {inside: schemas},
	"not":   {inside: aSchema},
	"if":    {since: draft7, inside: aSchema, instead: "anyOf"},
	"then":  {since: draft7, inside: aSchema, needs: "if", instead: "anyOf"},
	"else":  {since: draft7, inside: aSchema, needs: "if", instead: "anyOf"},

	"properties":            {about: kindObject, inside: named},
	"patternProperties":     {about: kindObject, inside: named},
	"additionalProperties":  {about: kindObject, inside: aSchema},
	"unevaluatedProperties": {about: kindObject, inside: aSchema, since: draft2019, instead: "additionalProperties"},
	"propertyNames":         {about: kindObject, inside: aSchema, since: draft6, instead: "patternProperties"},
	"minProperties":         {about: kindObject},
	"maxProperties":         {about: kindObject},
	"required":              {about: kindObject, inside: data},
	"dependencies":          {about: kindObject, inside: named}, // an array for a schema is no matter; checked in all drafts
	"dependentRequired":     {about: kindObject, inside: data, since: draft2019, instead: "dependencies"},
	"dependentSchemas":      {about: kindObject, inside: named, since: draft2019, instead: "dependencies"},
	"regexProperties":       {about: kindObject}, // of no standard; the validator checks it in all drafts

	"prefixItems":      {about: kindArray, inside: schemas, since: draft2020, instead: "items"},
	"items":            {about: kindArray, inside: oneOrSchemas},
	"additionalItems":  {about: kindArray, inside: aSchema, until: draft2020, needs: "items", instead: "items"},
	"unevaluatedItems": {about: kindArray, inside: aSchema, since: draft2019, instead: "additionalItems"},
	"contains":         {about: kindArray, inside: aSchema, since: draft6},
	"minContains":      {about: kindArray, since: draft2019, needs: "contains"},
	"maxContains":      {about: kindArray, since: draft2019, needs: "contains"},
	"minItems":         {about: kindArray},
	"maxItems":         {about: kindArray},
	"uniqueItems":      {about: kindArray},

	"minLength":        {about: kindString},
	"maxLength":        {about: kindString},
	"pattern":          {about: kindString},
	"format":           {},
	"contentEncoding":  {since: draft7, unread: true},
	"contentMediaType": {since: draft7, unread: true},
	"contentSchema":    {since: draft2019, inside: aSchema, unread: true},

	"minimum":          {about: kindNumber},
	"maximum":          {about: kindNumber},
	"exclusiveMinimum": {about: kindNumber},
	"exclusiveMaximum": {about: kindNumber},
	"multipleOf":       {about: kindNumber},

	"type":  {},
	"enum":  {inside: data},
	"const": {inside: data, since: draft6, instead: "enum"},

	"title":       {silent: true},
	"description": {silent: true},
	"default":     {inside: data, silent: true},
	"examples":    {inside: data, silent: true, since: draft6},
	"readOnly":    {silent: true, since: draft7},
	"writeOnly":   {silent: true, since: draft7},
	"deprecated":  {silent: true, since: draft2019},
}

// foreign are words that people bring along from elsewhere, and what to write instead, if there is anything.
var foreign = map[string]struct{ from, instead string }{
	"nullable":      {"OpenAPI", `"null" among the types`},
	"example":       {"OpenAPI", `"examples"`},
	"discriminator": {"OpenAPI", `"oneOf" with "const"`},
	"xml":           {"OpenAPI", ""},
	"externalDocs":  {"OpenAPI", ""},
	"divisibleBy":   {"draft 3", `"multipleOf"`},
	"disallow":      {"draft 3", `"not"`},
	"extends":       {"draft 3", `"allOf"`},
	"optional":      {"draft 2", `"required" in the object around`},
}
