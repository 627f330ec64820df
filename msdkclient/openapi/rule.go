package openapi

// What no Field tells of: what is needed beside something else, and what the client sees to by itself. A test holds each rule
// against the client.

// addRules adds those about the fields of a struct.
func (s *schema) addRules(goType string) {
	switch goType {
	case "ShareMessageRequest":
		appid, _ := s.Properties.find("appid") // the client leaves an empty one out
		appid.MinLength = 1
	case "ShareGameMessageRequest":
		picture := []string{"picurl", "width", "height"}
		s.depend("msgtype",
			entry[*schema]{"image", holding("type_info", picture...)},
			entry[*schema]{"video", holding("type_info", append(picture, "mediaurl")...)},
			entry[*schema]{"link", holding("type_info", "url", "iconurl")},
		)
	case "Button":
		s.depend("type",
			entry[*schema]{"rank", &schema{Required: []string{"rankview"}}},
			entry[*schema]{"web", &schema{Required: []string{"webview"}}},
			entry[*schema]{"app", &schema{Required: []string{"app"}}},
		)
	}
}

// depend has what else must hold depend on the value of a field.
func (s *schema) depend(field string, cases ...entry[*schema]) {
	for i, c := range cases {
		if i > 0 {
			s.Else = &schema{}
			s = s.Else
		}
		s.If = &schema{Required: []string{field}, Properties: entries[*schema]{{field, &schema{Const: c.name}}}}
		s.Then = c.value
	}
}

// holding is an object with another in it that has these fields, filled.
func holding(object string, fields ...string) *schema {
	inner := &schema{Required: fields}
	for _, name := range fields {
		filled := &schema{MinLength: 1}
		if name == "width" || name == "height" {
			filled = &schema{Minimum: new(int64(1))}
		}
		inner.Properties.add(name, filled)
	}
	return &schema{Required: []string{object}, Properties: entries[*schema]{{object, inner}}}
}

// oneOfMany is a report that stands in an array, where each names its user.
func oneOfMany(report *schema) *schema {
	named := holding("baseinfo", "openid")
	named.Ref = report.Ref
	return named
}
