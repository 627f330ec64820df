package openapi

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/battlereport/battlereport/msdkclient"
)

// agree holds the description of a request against what the client would say of it.
func agree(t *testing.T, path string, body map[string]any) (good bool) {
	t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	c, _ := msdkclient.LookupCall(path)
	request := c.NewRequest()
	if err := json.Unmarshal(text, request); err != nil {
		t.Fatal(err)
	}
	checked := c.Check(request)
	described := requestOf(t, c).Validate(tree(t, text))
	if (checked == nil) != (described == nil) {
		t.Errorf("%s: the client says %v, the description %v", text, checked, described)
	}
	return checked == nil
}

// Every kind of message and of button is tried with every field that one of them needs, there, empty and missing.
func TestAGameMessageIsDescribedAsTheClientChecksIt(t *testing.T) {
	t.Parallel()
	c, _ := msdkclient.LookupCall(msdkclient.PathShareGameMessage)
	filled := map[string]any{"picurl": "p", "width": 1, "height": 1, "mediaurl": "m", "url": "u", "iconurl": "i"}
	empty := map[string]any{"picurl": "", "width": 0, "height": 0, "mediaurl": "", "url": "", "iconurl": ""}
	views := map[string]any{"rankview": map[string]any{}, "webview": map[string]any{"url": "u"}, "app": map[string]any{}}
	good := 0
	for _, kind := range []string{"text", "image", "video", "link"} {
		for _, button := range []string{"rank", "web", "app"} {
			try := func(info any, views map[string]any) {
				body := tree(t, c.Examples()[0].Request).(map[string]any)
				body["msgtype"] = kind
				delete(body, "type_info")
				if info != nil {
					body["type_info"] = info
				}
				b := map[string]any{"type": button, "name": "n"}
				maps.Copy(b, views)
				body["button"] = b
				if agree(t, c.Path, body) {
					good++
				}
			}
			try(nil, views)
			try(filled, views)
			try(map[string]any{}, views)
			for name := range filled {
				info := maps.Clone(filled)
				info[name] = empty[name]
				try(info, views)
				delete(info, name)
				try(info, views)
			}
			for name := range views {
				fewer := maps.Clone(views)
				delete(fewer, name)
				try(filled, fewer)
			}
		}
	}
	if good == 0 {
		t.Error("no message is good: the rule was not tried")
	}
}

func TestManyReportsAreDescribedAsTheClientChecksThem(t *testing.T) {
	t.Parallel()
	named := func(openid any) map[string]any {
		r := report("openid", openid)
		if openid == nil {
			delete(r["baseinfo"].(map[string]any), "openid")
		}
		return r
	}
	for what, try := range map[string]struct {
		reports any
		good    bool
	}{
		"one, without a name":         {named(nil), true},
		"many, all with a name":       {[]any{named("o1"), named("o2")}, true},
		"many, the first without one": {[]any{named(nil), named("o2")}, false},
		"many, the last without one":  {[]any{named("o1"), named(nil)}, false},
		"many, one's is empty":        {[]any{named("o1"), named("")}, false},
		"an array of one with a name": {[]any{named("o1")}, true},
	} {
		body := map[string]any{"appid": "wx1", "openid": "o1", "json": try.reports}
		if good := agree(t, msdkclient.PathReportBattle, body); good != try.good {
			t.Errorf("%s: good %v, want %v", what, good, try.good)
		}
	}
}
