package msdktest_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

var townApp = msdkclient.App{ID: "wx1", Key: appKey, Encode: 1}

// reach is a client of sim.
func reach(t *testing.T, sim *msdktest.Server) *msdkclient.Client {
	t.Helper()
	client, err := msdkclient.New(msdkclient.Config{BaseURL: sim.URL, Timeout: time.Minute, ContentType: "application/json", MaxConns: 8})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// goodRequest draws a request with every field that the client fills in, of a call that the town grants.
func goodRequest(t *rapid.T, c *msdkclient.Call) any {
	text := func(name string) string { return rapid.StringN(1, 20, -1).Draw(t, name) }
	maybe := func(name string) string { return rapid.StringN(0, 20, 2048).Draw(t, name) }
	whole := func(name string) *int64 { return rapid.Ptr(rapid.Int64(), true).Draw(t, name) }
	switch c.Path {
	case msdkclient.PathRefreshToken:
		return msdkclient.RefreshTokenRequest{AppID: "wx1", RefreshToken: "rt_ann", OpenID: "ann"}
	case msdkclient.PathCheckToken:
		return msdkclient.CheckTokenRequest{AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathUploadPicture:
		picture := rapid.SliceOfN(rapid.Byte(), 1, 1000).Draw(t, "picture")
		return msdkclient.UploadPictureRequest{
			Flag: 1, AppID: "wx1", Secret: appKey, Type: "thumb", FileName: text("filename"), FileLength: int64(len(picture)),
			ContentType: rapid.SampledFrom([]string{"image/jpeg", "image/png"}).Draw(t, "content type"), Binary: msdkclient.PercentEncode(picture),
		}
	case msdkclient.PathShareMessage:
		return msdkclient.ShareMessageRequest{
			AppID: rapid.SampledFrom([]string{"", "wx1"}).Draw(t, "appid"), OpenID: "ann", AccessToken: "at_ann",
			FriendOpenID: rapid.SampledFrom([]string{"ann", "bob"}).Draw(t, "friend"), ExtInfo: maybe("extinfo"), Title: text("title"),
			Description: maybe("description"), MediaTagName: maybe("tag"),
		}
	case msdkclient.PathShareGameMessage:
		r := msdkclient.ShareGameMessageRequest{
			AppID: "wx1", OpenID: "ann", AccessToken: "at_ann", ToUser: "bob", Title: text("title"), Content: text("content"),
			MsgType: rapid.SampledFrom([]string{msdkclient.MsgText, msdkclient.MsgImage, msdkclient.MsgVideo, msdkclient.MsgLink}).Draw(t, "type"),
			Button: rapid.SampledFrom([]msdkclient.Button{
				msdkclient.RankButton("go", msdkclient.RankView{Title: "t", ButtonName: "b", MessageExt: "e"}),
				msdkclient.WebButton("go", "http://x"), msdkclient.AppButton("go", "ext"),
			}).Draw(t, "button"),
		}
		if r.MsgType != msdkclient.MsgText {
			r.TypeInfo = &msdkclient.TypeInfo{PicURL: text("picture"), Width: 1, Height: 2, MediaURL: text("film"), URL: text("link"), IconURL: text("icon")}
		}
		return r
	case msdkclient.PathFriendsProfile:
		return msdkclient.FriendsProfileRequest{AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathProfiles:
		return msdkclient.ProfilesRequest{AccessToken: "at_ann", OpenIDs: rapid.SliceOfN(rapid.SampledFrom([]string{"ann", "bob", "cid"}), 1, 5).Draw(t, "openids")}
	case msdkclient.PathFriends:
		return msdkclient.FriendsRequest{AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathUserInfo:
		return msdkclient.UserInfoRequest{AppID: "wx1", AccessToken: "at_ann", OpenID: "ann"}
	case msdkclient.PathReportScore:
		return msdkclient.ReportScoreRequest{
			AppID: "wx1", OpenID: "ann", GrantType: "client_credential", Score: fmt.Sprint(rapid.Int64().Draw(t, "score")),
			Expires: rapid.SampledFrom([]string{"0", "1893456000"}).Draw(t, "expires"),
		}
	case msdkclient.PathReportBattle:
		r := msdkclient.ReportBattleRequest{AppID: "wx1", OpenID: "ann"}
		for range rapid.IntRange(1, 4).Draw(t, "battles") {
			b := msdkclient.Battle{BaseInfo: msdkclient.BaseInfo{
				OpenID: rapid.StringMatching(`[a-z]{1,8}`).Draw(t, "openid"), GameName: maybe("game"), PlatID: rapid.IntRange(0, 1).Draw(t, "platid"),
				RoleID: maybe("role"), Level: whole("level"),
			}}
			switch rapid.IntRange(0, 2).Draw(t, "partition") {
			case 1:
				b.BaseInfo.PartitionID = msdkclient.StringValue(text("partition"))
			case 2:
				b.BaseInfo.PartitionID = msdkclient.IntValue(rapid.Int64().Draw(t, "partition"))
			}
			if rapid.Bool().Draw(t, "battleinfo") {
				win := rapid.Bool().Draw(t, "win")
				b.BattleInfo = &msdkclient.BattleInfo{Score: whole("score"), IsWin: &win, ModeID: whole("mode"), ActTime: "2014-09-24 13:10:45"}
			}
			if rapid.Bool().Draw(t, "userdefined") {
				b.UserDefined = map[string]msdkclient.UserDefined{
					text("id"): {Name: text("name"), Value: msdkclient.IntValue(rapid.Int64().Draw(t, "value"))},
					"plane":    {Name: "plane", Value: msdkclient.StringValue(maybe("plane"))},
				}
			}
			r.Battles = append(r.Battles, b)
		}
		return r
	default:
		return msdkclient.VIPRequest{AppID: "wx1", AccessToken: "at_ann", OpenID: "ann", Query: msdkclient.VIPQuery{OpType: 1}}
	}
}

// send makes the call by the method for it.
func send(ctx context.Context, client *msdkclient.Client, request any) (err error) {
	switch r := request.(type) {
	case msdkclient.RefreshTokenRequest:
		_, err = client.RefreshToken(ctx, townApp, r)
	case msdkclient.CheckTokenRequest:
		err = client.CheckToken(ctx, townApp, r)
	case msdkclient.UploadPictureRequest:
		_, err = client.UploadPicture(ctx, townApp, r)
	case msdkclient.ShareMessageRequest:
		err = client.ShareMessage(ctx, townApp, r)
	case msdkclient.ShareGameMessageRequest:
		err = client.ShareGameMessage(ctx, townApp, r)
	case msdkclient.FriendsProfileRequest:
		_, err = client.FriendsProfile(ctx, townApp, r)
	case msdkclient.ProfilesRequest:
		_, err = client.Profiles(ctx, townApp, r)
	case msdkclient.FriendsRequest:
		_, err = client.Friends(ctx, townApp, r)
	case msdkclient.UserInfoRequest:
		_, err = client.UserInfo(ctx, townApp, r)
	case msdkclient.ReportScoreRequest:
		err = client.ReportScore(ctx, townApp, r)
	case msdkclient.ReportBattleRequest:
		err = client.ReportBattle(ctx, townApp, r)
	case msdkclient.VIPRequest:
		_, err = client.VIP(ctx, townApp, r)
	default:
		panic(fmt.Sprintf("a %T is no request", request))
	}
	return err
}

func TestWhatTheClientSendsIsAccepted(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t, town)
	client := reach(t, sim)
	for _, c := range msdkclient.Calls() {
		t.Run(c.Method, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sim.Reset()
				request := goodRequest(rt, c)
				if err := send(t.Context(), client, request); err != nil {
					rt.Fatalf("%+v: %v", request, err)
				}
			})
		})
	}
}

// spoilt is a body with one thing wrong in it.
type spoilt struct {
	what  string
	field string
	body  []byte
}

// spoil draws one thing to be wrong in a body.
func spoil(t *rapid.T, fields []*msdkclient.Field, body []byte) spoilt {
	var root map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&root); err != nil {
		t.Fatal(err)
	}
	ways := 0
	object(fields, root, func(string, string) { ways++ })
	chosen := rapid.IntRange(0, ways-1).Draw(t, "what is wrong")
	var bad spoilt
	object(fields, root, func(what, field string) {
		if chosen--; chosen != -1 {
			return
		}
		text, err := json.Marshal(root)
		if err != nil {
			t.Fatal(err)
		}
		bad = spoilt{what, field, text}
	})
	return bad
}

// object spoils each field of an object in each way that there is, and puts it right again.
func object(fields []*msdkclient.Field, o map[string]any, note func(what, field string)) {
	for _, f := range fields {
		good, there := o[f.Name]
		set := func(what string, bad any) {
			o[f.Name] = bad
			note(what, f.Name)
		}
		if f.Required {
			delete(o, f.Name)
			note("missing", f.Name)
		}
		for _, bad := range wrongValues(f) {
			set(fmt.Sprintf("%v", bad), bad)
		}
		delete(o, f.Name)
		if !there {
			continue
		}
		o[f.Name] = good
		within(f, good, note)
	}
}

func within(f *msdkclient.Field, value any, note func(what, field string)) {
	switch v := value.(type) {
	case map[string]any:
		if f.Fields != nil {
			object(f.Fields, v, note)
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			object([]*msdkclient.Field{named(f.Elem, name)}, v, note)
		}
	case []any:
		for i := range v {
			if o, ok := v[i].(map[string]any); ok {
				object(f.Elem.Fields, o, note)
				continue
			}
			good := v[i]
			for _, bad := range append(wrongValues(f.Elem), "") {
				v[i] = bad
				note(fmt.Sprintf("element %v", bad), f.Name)
			}
			v[i] = good
		}
	}
}

func named(f *msdkclient.Field, name string) *msdkclient.Field {
	g := *f
	g.Name = name
	return &g
}

// wrongValues are those that a field may not have.
func wrongValues(f *msdkclient.Field) (wrong []any) {
	for kind, value := range map[string]any{
		"string": "text", "integer": 7, "boolean": true, "object": map[string]any{}, "array": []any{}, "null": nil, "number": 1.5,
	} {
		if !f.AllowsType(kind) {
			wrong = append(wrong, value)
		}
	}
	isText, isNumber := f.AllowsType("string"), f.AllowsType("integer")
	if f.Required && isText && !isNumber {
		wrong = append(wrong, "")
	}
	if f.Required && f.AllowsType("array") {
		wrong = append(wrong, []any{})
	}
	if f.Enum != nil && isText || f.Pattern != nil {
		wrong = append(wrong, "no such thing")
	}
	if f.Enum != nil && isNumber {
		wrong = append(wrong, 99)
	}
	if f.Min != nil {
		wrong = append(wrong, *f.Min-1)
	}
	if f.Max != nil {
		wrong = append(wrong, *f.Max+1)
	}
	if f.MaxBytes > 0 {
		wrong = append(wrong, strings.Repeat("x", f.MaxBytes+1))
	}
	slices.SortFunc(wrong, func(a, b any) int { return strings.Compare(fmt.Sprint(a), fmt.Sprint(b)) })
	return wrong
}

func TestOneThingWrongIsRefusedByName(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t, town)
	client := reach(t, sim)
	for _, c := range msdkclient.Calls() {
		t.Run(c.Method, func(t *testing.T) {
			rapid.Check(t, func(rt *rapid.T) {
				sim.Reset()
				body, err := json.Marshal(goodRequest(rt, c))
				if err != nil {
					rt.Fatal(err)
				}
				if _, err := client.Send(t.Context(), townApp, c, "ann", body); err != nil {
					rt.Fatalf("%s is refused: %v", body, err)
				}
				bad := spoil(rt, c.RequestFields(), body)
				before := stateOf(rt, sim)
				_, err = client.Send(t.Context(), townApp, c, "ann", bad.body)
				e, ok := errors.AsType[*msdkclient.Error](err)
				if !ok || e.Ret != -1011 || !strings.Contains(e.Msg, bad.field) {
					rt.Fatalf("%s of %s, in %s: %v", bad.what, bad.field, bad.body, err)
				}
				if after := stateOf(rt, sim); before != after {
					rt.Fatalf("what was refused has left something:\n%s\n%s", before, after)
				}
			})
		})
	}
}

// stateOf is what the server remembers besides how often it has refused.
func stateOf(t *rapid.T, sim *msdktest.Server) string {
	state := sim.State()
	state.Time, state.Outcomes = time.Time{}, nil
	text, err := json.Marshal(state)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
