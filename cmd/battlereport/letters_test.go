package main

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestStatsBeginWithTheVerdict(t *testing.T) {
	t.Parallel()
	p := newPost(t, 3)
	p.letters(t, 20)
	got := p.invoke(t, "", "stats")
	if got.code != exitDone || got.stderr != "" || !strings.HasPrefix(got.stdout, "20 letters are pending, of 7 players.\n") ||
		!strings.Contains(got.stdout, "10   50.0%  /baseinfo/platid: expected integer, but got string") {
		t.Errorf("%+v", got)
	}
	var s struct {
		Letters int64
		Reasons []struct {
			Name    string
			Letters int64
		}
	}
	got = p.invoke(t, "", "stats", "-o", "json", "--reason", "exhausted")
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil || s.Letters != 10 || len(s.Reasons) != 1 || s.Reasons[0].Name != "exhausted" {
		t.Errorf("%+v: %v", got, err)
	}
}

func TestWhereNoLetterMatchesTheExitCodeSaysSo(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 4)
	for rule, test := range map[string]struct {
		args []string
		want outcome
	}{
		"stats":           {[]string{"stats", "--ret", "-1011"}, outcome{exitNone, "", "no pending letter matches, of 4 records in TOPIC.dlq\n"}},
		"list":            {[]string{"list", "--openid", "nobody", "--state", "all"}, outcome{exitNone, "", "no letter matches, of 4 records in TOPIC.dlq\n"}},
		"list as JSON":    {[]string{"list", "--openid", "nobody", "-o", "json"}, outcome{exitNone, "[]\n", "no pending letter matches, of 4 records in TOPIC.dlq\n"}},
		"another state":   {[]string{"list", "--state", "replayed"}, outcome{exitNone, "", "there is no replayed letter, of 4 records in TOPIC.dlq\n"}},
		"export":          {[]string{"export", "--since", "2h", "--until", "119m"}, outcome{exitNone, "", "no pending letter matches, of 0 records in TOPIC.dlq\n"}},
		"replay":          {[]string{"replay", "--app", "wx2"}, outcome{exitNone, "", "no pending letter matches, of 4 records in TOPIC.dlq\n"}},
		"a failing where": {[]string{"list", "--where", "error"}, outcome{exitNone, "", "battlereport: --where failed on 4 letters, none of which matches; the first: letter TOPIC.dlq/0/3: "}},
	} {
		got := p.invoke(t, "", test.args[0], test.args[1:]...)
		if rule == "a failing where" {
			got.stderr = got.stderr[:min(len(got.stderr), len(test.want.stderr))]
		}
		if rule == "export" {
			got.stderr = strings.Replace(got.stderr, "of 4 records", "of 0 records", 1) // it may, or may not, know where to begin
		}
		if got != test.want {
			t.Errorf("%s:\ngot  %+v\nwant %+v", rule, got, test.want)
		}
	}
}

func TestListShowsTheNewestFirstAndSaysThatThereAreMore(t *testing.T) {
	t.Parallel()
	p := newPost(t, 3)
	p.letters(t, 60)
	got := p.invoke(t, "", "list")
	lines := strings.Split(got.stdout, "\n")
	if got.code != exitDone || len(lines) != 52 || !strings.HasPrefix(lines[0], "NAME ") ||
		got.stderr != "these are the newest 50; more match, of 60 records: --limit 0 lists all, stats counts them\n" {
		t.Errorf("%d lines, %+v", len(lines), got)
	}
	if got := p.invoke(t, "", "list", "--limit", "60"); got.stderr != "" || strings.Count(got.stdout, "\n") != 61 {
		t.Errorf("%+v", got)
	}
	var list []struct {
		Headers []struct{ Value string }
		Value   string
	}
	got = p.invoke(t, "", "list", "-o", "json")
	if err := json.Unmarshal([]byte(got.stdout), &list); err != nil || len(list) != 60 {
		t.Fatalf("%d letters, %v: %+v", len(list), err, got)
	}
	for i, l := range list {
		if n := fmt.Sprint(59 - i); l.Headers[0].Value != n {
			t.Errorf("letter %d is %s, want %s", i, l.Headers[0].Value, n)
		}
	}
}

func TestFiltersSelect(t *testing.T) {
	t.Parallel()
	p := newPost(t, 2)
	ret := -1011
	p.letters(t, 14, func(i int, l *deadletter.Letter) {
		if i < 3 {
			l.Reason, l.Ret, l.HTTPStatus, l.Delivery = deadletter.Rejected, &ret, 200, deadletter.Uncertain
		}
		if i == 13 {
			l.AppID, l.Route, l.Reason = "", "", deadletter.UnknownApp
		}
	})
	for rule, test := range map[string]struct {
		args []string
		want int
	}{
		"all pending":                     {nil, 14},
		"a reason":                        {[]string{"--reason", "schema_violation"}, 5},
		"several, with a comma":           {[]string{"--reason", "schema_violation,rejected"}, 8},
		"several, by repeating the flag":  {[]string{"--reason", "schema_violation", "--reason", "rejected"}, 8},
		"an answer of the platform":       {[]string{"--ret", "-1011"}, 3},
		"one of several":                  {[]string{"--ret", "-1,-1011"}, 3},
		"an app":                          {[]string{"--app", "wx1"}, 13},
		"no known app":                    {[]string{"--app", "unknown"}, 1},
		"a player":                        {[]string{"--openid", "user-3"}, 2},
		"a topic":                         {[]string{"--topic", "TOPIC"}, 14},
		"a place in it":                   {[]string{"--partition", "0", "--offset", "5"}, 1},
		"another partition":               {[]string{"--partition", "1"}, 0},
		"a violation":                     {[]string{"--violation", "/baseinfo"}, 7},
		"uncertain ones":                  {[]string{"--delivery", "uncertain"}, 3},
		"of the last hour or so":          {[]string{"--since", "90m"}, 14},
		"until then":                      {[]string{"--until", "90m"}, 0},
		"a condition":                     {[]string{"--where", ".value.battleinfo.score > 10 and (.letter.replays == 0)"}, 4},
		"all that are given must match":   {[]string{"--violation", "/baseinfo", "--openid", "user-3"}, 1},
		"a state that no letter has":      {[]string{"--state", "discarded"}, 0},
		"any state":                       {[]string{"--state", "all"}, 14},
		"what no letter of the topic has": {[]string{"--topic", "TOPIC", "--app", "wx9"}, 0},
	} {
		got := p.invoke(t, "", "list", append(test.args, "-o", "jsonl")...)
		want := exitDone
		if test.want == 0 {
			want = exitNone
		}
		if n := strings.Count(got.stdout, "\n"); n != test.want || got.code != want {
			t.Errorf("%s: %d letters, want %d: %+v", rule, n, test.want, got)
		}
	}
}

func TestLettersOfSeveralTopicsAreReadTogether(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	one, two := newPostAt(t, b, 2), newPostAt(t, b, 1)
	for i := range 6 {
		[]*post{one, two}[i%2].letters(t, 1, func(_ int, l *deadletter.Letter) {
			l.Headers[0].Value, l.Time = fmt.Append(nil, i), l.Time.Add(time.Duration(i)*time.Second)
		})
	}
	never := kafkatest.Name(t) // of which there are no dead letters yet
	path := publishConfig(t, b, one.source, two.source, never)
	order := func(args ...string) (n []string) {
		got := invoke(t, "", append(args, "-c", path)...)
		for line := range strings.Lines(got.stdout) {
			var l struct{ Headers []struct{ Value string } }
			if err := json.Unmarshal([]byte(line), &l); err != nil {
				t.Fatalf("%+v: %v", got, err)
			}
			n = append(n, l.Headers[0].Value)
		}
		return n
	}
	if got := order("deadletter", "list", "-o", "jsonl"); !slices.Equal(got, []string{"5", "4", "3", "2", "1", "0"}) {
		t.Errorf("the newest first: %v", got)
	}
	if got := order("deadletter", "export"); !slices.Equal(got, []string{"0", "1", "2", "3", "4", "5"}) {
		t.Errorf("the oldest first: %v", got)
	}
	if got := order("deadletter", "export", "--topic", two.source); !slices.Equal(got, []string{"1", "3", "5"}) {
		t.Errorf("of one: %v", got)
	}
	got := invoke(t, "", "deadletter", "replay", "-c", path, "--since", "2h", "--yes")
	if got.code != exitDone || total(one.replayed(t)) != 3 || total(two.replayed(t)) != 3 {
		t.Errorf("%+v", got)
	}
	got = invoke(t, "", "deadletter", "stats", "-c", path, "--topic", never)
	if got.code != exitCannot || !strings.Contains(got.stderr, never+".dlq") || !strings.Contains(got.stderr, "the configuration has the topics "+one.source) {
		t.Errorf("%+v", got)
	}
	got = invoke(t, "", "deadletter", "stats", "-c", path, "--topic", one.dlq)
	if got.code != exitCannot || !strings.HasSuffix(got.stderr, "; did you mean --topic "+one.source+"?\n") {
		t.Errorf("the dead-letter topic for its source: %+v", got)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 2)
	got := p.invoke(t, "", "show", "TOPIC.dlq/0/1", "TOPIC.dlq/0/0")
	if got.code != exitDone || got.stderr != "" || !strings.Contains(got.stdout, "\n    \"platid\": \"1\"\n") &&
		!strings.Contains(got.stdout, "^^^ expected integer, but got string") || strings.Index(got.stdout, "TOPIC.dlq/0/1") > strings.Index(got.stdout, "TOPIC.dlq/0/0") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "TOPIC.dlq/0/0", "--yes", "--by", "ada", "-o", "json"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	got = p.invoke(t, "", "show", "TOPIC.dlq/0/0", "-o", "json")
	var l struct {
		Name, State, Value string
		History            []struct{ By string }
	}
	if err := json.Unmarshal([]byte(got.stdout), &l); err != nil || l.State != "replayed" || len(l.History) != 1 || l.History[0].By != "ada" || l.Value != reportOf("user-0", 1) {
		t.Errorf("%+v: %v", got, err)
	}
	got = p.invoke(t, "", "show", "TOPIC.dlq/0/1", "TOPIC.dlq/0/2", "TOPIC.dlq/9/0")
	if got.code != exitNo || strings.Count(got.stderr, "\n") != 2 || !strings.Contains(got.stderr, "TOPIC.dlq/0/2") || got.stdout == "" {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "show", "TOPIC.dlq/0/99"); got.code != exitNone || got.stderr != "battlereport: TOPIC.dlq/0/99: there is no such letter\n" {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "show", "other.dlq/0/2"); got.code != exitCannot || !strings.HasPrefix(got.stderr, "battlereport: topic other.dlq: there is no such topic at ") {
		t.Errorf("a topic that does not exist: %+v", got)
	}
	if got := p.invoke(t, "", "show", "other.dlq/0/2", "TOPIC.dlq/0/1"); got.code != exitNo || !strings.Contains(got.stdout, "TOPIC.dlq/0/1") || !strings.Contains(got.stderr, "topic other.dlq: there is no such topic") {
		t.Errorf("one of two topics that does not exist: %+v", got)
	}
	for _, args := range [][]string{{"show"}, {"replay", "--yes"}, {"discard", "--because", "x", "--yes"}} {
		got := p.invoke(t, "", args[0], append(args[1:], p.source+"/0/1")...)
		if got.code != exitCannot || !strings.Contains(got.stderr, "did you mean TOPIC.dlq/0/1?") {
			t.Errorf("%v: %+v", args, got)
		}
	}
}

func TestANamePastRetentionIsToldAsSuch(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 5)
	deleteBefore(t, p, 3)
	got := p.invoke(t, "", "show", "TOPIC.dlq/0/1")
	if got.code != exitNone || !strings.Contains(got.stderr, "begins at offset 3") {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, "", "replay", "TOPIC.dlq/0/1", "TOPIC.dlq/0/4", "TOPIC.dlq/0/77", "--yes", "-o", "json")
	r := reported(t, got)
	if gone, missing := r.Left[0].Examples[0].Detail, r.Left[1].Examples[0].Detail; gone != "it is no longer kept: its partition now begins at offset 3" || missing != "there is no such letter" {
		t.Errorf("the name, which stands beside them, is in %q or %q", gone, missing)
	}
	if got.code != exitNo || r.Done != 1 || len(r.Left) != 2 || r.Left[0].Kind != "gone" || r.Left[1].Kind != "not_found" {
		t.Errorf("%+v", got)
	}
}

// deleteBefore does what retention does.
func deleteBefore(t *testing.T, p *post, offset int64) {
	t.Helper()
	client := kafkaClient(t, p.Broker)
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = 60_000
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = p.dlq
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Offset = offset
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), client)
	if err == nil {
		err = kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func TestShowHasTheHistoryOfALetterBesidesWhatListHas(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 1, goodLetters)
	got := p.invoke(t, "", "replay", "TOPIC.dlq/0/0", "--yes", "-o", "json")
	if !regexp.MustCompile(`"seconds":\d+(\.\d{1,3})?[,}]`).MatchString(got.stdout) {
		t.Errorf("seconds are not in milliseconds: %s", got.stdout)
	}
	list, show := p.invoke(t, "", "list", "--state", "all", "-o", "jsonl"), p.invoke(t, "", "show", "TOPIC.dlq/0/0", "-o", "json")
	if !strings.HasPrefix(show.stdout, strings.TrimSuffix(list.stdout, "}\n")+`,"history":[{"state":"replayed",`) {
		t.Errorf("list %s\nshow %s", list.stdout, show.stdout)
	}
}

func TestWhatLiesBehindAnOpenTransactionIsNotReadAndThatIsSaid(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3)
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Addrs()...), kgo.Dialer(p.Dial), kgo.TransactionalID(p.dlq), kgo.DisableClientMetrics())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: p.dlq, Value: []byte("open")}).FirstErr(); err != nil {
		t.Fatal(err)
	}
	p.letters(t, 2)
	says := "3 offsets in TOPIC.dlq cannot be read yet, and may hold letters: a producer has a transaction open before them"
	for _, verb := range []string{"stats", "list", "export"} {
		if got := p.invoke(t, "", verb); got.code != exitDone || !strings.Contains(strings.Join(strings.Fields(got.stderr), " "), says) {
			t.Errorf("%s: %+v", verb, got)
		}
	}
	if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
		t.Fatal(err)
	}
	p.AwaitTransactions(t, p.dlq)
	if got := p.invoke(t, "", "stats"); got.code != exitDone || got.stderr != "" {
		t.Errorf("%+v", got)
	}
}
