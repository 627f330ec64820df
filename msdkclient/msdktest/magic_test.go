package msdktest_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestEachCodeCanBeHadByAnOpenID(t *testing.T) {
	t.Parallel()
	file, err := os.Open("../testdata/codes.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	sim := msdktest.New(town)
	tried := 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}
		columns := strings.Split(lines.Text(), "\t")
		layer, code, meaning := columns[0], columns[1], columns[5]
		if code == "0" {
			continue // every good call has it
		}
		tried++
		want := fmt.Sprintf(`{"ret":%s,"msg":"%s: `, code, meaning)
		switch layer {
		case "wechat":
			want = fmt.Sprintf(`{"ret":-20000,"msg":"%s,%s: `, code, meaning)
		case "qq", "gamecenter":
			want = fmt.Sprintf(`{"ret":-10000,"msg":"%s,%s: `, code, meaning)
		}
		for _, openid := range []string{"code_" + layer + code, "code_" + layer + code + "_x_1"} {
			mustAnswer(t, sim, battle("ann", openid), want)
			mustAnswer(t, sim, newCall(msdkclient.PathCheckToken, openid, check("at_ann", "ann")), want)
		}
	}
	if tried < 100 {
		t.Errorf("%d codes tried", tried)
	}
	if sim.Ledger.Len() != 0 {
		t.Error("reports were taken")
	}
}

func TestMagicOpenIDs(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		call   *call
		status int
		want   string
	}{
		"a code of MSDK is the ret":               {battle("code_-20002_x"), 200, `{"ret":-20002,"msg":"`},
		"one of WeChat is in the message":         {battle("code_42001_x"), 200, `{"ret":-20000,"msg":"42001,`},
		"a report carries no user's token to err": {battle("code_42001_x"), 200, `{"ret":-20000,"msg":"42001,access_token expired: the openid code_42001_x asks for it","msdkExtInfo"`},
		"one that is both is WeChat's":            {battle("code_-1_x"), 200, `{"ret":-20000,"msg":"-1,`},
		"unless it is called QQ's":                {battle("code_qq-1_x"), 200, `{"ret":-10000,"msg":"-1,`},
		"the game center is QQ's":                 {battle("code_qq-4012_x"), 200, `{"ret":-10000,"msg":"-4012,only scores above the last one are taken: `},
		"a code that is QQ's alone needs no name": {battle("code_100015"), 200, `{"ret":-10000,"msg":"100015,`},
		"a code in no table is a ret":             {battle("code_-1234_x"), 200, `{"ret":-1234,"msg":"failure: the openid code_-1234_x asks for it"`},
		"or what its layer says":                  {battle("code_wechat49999_x"), 200, `{"ret":-20000,"msg":"49999,failure`},
		"an HTTP status":                          {battle("code_http503_x"), 503, `Service Unavailable`},
		"with a dash too":                         {battle("code_http-429"), 429, `Too Many Requests`},
		"a status that is none is nothing":        {battle("code_http999_x"), 200, `{"ret":0`},
		"success is what it would be":             {battle("code_0_x"), 200, `{"ret":0,"msg":"success"`},
		"a word is no code":                       {battle("code_name"), 200, `{"ret":0`},
		"nor is what only contains one":           {battle("xcode_42001"), 200, `{"ret":0`},
		"any element of a batch counts":           {battle("ann", "bob", "code_40003_x"), 200, `{"ret":-20000,"msg":"40003,`},
		"so does the user in the URL":             {newCall(msdktest.PathBattleReport, "code_-306", `{"appid":"wx1","openid":"a","json":[{"baseinfo":{"openid":"a","platid":0}}]}`), 200, `{"ret":-306,`},
		"so does the user at the top of the body": {newCall(msdktest.PathBattleReport, "a", `{"appid":"wx1","openid":"code_-306","json":[{"baseinfo":{"openid":"a","platid":0}}]}`), 200, `{"ret":-306,`},
		"so does who has a score":                 {newCall(msdktest.PathScore, "a", score("code_-306", "1", "0")), 200, `{"ret":-306,`},
		"so does who is to receive a message":     {newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "code_43005_x", "")), 200, `{"ret":-20000,"msg":"43005,`},
		"or a game message":                       {newCall(msdkclient.PathShareGameMessage, "ann", game("at_ann", "ann", "code_43004_x")), 200, `{"ret":-20000,"msg":"43004,`},
		"so does any of a list":                   {newCall(msdkclient.PathProfiles, "ann", `{"accessToken":"at_ann","openids":["ann","code_-2004_x"]}`), 200, `{"ret":-2004,`},
		"its token is not looked at":              {newCall(msdkclient.PathUserInfo, "x", withAppID("whatever", "code_42001_x", "")), 200, `{"ret":-20000,"msg":"42001,access_token expired: the openid code_42001_x asks for it","err_type":3,`},
		"a call that is wrong is refused before":  {newCall(msdkclient.PathUserInfo, "x", withAppID("", "code_42001_x", "")), 200, `{"ret":-1011,"msg":"accessToken is empty`},
		"a picture has a user if the URL has one": {newCall(msdkclient.PathUploadPicture, "code_40007", picture(appKey, "a", 1)), 200, `{"ret":-20000,"msg":"40007,`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			sim := msdktest.New(town)
			if status, got := tt.call.do(sim); status != tt.status || !strings.HasPrefix(got, tt.want) {
				t.Errorf("answered %d %s, want %d %s", status, got, tt.status, tt.want)
			}
			if e := sim.Requests()[0]; strings.Contains(tt.want, `"ret":0`) != (e.Cause == "") {
				t.Errorf("the cause is %q", e.Cause)
			}
		})
	}
}

func TestARuleSeesAllCallsAndComesBeforeWhatIsCarriedOut(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	sim.SetRules(msdktest.Script("cid", msdktest.Answer{Ret: -306}), func(r *msdktest.Request) msdktest.Answer {
		if r.Path == msdkclient.PathRefreshToken {
			return msdktest.Answer{Ret: -307, Accept: true} // the answer gets lost
		}
		return msdktest.Answer{}
	})
	toCid := newCall(msdkclient.PathShareMessage, "ann", message("at_ann", "ann", "cid", ""))
	mustAnswer(t, sim, toCid, `{"ret":-306,"msg":"failure"`)
	mustAnswer(t, sim, toCid, `{"ret":-20000,"msg":"43005,`)
	old := newCall(msdkclient.PathCheckToken, "ann", `{"accessToken":"at_ann","openid":"ann"}`)
	old.path = "/wxoauth/check_token"
	mustAnswer(t, sim, old, `{"ret":0`)
	mustAnswer(t, sim, newCall(msdkclient.PathRefreshToken, "ann", refresh("rt_ann")), `{"ret":-307,"msg":"failure"`)
	if ann := sim.State().Apps[0].Users[0]; ann.AccessToken == "at_ann" {
		t.Error("a token that was given out is not known")
	}
	causes := []string{}
	for _, e := range sim.Requests() {
		causes = append(causes, e.Cause)
	}
	const want = "[a rule has it answered so: ret -307 |  | 43005,users are not friends: cid is no friend of ann | a rule has it answered so: ret -306]"
	if got := "[" + strings.Join(causes, " | ") + "]"; got != want {
		t.Errorf("causes\n%s\nwant\n%s", got, want)
	}
}
