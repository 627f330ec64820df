package msdkclient

import (
	"strings"
	"testing"
)

func TestABodyIsHeldAgainstTheDocument(t *testing.T) {
	t.Parallel()
	const token = "OezXcEiiBSKSxW0eoylIeLl3C6OgXeyr"
	battle := func(base, rest string) string {
		return `{"appid":"wx1","openid":"o1","json":{"baseinfo":{` + base + `}` + rest + `}}`
	}
	for rule, test := range map[string]struct {
		path, body string
		want       []string // of the faults
	}{
		"nothing is wrong":                       {PathCheckToken, `{"accessToken":"` + token + `","openid":"o1"}`, nil},
		"what is not documented is no fault":     {PathCheckToken, `{"accessToken":"t","openid":"o1","x":[null]}`, nil},
		"all that is missing is told":            {PathCheckToken, `{}`, []string{"accessToken: want a string that is not empty", "openid: want a string that is not empty"}},
		"names are told apart by case":           {PathCheckToken, `{"accesstoken":"t","openid":"o1"}`, []string{"accessToken: want a string that is not empty"}},
		"empty is as missing":                    {PathCheckToken, `{"accessToken":"t","openid":""}`, []string{`openid: "": want a string that is not empty`}},
		"null is no value":                       {PathCheckToken, `{"accessToken":"t","openid":null}`, []string{`openid: null: want a string that is not empty`}},
		"a token is not shown":                   {PathCheckToken, `{"accessToken":123456789012,"openid":"o1"}`, []string{"accessToken: an integer: want a string that is not empty"}},
		"a body is an object":                    {PathCheckToken, `[]`, []string{"body: an array: want an object"}},
		"a body is JSON":                         {PathCheckToken, `accessToken=t`, []string{"body: want JSON"}},
		"a body is one JSON text":                {PathCheckToken, `{"accessToken":"t","openid":"o1"} {}`, []string{"body: want JSON"}},
		"no body is no JSON":                     {PathCheckToken, ``, []string{"body: want JSON"}},
		"a score of the old call is a string":    {PathReportScore, `{"appid":"a","grantType":"client_credential","openid":"o","score":1000000,"expires":"0"}`, []string{"score: 1000000: want a string: a decimal integer, such as 1000000"}},
		"and digits alone":                       {PathReportScore, `{"appid":"a","grantType":"client_credential","openid":"o","score":"1e6","expires":"0"}`, []string{`score: "1e6": want a decimal integer, such as 1000000`}},
		"a score of the new call is a number":    {PathReportBattle, battle(`"platid":0`, `,"battleinfo":{"score":"7"}`), []string{`json.battleinfo.score: "7": want an integer`}},
		"and whole":                              {PathReportBattle, battle(`"platid":0`, `,"battleinfo":{"score":7.5}`), []string{`json.battleinfo.score: 7.5: want an integer`}},
		"and as large as it likes":               {PathReportBattle, battle(`"platid":0`, `,"battleinfo":{"score":123456789012345678901234567890}`), nil},
		"0 is not missing, what is not there is": {PathReportBattle, battle(``, ``), []string{"json.baseinfo.platid: want 0 or 1"}},
		"a value is one of those there are":      {PathReportBattle, battle(`"platid":2`, ``), []string{"json.baseinfo.platid: 2: want 0 or 1"}},
		"also when it is beyond all numbers":     {PathReportBattle, battle(`"platid":99999999999999999999`, ``), []string{"json.baseinfo.platid: 99999999999999999999: want 0 or 1"}},
		"a zone may be of either edition":        {PathReportBattle, battle(`"platid":0,"partitionid":9`, ``), nil},
		"custom data have free names":            {PathReportBattle, battle(`"platid":0`, `,"userdefined":{"gold":{"name":"g","value":7},"b":{"value":true}}`), []string{"json.userdefined.b.value: true: want an integer or string that is not empty"}},
		"an element is told by its number":       {PathReportBattle, `{"appid":"a","openid":"o","json":[{"baseinfo":{"platid":0,"openid":"o"}},{"baseinfo":{"platid":"1","openid":"p"}}]}`, []string{`json[1].baseinfo.platid: "1": want an integer: 0 or 1`}},
		"of many users each is named":            {PathReportBattle, `{"appid":"a","openid":"o","json":[{"baseinfo":{"platid":0,"openid":"o"}},{"baseinfo":{"platid":1}}]}`, []string{"json[1].baseinfo.openid: want the user's openid, as there are many users"}},
		"no reports are none":                    {PathReportBattle, `{"appid":"a","openid":"o","json":[]}`, []string{"json: []: want an object or array that is not empty"}},
		"an openid in a list is not empty":       {PathProfiles, `{"accessToken":"t","openids":["a",""]}`, []string{`openids[1]: "": want a string that is not empty`}},
		"what belongs to a kind of message":      {PathShareGameMessage, `{"access_token":"t","openid":"o","appid":"a","touser":"p","msgtype":"image","title":"T","content":"C","button":{"type":"app","name":"N","app":{"message_ext":"x"}}}`, []string{"type_info.picurl: want it, for msgtype image"}},
		"a picture is as long as it says":        {PathUploadPicture, `{"flag":1,"appid":"a","secret":"s","access_token":"","type":"thumb","filename":"b.jpg","filelength":3,"content_type":"image/jpeg","binary":"%FF%D8"}`, []string{"filelength: 3: want the size of the picture, 2"}},
		"what may be left empty may be":          {PathShareMessage, `{"openid":"o","fopenid":"p","access_token":"t","extinfo":"","title":"T","description":"","media_tag_name":"","thumb_media_id":""}`, nil},
		"a text has a limit":                     {PathShareMessage, `{"openid":"o","fopenid":"p","access_token":"t","extinfo":"` + strings.Repeat("x", 2049) + `","title":"T"}`, []string{"extinfo: 2049 bytes: want 2048 bytes at most"}},
		"the key is not shown":                   {PathUploadPicture, `{"flag":1,"appid":"a","secret":7,"access_token":"","type":"thumb","filename":"b.jpg","filelength":2,"content_type":"image/jpeg","binary":"%FF%D8"}`, []string{"secret: an integer: want a string: the appkey"}},
	} {
		call, _ := LookupCall(test.path)
		var got []string
		for _, fault := range call.Faults([]byte(test.body)) {
			got = append(got, fault.Error())
		}
		if strings.Join(got, "\n") != strings.Join(test.want, "\n") {
			t.Errorf("%s: got\n%s\nwant\n%s", rule, strings.Join(got, "\n"), strings.Join(test.want, "\n"))
		}
	}
}

func TestADocumentedRequestHasNoFault(t *testing.T) {
	t.Parallel()
	forEachExample(t, func(t *testing.T, c *Call, e Example) {
		for _, fault := range c.Faults(e.Request) {
			if c != callUploadPicture || fault.Field != "filelength" && fault.Field != "binary" { // of whose picture the document shows the beginning
				t.Error(fault)
			}
		}
	})
}

func TestATemplateIsWhatTheTypedCallFillsIn(t *testing.T) {
	t.Parallel()
	app := App{ID: "wx1", Key: "key", Encode: 1}
	call, _ := LookupCall(PathUploadPicture)
	if got := call.Template(app).(*UploadPictureRequest); got.AppID != "wx1" || got.Secret != "key" || got.Flag != 1 || got.Type != "thumb" {
		t.Errorf("%+v", got)
	}
	app.Encode = 2
	if got := call.Template(app).(*UploadPictureRequest); got.Secret != "" {
		t.Error("the msdkkey is taken for the appkey")
	}
	call, _ = LookupCall(PathVIP)
	if got := call.Template(app).(*VIPRequest); got.AppID != "wx1" || got.Query.OpType != 1 {
		t.Errorf("%+v", got)
	}
	call, _ = LookupCall(PathCheckToken)
	if got := call.Template(app).(*CheckTokenRequest); *got != (CheckTokenRequest{}) {
		t.Errorf("%+v", got)
	}
}
