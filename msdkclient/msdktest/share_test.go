package msdktest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestPicturesAreKnownByTheirContent(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	upload := func(body string) (r msdkclient.UploadPictureResponse) {
		t.Helper()
		c := newCall(msdkclient.PathUploadPicture, "", body)
		c.params.Del("openid") // nobody is named
		_, got := c.do(sim)
		if err := json.Unmarshal([]byte(got), &r); err != nil || r.Ret != 0 {
			t.Fatalf("answered %s", got)
		}
		return r
	}
	first, again, other := upload(picture(appKey, "%FF%D8a-", 4)), upload(picture(appKey, "%ff%d8%61-", 4)), upload(picture(appKey, "%00%20%2B", 3))
	if first.MediaID == "" || first.MediaID != again.MediaID || first.MediaID == other.MediaID || first.Type != "thumb" || first.CreatedAt == "" {
		t.Errorf("uploaded as %+v, again as %+v, and another as %+v", first, again, other)
	}
	mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "bob", first.MediaID)), `{"ret":0`)
	mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "bob", "xyz")), `{"ret":-20000,"msg":"40007,invalid media_id: no picture was uploaded`)

	for rule, tt := range map[string]struct{ body, want string }{
		"a picture may have 64 KiB":     {picture(appKey, strings.Repeat("%41", 65536), 65536), `{"ret":0`},
		"and no more":                   {picture(appKey, strings.Repeat("%41", 65537), 65537), `{"ret":-1011,"msg":"filelength must be 1 to 65536: it is 65537`},
		"however it is said":            {picture(appKey, strings.Repeat("%41", 65537), 65536), `{"ret":-1011,"msg":"filelength: 65536: want the size of the picture, 65537`},
		"its length is that of it":      {picture(appKey, "%41%42", 3), `{"ret":-1011,"msg":"filelength: 3: want the size of the picture, 2`},
		"a plus is no blank":            {picture(appKey, "%41+%42", 3), `{"ret":-1011,"msg":"binary: '+' at 3: want percent-encoding by RFC 3986, in which a blank is %20`},
		"a blank is none either":        {picture(appKey, "%41 %42", 3), `{"ret":-1011,"msg":"binary: ' ' at 3`},
		"half a byte is none":           {picture(appKey, "%4", 1), `{"ret":-1011,"msg":"binary: invalid URL escape`},
		"nothing is no picture":         {picture(appKey, "", 0), `{"ret":-1011,"msg":"filelength must be 1 to 65536: it is 0`},
		"the appkey is the secret":      {picture("x", "%41", 1), `{"ret":-20000,"msg":"40001,invalid credential: secret is not the appkey`},
		"the msdkkey is not the secret": {picture(msdkKey, "%41", 1), `{"ret":-20000,"msg":"40001,invalid credential: secret is the msdkkey: want the appkey`},
		"a picture is of a kind":        {strings.Replace(picture(appKey, "%41", 1), `image\/jpeg`, "text/plain", 1), `{"ret":-1011,"msg":"content_type must be the type of a picture`},
	} {
		t.Run(rule, func(t *testing.T) { mustAnswer(t, sim, newCall(msdkclient.PathUploadPicture, "ann", tt.body), tt.want) })
	}
}

func TestAUserIsSentFiveMessagesADay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { // which begins at eight in the morning, in China
		sim := msdktest.New(town)
		send := func(from, to, want string) {
			t.Helper()
			mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, from, message("at_"+from, from, to, "")), want)
		}
		for range 4 {
			send("ann", "bob", `{"ret":0`)
		}
		send("bob", "bob", `{"ret":0`) // to oneself, as the document's example does
		send("ann", "bob", `{"ret":-20000,"msg":"45009,call frequency out of limit: bob was sent 5 messages of this app today; there are no more until 2000-01-01T16:00:00Z`)
		send("bob", "ann", `{"ret":0`) // another user
		mustAnswer(t, sim, newCall(msdkclient.PathShareGameMessage, "ann", game("at_ann", "ann", "bob")), `{"ret":0`)
		sim.Advance(16*time.Hour - time.Second)
		late := message(fmt.Sprintf("at_ann.%d", sim.Now().Unix()), "ann", "bob", "") // the first token has expired
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", late), `{"ret":-20000,"msg":"45009,`)
		sim.Advance(time.Second)
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", late), `{"ret":0`)

		messages := sim.State().Messages
		if len(messages) != 8 || messages[0].To != "bob" || messages[1].Button != "rank" || messages[2].To != "ann" {
			t.Errorf("sent %+v", messages)
		}
	})
}

func TestMessagesGoToFriends(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	for _, tt := range []struct{ to, want string }{
		{"bob", `{"ret":0`},
		{"cid", `{"ret":-20000,"msg":"43005,users are not friends: cid is no friend of ann`},
		{"dan", `{"ret":-20000,"msg":"43005,users are not friends: app wx1 has no user dan`},
		{"", `{"ret":-1011,"msg":"*`},
		{"G_eve", `{"ret":-901,"msg":"not for guests: the openid G_eve begins with G_`},
	} {
		mustAnswer(t, sim, newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", tt.to, "")), strings.Replace(tt.want, "*", "fopenid is empty", 1))
		mustAnswer(t, sim, newCall(msdkclient.PathShareGameMessage, "ann", game("at_ann", "ann", tt.to)), strings.Replace(tt.want, "*", "touser is empty", 1))
	}
}

func TestGameMessagesHaveWhatTheirTypeAsksFor(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	const text = `"msgtype":"text"`
	const rank = `"button":{"type":"rank","name":"n","rankview":{"title":"t","button_name":"b","message_ext":"e"}}`
	for old, rows := range map[string][][2]string{
		text: {
			{`"msgtype":"image","type_info":{"picurl":"p","width":1,"height":2}`, `{"ret":0`},
			{`"msgtype":"video","type_info":{"picurl":"p","width":1,"height":2,"mediaurl":"m"}`, `{"ret":0`},
			{`"msgtype":"link","type_info":{"url":"u","iconurl":"i"}`, `{"ret":0`},
			{`"msgtype":"sound"`, `{"ret":-1011,"msg":"msgtype must be text, image, video or link: it is \"sound\"`},
			{`"msgtype":"image"`, `{"ret":-1011,"msg":"type_info.picurl: want it, for msgtype image`},
			{`"msgtype":"image","type_info":{"picurl":"p","width":"1","height":2}`, `{"ret":-1011,"msg":"type_info.width must be an integer: it is a string, not a number`},
			{`"msgtype":"video","type_info":{"picurl":"p","width":1,"height":2}`, `{"ret":-1011,"msg":"type_info.mediaurl: want it`},
			{`"msgtype":"link","type_info":{"url":"u"}`, `{"ret":-1011,"msg":"type_info.iconurl: want it`},
			{`"msgtype":"link","type_info":"u"`, `{"ret":-1011,"msg":"type_info must be an object: it is a string`},
		},
		rank: {
			{`"button":{"type":"web","name":"n","webview":{"url":"u"}}`, `{"ret":0`},
			{`"button":{"type":"app","name":"n","app":{"message_ext":"e"}}`, `{"ret":0`},
			{`"button":{"type":"web","name":"n","webview":{}}`, `{"ret":-1011,"msg":"button.webview.url is missing`},
			{`"button":{"type":"web","name":"n"}`, `{"ret":-1011,"msg":"button.webview: want it`},
			{`"button":{"type":"go","name":"n"}`, `{"ret":-1011,"msg":"button.type must be rank, web or app: it is \"go\"`},
			{`"button":[]`, `{"ret":-1011,"msg":"button must be an object: it is an array`},
		},
	} {
		for _, row := range rows {
			body := strings.Replace(game("at_ann", "ann", "bob"), old, row[0], 1)
			mustAnswer(t, sim, newCall(msdkclient.PathShareGameMessage, "ann", body), row[1])
		}
	}
}
