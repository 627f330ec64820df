package msdktest_test

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func readResponse(conn net.Conn, r *http.Request) (*http.Response, error) {
	return http.ReadResponse(bufio.NewReader(conn), r)
}

func TestLedgerKeepsReportsAsTheyStood(t *testing.T) {
	t.Parallel()
	elements := []string{
		`{ "baseinfo" : {"openid":"ü","platid":0} ,` + "\n\t" + `"n":1234567890123456789.50, "n":"\u00fc" }`,
		`{"baseinfo":{"platid":1,"openid":"b"}}`,
	}
	sim := msdktest.New(config)
	began := time.Now()
	mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "url",
		`{"openid":"x","json":[ `+strings.Join(elements, " ,\n")+` ],"appid":"wx1"}`), `{"ret":0`)
	mustAnswer(t, sim, newCall(msdktest.PathBattleReport, "url",
		`{"openid":"c","json": {"baseinfo":{"platid":1} },"appid":"wx1"}`), `{"ret":0`)
	score := `{"appid":"wx1","openid":"d","score":"7","expires":"0"}`
	mustAnswer(t, sim, newCall(msdktest.PathScore, "d", score), `{"ret":0`)

	got := sim.Ledger.Reports()
	for i := range got {
		if got[i].Time.Before(began) || got[i].Time.After(time.Now()) {
			t.Errorf("accepted at %v", got[i].Time)
		}
	}
	want := []string{
		"wx1 ü /profile/wxbattle_report s_1 url " + elements[0],
		"wx1 b /profile/wxbattle_report s_1 url " + elements[1],
		`wx1 c /profile/wxbattle_report s_1 url {"baseinfo":{"platid":1} }`,
		"wx1 d /profile/wxscore s_1 d " + score,
	}
	if !slices.Equal(lines(got), want) {
		t.Errorf("ledger\n%s\nwant\n%s", strings.Join(lines(got), "\n"), strings.Join(want, "\n"))
	}
	if one := sim.Ledger.Player("wx1", "b"); len(one) != 1 || one[0].OpenID != "b" {
		t.Errorf("player b: %v", lines(one))
	}
	if len(sim.Ledger.App("wx1")) != 4 || len(sim.Ledger.App("wx2")) != 0 {
		t.Error("apps are mixed up")
	}
}

func lines(reports []msdktest.Report) []string {
	all := make([]string, len(reports))
	for i, r := range reports {
		all[i] = fmt.Sprintf("%s %s %s %s %s %s", r.AppID, r.OpenID, r.Path, r.Serial, r.URLOpenID, r.Raw)
	}
	return all
}

func TestCountsOnlyKeepsNoReportButTellsOfEach(t *testing.T) {
	t.Parallel()
	var told []string
	cfg := config
	cfg.CountsOnly = true
	cfg.OnAccept = func(r msdktest.Report) { told = append(told, r.OpenID) }
	sim := msdktest.New(cfg)
	mustAnswer(t, sim, battle("a", "b"), `{"ret":0`)
	mustAnswer(t, sim, battle("c"), `{"ret":0`)
	if sim.Ledger.Len() != 3 || len(sim.Ledger.Reports()) != 0 || strings.Join(told, "") != "abc" {
		t.Errorf("%d counted, %d kept, told of %v", sim.Ledger.Len(), len(sim.Ledger.Reports()), told)
	}
}

func TestSnapshotsAreTheCallersOwn(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	mustAnswer(t, sim, battle("a"), `{"ret":0`)
	sim.Ledger.Reports()[0].OpenID = "x"
	sim.Ledger.Outcomes()["ret 0"] = 99
	if sim.Ledger.Reports()[0].OpenID != "a" || sim.Ledger.Outcomes()["ret 0"] != 1 {
		t.Error("a caller has changed the ledger")
	}
}

func TestBatchesStandTogetherOnTheLedger(t *testing.T) {
	t.Parallel()
	sim := msdktest.New(config)
	var clients sync.WaitGroup
	for i := range 8 {
		clients.Go(func() {
			for j := range 50 {
				c := battle("a", "b", "c")
				c.params.Set("msdkExtInfo", fmt.Sprintf("s_%d_%d", i, j))
				c.do(sim)
				sim.Ledger.Len()
				sim.Leaderboard.Top("wx1", 1)
			}
		})
	}
	clients.Wait()
	got := sim.Ledger.Reports()
	if len(got) != 1200 {
		t.Fatalf("%d reports, want 1200", len(got))
	}
	for batch := range slices.Chunk(got, 3) {
		if batch[0].OpenID+batch[1].OpenID+batch[2].OpenID != "abc" ||
			batch[0].Serial != batch[1].Serial || batch[1].Serial != batch[2].Serial {
			t.Fatalf("a batch is mixed up: %v", lines(batch))
		}
	}
}

func BenchmarkBatchOfHundred(b *testing.B) {
	cfg := config
	cfg.CountsOnly = true
	sim := msdktest.New(cfg)
	openids := make([]string, 100)
	for i := range openids {
		openids[i] = fmt.Sprintf("oGRTijrV0l67hDGN7dstOl8CphN0%d", i)
	}
	c := battle(openids...)
	b.SetBytes(int64(len(c.body)))
	b.ReportAllocs()
	for b.Loop() {
		c.do(sim)
	}
	if sim.Ledger.Outcomes()["ret 0"] == 0 {
		b.Error("nothing was accepted")
	}
}
