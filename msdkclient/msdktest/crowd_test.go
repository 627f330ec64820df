package msdktest_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// TestTenThousandCallsAtOnce puts all kinds of calls, of a hundred users, to one server. What they leave behind is what
// they would have left one after another.
func TestTenThousandCallsAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, tenThousandCalls) // on one day
}

func tenThousandCalls(t *testing.T) {
	cfg := msdktest.Config{NoUserLimit: true, Apps: []msdktest.App{{ID: "wx1", AppKey: appKey, Users: msdktest.Users(7, 100)}}}
	for i := range cfg.Apps[0].Users { // a ring of friends
		cfg.Apps[0].Users[i].Friends = []string{fmt.Sprintf("player%d", (i+1)%100+1)}
	}
	sim := msdktest.New(cfg)
	calls := func(i int) *call {
		user := fmt.Sprintf("player%d", i%100+1)
		friend := fmt.Sprintf("player%d", (i+1)%100+1)
		token := "at_" + user
		switch i / 100 % 10 {
		case 0:
			return newCall(msdkclient.PathRefreshToken, user, refresh("rt_"+user))
		case 1:
			return newCall(msdkclient.PathCheckToken, user, check(token, user))
		case 2:
			return newCall(msdkclient.PathUploadPicture, user, picture(appKey, fmt.Sprintf("%%%02X", i%100), 1))
		case 3:
			return newCall(msdkclient.PathShareMessage, user, message(token, user, friend, ""))
		case 4:
			return newCall(msdkclient.PathShareGameMessage, user, game(token, user, friend))
		case 5:
			return newCall(msdkclient.PathFriendsProfile, user, check(token, user))
		case 6:
			return newCall(msdkclient.PathUserInfo, user, withAppID(token, user, ""))
		case 7:
			return newCall(msdktest.PathScore, user, score(user, fmt.Sprint(i), "0"))
		case 8:
			return newCall(msdktest.PathBattleReport, user, fmt.Sprintf(`{"appid":"wx1","openid":%q,"json":%s}`, user, element(user, i)))
		default:
			return newCall(msdkclient.PathVIP, user, withAppID(token, user, `,"json":{"optype":1}`))
		}
	}
	const workers, each = 2000, 5 // the race detector allows for no more goroutines than 8000
	var crowd sync.WaitGroup
	begin := make(chan struct{})
	for w := range workers {
		crowd.Go(func() {
			<-begin
			for n := range each {
				i := n*workers + w
				_, got := calls(i).do(sim)
				if !json.Valid([]byte(got)) || !strings.Contains(got, `"ret":0,`) && !strings.Contains(got, `"45009,`) {
					t.Errorf("call %d: %s", i, got)
				}
				if i%1000 == 0 {
					if err := sim.Befriend("wx1", "player1", "player50"); err != nil {
						t.Error(err)
					}
					sim.Requests()
					sim.State()
				}
			}
		})
	}
	close(begin)
	crowd.Wait()

	state := sim.State()
	if n := state.Outcomes["ret 0"]; n != workers*each-500 || state.Outcomes["ret -20000"] != 500 {
		t.Errorf("outcomes %v, want 500 of 1000 messages refused", state.Outcomes)
	}
	for _, u := range state.Apps[0].Users {
		if u.MessagesShownToday != 5 || u.AccessToken == "at_"+u.OpenID {
			t.Errorf("%s was shown %d messages and has the token %s", u.OpenID, u.MessagesShownToday, u.AccessToken)
		}
	}
	if len(state.Messages) != 200 || len(state.Apps[0].Media) != 100 || state.Reports != 2000 {
		t.Errorf("%d messages, %d pictures, %d reports", len(state.Messages), len(state.Apps[0].Media), state.Reports)
	}
	for _, p := range state.Apps[0].Board { // the last to report has the best score
		var number int64
		if _, err := fmt.Sscanf(p.OpenID, "player%d", &number); err != nil || p.Score == nil || *p.Score != 9800+number-1 {
			t.Errorf("%s is on the board with %v", p.OpenID, p.Score)
		}
	}
}

func TestFiveThousandFriendsAreToldOf(t *testing.T) {
	t.Parallel()
	sim := msdktest.NewServer(t)
	client := reach(t, sim)
	app := msdkclient.App{ID: "wxcde873f99466f74a", Key: "game-appkey", Encode: 1}
	const user, token = msdktest.PopularOpenID, "at_" + msdktest.PopularOpenID
	profiles, err := client.FriendsProfile(t.Context(), app, msdkclient.FriendsProfileRequest{AccessToken: token, OpenID: user})
	if err != nil || len(profiles.Profiles) != 5000 {
		t.Fatalf("%v", err)
	}
	fan := profiles.Profiles[4999].OpenID
	fans, err := client.Friends(t.Context(), app, msdkclient.FriendsRequest{AccessToken: "at_" + fan, OpenID: fan})
	if err != nil || len(fans.OpenIDs) != 1 || fans.OpenIDs[0] != user {
		t.Errorf("the friends of %s are %v, %v", fan, fans, err)
	}
}
