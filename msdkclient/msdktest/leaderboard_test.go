package msdktest_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestLeaderboardIsTheSortedMaxima(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sim := msdktest.New(config)
		best := map[string]int64{}
		for range rapid.IntRange(0, 30).Draw(t, "reports") {
			openid := rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(t, "openid")
			score := rapid.Int64Range(-3, 3).Draw(t, "score")
			text := fmt.Sprintf(`{"appid":"wx1","openid":%q,"score":"%d","expires":"0"}`, openid, score)
			newCall(msdktest.PathScore, openid, text).do(sim)
			if old, ok := best[openid]; !ok || score > old {
				best[openid] = score
			}
		}
		top := sim.Leaderboard.Top("wx1", 4)
		if len(top) != len(best) {
			t.Fatalf("%v, want %v", top, best)
		}
		for i, s := range top {
			if got, ok := sim.Leaderboard.Best("wx1", s.OpenID); !ok || got != s.Score || got != best[s.OpenID] {
				t.Fatalf("%v: %v, want %v", s, got, best)
			}
			if i > 0 && (top[i-1].Score < s.Score || top[i-1].Score == s.Score && top[i-1].OpenID >= s.OpenID) {
				t.Fatalf("not in order: %v", top)
			}
		}
		if n := len(sim.Leaderboard.Top("wx1", 2)); n > 2 {
			t.Fatalf("%d of the top 2", n)
		}
	})
}

func TestScoresThatAreNoIntegerAreRefused(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	for _, score := range []string{`null`, `"7"`, `1.5`, `1e-300`, `true`} {
		mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "a", `{"appid":"wx1","openid":"a","json":{"baseinfo":{"platid":0},"battleinfo":{"score":`+score+`}}}`), `{"ret":-1011`)
	}
	for _, score := range []string{`"many"`, `7`, `"1.5"`, `""`, `null`} {
		mustAnswer(t, sim, newCall(msdktest.PathScore, "a", `{"appid":"wx1","openid":"a","score":`+score+`,"expires":"0"}`), `{"ret":-1011`)
	}
	if top := sim.Leaderboard.Top("wx1", 9); len(top) != 0 {
		t.Errorf("ranked: %v", top)
	}
}

// A number may have any number of digits; a board has 64 bits for it.
func TestAScoreBeyond64BitsIsTakenAndNotRanked(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	for _, score := range []string{`9223372036854775808`, `-9223372036854775809`, `1e300`, `12345678901234567890123`} {
		mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "a", `{"appid":"wx1","openid":"a","json":{"baseinfo":{"platid":0},"battleinfo":{"score":`+score+`}}}`), `{"ret":0`)
	}
	mustAnswer(t, sim, newCall(msdktest.PathScore, "a", `{"appid":"wx1","openid":"a","score":"9223372036854775808","expires":"0"}`), `{"ret":0`)
	if top := sim.Leaderboard.Top("wx1", 9); len(top) != 0 {
		t.Errorf("ranked: %v", top)
	}
	for _, e := range sim.Requests() {
		if len(e.Scores) != 1 || e.Scores[0].OnBoard || e.Scores[0].Why != "a score beyond 64 bits: not ranked" {
			t.Errorf("%+v", e.Scores)
		}
	}
	mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "a", `{"appid":"wx1","openid":"a","json":{"baseinfo":{"platid":9223372036854775808}}}`), `{"ret":-1011`)
}

func TestABoardKeepsTheBestUntilItExpires(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		sim := msdktest.New(town)
		time.Sleep(10 * 365 * 24 * time.Hour) // to where a Unix time has ten digits
		at := func(d time.Duration) string { return fmt.Sprint(time.Now().Add(d).Unix()) }
		for i, step := range []struct{ score, expires, why string }{
			{"5", "0", "on the board"},
			{"4", "0", "lower than 5, the best before"},
			{"9", at(time.Hour), "on the board"},
			{"99", at(-time.Second), "expired at 2009-12-28T23:59:59Z"},
			{"9", at(2 * time.Hour), "on the board, the same as before"},
		} {
			mustAnswer(t, sim, newCall(msdktest.PathScore, "ann", score("ann", step.score, step.expires)), `{"ret":0`)
			note := sim.Requests()[0].Scores
			if len(note) != 1 || note[0].Why != step.why || note[0].OpenID != "ann" || fmt.Sprint(note[0].Score) != step.score ||
				note[0].OnBoard != strings.HasPrefix(step.why, "on the board") {
				t.Errorf("step %d: %+v, want %s", i, note, step.why)
			}
		}
		if best, ok := sim.Leaderboard.Best("wx1", "ann"); !ok || best != 9 {
			t.Errorf("the best is %d", best)
		}
		sim.Advance(2*time.Hour - time.Second)
		if len(sim.Leaderboard.Top("wx1", 9)) != 1 {
			t.Error("a score has gone before its time")
		}
		sim.Advance(time.Second)
		if _, ok := sim.Leaderboard.Best("wx1", "ann"); ok || len(sim.Leaderboard.Top("wx1", 9)) != 0 {
			t.Error("a score has not expired")
		}
		mustAnswer(t, sim, newCall(msdktest.PathScore, "ann", score("ann", "-1", "0")), `{"ret":0`)
		if best, ok := sim.Leaderboard.Best("wx1", "ann"); !ok || best != -1 {
			t.Errorf("after one that has expired the best is %d", best)
		}
	})
}

func TestBothReportsFeedOneBoardAndItsDataIsTheLast(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(town)
	mustAnswer(t, sim, newCall(msdktest.PathScore, "ann", score("ann", "5", "0")), `{"ret":0`)
	battles := func(json string) {
		t.Helper()
		mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "ann", `{"appid":"wx1","openid":"ann","json":`+json+`}`), `{"ret":0`)
	}
	battles(`[{"baseinfo":{"openid":"ann","platid":0},"battleinfo":{"score":7},"userdefined":{"gold":{"name":"g","value":1},"plane":{"name":"p","value":"Seraph"}}},` +
		`{"baseinfo":{"openid":"eve","platid":1},"userdefined":{"gold":{"name":"g","value":12345678901234567890}}}]`)
	battles(`{"baseinfo":{"platid":0},"battleinfo":{"score":6},"userdefined":{"gold":{"name":"g","value":2}}}`)
	places, err := json.Marshal(sim.Leaderboard.Places("wx1"))
	const want = `[{"openid":"ann","score":7,"expires":0,"userdefined":{"gold":2,"plane":"Seraph"}},` +
		`{"openid":"eve","score":null,"expires":0,"userdefined":{"gold":12345678901234567890}}]`
	if err != nil || string(places) != want {
		t.Errorf("%s, %v, want %s", places, err, want)
	}
	if top := sim.Leaderboard.Top("wx1", 9); !slices.Equal(top, []msdktest.Standing{{OpenID: "ann", Score: 7}}) {
		t.Errorf("ranked: %v", top)
	}
}

func TestDataOfAGameIsKeptWithinLimits(t *testing.T) {
	t.Parallel()
	cfg := town
	cfg.CountsOnly = true // which is about the ledger
	sim := msdktest.New(cfg)
	var pieces []string
	for i := range 150 {
		pieces = append(pieces, fmt.Sprintf(`"id%d":{"name":"n","value":%d}`, i, i))
	}
	for _, userDefined := range []string{
		`"long":{"name":"n","value":"short"}`,
		`"long":{"name":"n","value":"` + strings.Repeat("x", 1024) + `"},"last":{"name":"n","value":1}`,
		strings.Join(pieces, ","),
		`"last":{"name":"n","value":2},"late":{"name":"n","value":1}`,
	} {
		mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "ann", `{"appid":"wx1","openid":"ann","json":{"baseinfo":{"platid":0},"userdefined":{`+userDefined+`}}}`), `{"ret":0`)
	}
	data := sim.Leaderboard.Places("wx1")[0].UserDefined
	if len(data) != 100 || string(data["long"]) != `"short"` || string(data["last"]) != "2" || data["late"] != nil {
		t.Errorf("%d pieces are kept: %s", len(data), data)
	}
}
