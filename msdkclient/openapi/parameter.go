package openapi

import "github.com/battlereport/battlereport/msdkclient"

// parameter is one of the URL's, or refers to one.
type parameter struct {
	Ref         string  `json:"$ref,omitempty"`
	Name        string  `json:"name,omitempty"`
	In          string  `json:"in,omitempty"`
	Required    bool    `json:"required,omitempty"`
	Description string  `json:"description,omitempty"`
	Schema      *schema `json:"schema,omitempty"`
}

func query(name string, required bool, words string, s schema) entry[*parameter] {
	return entry[*parameter]{name, &parameter{Name: name, In: "query", Required: required, Description: words, Schema: &s}}
}

// parameters are those of the URL (interface document, chapter 1), in the order of the document's examples.
var parameters = entries[*parameter]{
	query("timestamp", true, "The time of this attempt: Unix time in seconds, at most ten minutes off.",
		schema{Type: "integer", Format: "int64", Minimum: new(int64(1e9)), Maximum: new(int64(1e10 - 1))}),
	query("appid", true, "The app's. It is that of the body too, where the body has one.",
		schema{Type: "string", MinLength: 1}),
	query("sig", true, "md5(key + timestamp) as lower-case hexadecimal digits, + putting one behind the other; key is the appkey with encode 1, the msdkkey with encode 2.",
		schema{Type: "string", Pattern: "^[0-9a-f]{32}$"}),
	query("openid", true, "The user that the call is for; of many users, one.",
		schema{Type: "string", MinLength: 1}),
	query("encode", true, "Which key signs: 1 the appkey, 2 the msdkkey (newer servers).",
		schema{Type: "integer", Minimum: new(int64(1)), Maximum: new(int64(2))}),
	query("conn", false, "Asks to keep the connection alive; for game servers, not for clients.",
		schema{Type: "integer", Const: 1}),
	query("msdkExtInfo", false, "A serial of the request, which the answer gives back unchanged: letters, digits and underscores.",
		schema{Type: "string", Pattern: "^[A-Za-z0-9_]+$"}),
}

// parametersOf refers to the parameters of a call. The upload of a picture may name no user.
func parametersOf(c *msdkclient.Call) (all []*parameter) {
	for _, p := range parameters {
		if p.name == "openid" && c.Path == msdkclient.PathUploadPicture {
			optional := *p.value
			optional.Required = false
			all = append(all, &optional)
			continue
		}
		all = append(all, &parameter{Ref: "#/components/parameters/" + p.name})
	}
	return all
}
