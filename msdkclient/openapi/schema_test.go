package openapi

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"

	"github.com/battlereport/battlereport/msdkclient"
)

// ofEachType is a value of each type of JSON.
var ofEachType = map[string]any{
	"string": "wx", "integer": json.Number("7"), "boolean": true, "object": map[string]any{}, "array": []any{}, "null": nil,
	"number": json.Number("1.5"),
}

// byRule are the fields whose need follows from others; see rule_test.go.
var byRule = map[string]bool{
	"ShareGameMessageRequest.type_info": true, "TypeInfo.picurl": true, "TypeInfo.width": true, "TypeInfo.height": true,
	"TypeInfo.mediaurl": true, "TypeInfo.url": true, "TypeInfo.iconurl": true, "Button.rankview": true, "Button.webview": true,
	"Button.app": true, "BaseInfo.openid": true,
}

// Each field of each documented request is tried, one at a time.
func TestARequestWithAFieldMissingEmptyOrOfAnotherTypeIsNotAsDescribed(t *testing.T) {
	t.Parallel()
	for _, c := range msdkclient.Calls() {
		s := requestOf(t, c)
		for _, e := range c.Examples() {
			whole := tree(t, e.Request)
			tryFields(t, s, whole, whole, c.Path, c.RequestFields())
		}
	}
}

// tryFields changes the fields of part, which belongs to whole, and puts them right again.
func tryFields(t *testing.T, s *jsonschema.Schema, whole, part any, path string, fields []*msdkclient.Field) {
	t.Helper()
	object, ok := part.(map[string]any)
	if !ok {
		for _, element := range part.([]any) {
			tryFields(t, s, whole, element, path+"[]", fields)
		}
		return
	}
	for _, f := range fields {
		right, there := object[f.Name]
		if !there {
			continue
		}
		name := path + "." + f.Name
		delete(object, f.Name)
		if refused := s.Validate(whole) != nil; refused != f.Required && !byRule[f.GoType+"."+f.Name] {
			t.Errorf("without %s: refused %v, want %v", name, refused, f.Required)
		}
		for kind, value := range ofEachType {
			object[f.Name] = value
			if err := s.Validate(whole); err == nil && !f.AllowsType(kind) {
				t.Errorf("%s as %s is allowed", name, kind)
			}
		}
		if _, isText := right.(string); isText && f.Required && len(f.Types) == 1 {
			object[f.Name] = ""
			if s.Validate(whole) == nil {
				t.Errorf("%s may be empty", name)
			}
		}
		object[f.Name] = right
		if len(f.Fields) > 0 {
			tryFields(t, s, whole, right, name, f.Fields)
		}
		if f.Elem != nil && len(f.Elem.Fields) > 0 && f.Fields == nil {
			for id := range right.(map[string]any) {
				tryFields(t, s, whole, right.(map[string]any)[id], name+"."+id, f.Elem.Fields)
			}
		}
	}
}

// request is a documented one with a field changed, by its path.
func TestARequestIsDescribedAsFarAsTheClientChecksIt(t *testing.T) {
	t.Parallel()
	for what, try := range map[string]struct {
		path, field string
		value       any
		ok          bool
	}{
		"score is text for wxscore":                   {msdkclient.PathReportScore, "score", "-7", true},
		"score is a number for wxscore":               {msdkclient.PathReportScore, "score", 7, false},
		"score is no integer for wxscore":             {msdkclient.PathReportScore, "score", "1.5", false},
		"expires is never":                            {msdkclient.PathReportScore, "expires", "0", true},
		"expires is a duration":                       {msdkclient.PathReportScore, "expires", "3600", false},
		"expires is in milliseconds":                  {msdkclient.PathReportScore, "expires", "1893456000000", false},
		"grantType is another":                        {msdkclient.PathReportScore, "grantType", "password", false},
		"the one optype":                              {msdkclient.PathVIP, "json", map[string]any{"optype": 1}, true},
		"another optype":                              {msdkclient.PathVIP, "json", map[string]any{"optype": 2}, false},
		"extinfo of 2 KiB":                            {msdkclient.PathShareMessage, "extinfo", strings.Repeat("x", 2048), true},
		"extinfo of more":                             {msdkclient.PathShareMessage, "extinfo", strings.Repeat("x", 2049), false},
		"an appid where none is needed":               {msdkclient.PathShareMessage, "appid", "wx1", true},
		"an empty appid where none is needed":         {msdkclient.PathShareMessage, "appid", "", false},
		"a picture of 64 KiB":                         {msdkclient.PathUploadPicture, "filelength", 65536, true},
		"a picture of more":                           {msdkclient.PathUploadPicture, "filelength", 65537, false},
		"a picture that is none":                      {msdkclient.PathUploadPicture, "content_type", "text/html", false},
		"a kind of message that there is not":         {msdkclient.PathShareGameMessage, "msgtype", "sound", false},
		"no user asked about":                         {msdkclient.PathProfiles, "openids", []any{}, false},
		"a user without a name asked about":           {msdkclient.PathProfiles, "openids", []any{""}, false},
		"json is one report":                          {msdkclient.PathReportBattle, "json", report("platid", 1), true},
		"json is many reports":                        {msdkclient.PathReportBattle, "json", []any{report("openid", "o1"), report("openid", "o2")}, true},
		"json is no report":                           {msdkclient.PathReportBattle, "json", []any{}, false},
		"json is text":                                {msdkclient.PathReportBattle, "json", `{"baseinfo":{"platid":1}}`, false},
		"one of many reports is bad":                  {msdkclient.PathReportBattle, "json", []any{report("platid", 1), report("platid", "1")}, false},
		"platid of less than none":                    {msdkclient.PathReportBattle, "json", report("platid", -1), false},
		"platid of no platform":                       {msdkclient.PathReportBattle, "json", report("platid", 2), false},
		"partitionid is text":                         {msdkclient.PathReportBattle, "json", report("partitionid", "9"), true},
		"partitionid is an integer":                   {msdkclient.PathReportBattle, "json", report("partitionid", 9), true},
		"partitionid is neither":                      {msdkclient.PathReportBattle, "json", report("partitionid", true), false},
		"acttime is empty":                            {msdkclient.PathReportBattle, "json", map[string]any{"baseinfo": map[string]any{"platid": 1}, "battleinfo": map[string]any{"acttime": ""}}, true},
		"acttime is another date":                     {msdkclient.PathReportBattle, "json", map[string]any{"baseinfo": map[string]any{"platid": 1}, "battleinfo": map[string]any{"acttime": "2014/09/24"}}, false},
		"an integer of many digits":                   {msdkclient.PathReportBattle, "json", report("partitionid", json.Number("123456789012345678901")), true},
		"a field that a game has agreed on":           {msdkclient.PathReportBattle, "json", report("season", "summer"), true},
		"a field that this description does not have": {msdkclient.PathVIP, "more", 1, true},
	} {
		c, _ := msdkclient.LookupCall(try.path)
		body := tree(t, c.Examples()[0].Request).(map[string]any)
		body[try.field] = try.value
		if err := requestOf(t, c).Validate(body); (err == nil) != try.ok {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// report is one with another field in its baseinfo.
func report(field string, value any) map[string]any {
	base := map[string]any{"platid": 1}
	base[field] = value
	return map[string]any{"baseinfo": base, "battleinfo": map[string]any{"score": 1}}
}

func TestAFailureNeedsNothingButItsRet(t *testing.T) {
	t.Parallel()
	for _, c := range msdkclient.Calls() {
		s := answerTo(t, c)
		for _, text := range []string{`{"ret":-502}`, `{"ret":1,"msg":"x"}`, `{"ret":-20000,"msg":"42001,x","err_type":3,"msdkExtInfo":"a"}`} {
			if err := s.Validate(tree(t, []byte(text))); err != nil {
				t.Errorf("%s: %s: %v", c.Path, text, err)
			}
		}
		for _, text := range []string{`{}`, `{"msg":"x"}`, `{"ret":"x"}`, `{"ret":-1,"msg":7}`, `[]`} {
			if s.Validate(tree(t, []byte(text))) == nil {
				t.Errorf("%s: %s is allowed", c.Path, text)
			}
		}
	}
}

func TestASuccessHasWhatTheClientCannotDoWithout(t *testing.T) {
	t.Parallel()
	tried := 0
	for _, c := range msdkclient.Calls() {
		s := answerTo(t, c)
		for _, f := range c.ResponseFields() {
			whole := tree(t, []byte(strings.Replace(string(c.Examples()[0].Response), ",\n    \"expire\": ’’", "", 1))).(map[string]any)
			if delete(whole, f.Name); f.Required && f.Name != "ret" {
				tried++
				if s.Validate(whole) == nil {
					t.Errorf("%s: %s may be missing", c.Path, f.Name)
				}
			}
		}
	}
	if tried == 0 {
		t.Error("no answer has such a field: the rule was not tried")
	}
}

func TestASexIsANumberOrText(t *testing.T) {
	t.Parallel()
	for _, path := range []string{msdkclient.PathFriendsProfile, msdkclient.PathProfiles, msdkclient.PathUserInfo} {
		c, _ := msdkclient.LookupCall(path)
		for value, ok := range map[string]bool{`0`: true, `1`: true, `2`: true, `"0"`: true, `"2"`: true, `3`: false, `-1`: false, `"male"`: false, `true`: false} {
			whole := tree(t, c.Examples()[0].Response).(map[string]any)
			user := whole
			if lists, is := whole["lists"].([]any); is {
				user = maps.Clone(lists[0].(map[string]any))
				whole["lists"] = []any{user}
			}
			user["sex"] = tree(t, []byte(value))
			if err := answerTo(t, c).Validate(whole); (err == nil) != ok {
				t.Errorf("%s: sex %s: %v", path, value, err)
			}
		}
	}
}
