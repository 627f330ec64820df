package main

import (
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

// elsewhere creates a topic that no configuration names, and returns its name.
func (p *post) elsewhere(t *testing.T, partitions int32, settings map[string]string) string {
	t.Helper()
	topic := p.source + "-elsewhere"
	if err := p.CreateTopic(t.Context(), topic, partitions, settings); err != nil {
		t.Fatal(err)
	}
	return topic
}

// headersOf are the names of a record's headers, in order.
func headersOf(headers []consumer.Header) (names []string) {
	for _, h := range headers {
		names = append(names, h.Key)
	}
	return names
}

func TestAReplayToATopicIsTheRecordThereAndTheLetterIsDone(t *testing.T) {
	t.Parallel()
	p := newPost(t, 2)
	p.letters(t, 20, goodLetters)
	p.replay = p.elsewhere(t, 3, nil) // where the harness looks
	got := p.invoke(t, "", "replay", "--since", "1d", "--to", "TOPIC-elsewhere", "--dry-run")
	if got.code != exitDone || !strings.HasPrefix(got.stdout, "20 letters would be replayed to TOPIC-elsewhere; at 1,000 a second that takes 1s. The pipeline does not read TOPIC-elsewhere: their values are not checked.\n") {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, "", "replay", "--since", "1d", "--to", "TOPIC-elsewhere", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Done != 20 || !strings.Contains(got.stdout, `"to":["TOPIC-elsewhere"]`) {
		t.Errorf("%+v", got)
	}
	want := map[string][]string{}
	for i := range 20 {
		user := fmt.Sprintf("user-%d", i%7)
		want[user] = append(want[user], reportOf(user, 1))
	}
	if got := p.replayed(t); !publishtest.SameByUser(got, want) {
		t.Errorf("the topic holds %v", got)
	}
	partitions := map[string]int32{}
	for _, r := range p.ReadAll(t, p.replay) {
		if before, known := partitions[string(r.Key)]; known && before != r.Partition {
			t.Errorf("%s is in two partitions", r.Key)
		}
		partitions[string(r.Key)] = r.Partition
		headers := make([]consumer.Header, len(r.Headers))
		for i, h := range r.Headers {
			headers[i] = consumer.Header(h)
		}
		if origin, ok := deadletter.OriginOf(headers); !ok || origin.Replays != 1 || origin.Source.Topic != p.source || headers[0].Key != "n" {
			t.Errorf("%v", headersOf(headers))
		}
	}
	if got := p.invoke(t, "", "show", "TOPIC.dlq/0/0"); !strings.Contains(strings.Join(strings.Fields(got.stdout), " "), ", to TOPIC-elsewhere") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "show", "TOPIC.dlq/0/0", "-o", "json"); !strings.Contains(got.stdout, `"replay_topic":"TOPIC-elsewhere"`) {
		t.Errorf("%+v", got)
	}
	for _, to := range [][]string{nil, {"--to", "TOPIC-elsewhere"}} {
		if got := p.invoke(t, "", "replay", append([]string{"--since", "1d", "--yes"}, to...)...); got.code != exitNone {
			t.Errorf("%v: %+v", to, got)
		}
	}
	if topics := p.Topics(t, p.source+".replay"); len(topics) > 0 {
		t.Errorf("there are %v", topics)
	}
}

func TestADestinationIsATopicThatIsThereAndTakesRecords(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, goodLetters)
	export := p.invoke(t, "", "export").stdout
	for rule, test := range map[string]struct {
		args []string
		want string
	}{
		"none is created":                     {[]string{"--to", "TOPIC-none"}, "battlereport: --to TOPIC-none: there is no such topic at "},
		"nor the replay topic, if it is said": {[]string{"--to", "TOPIC.replay"}, "battlereport: --to TOPIC.replay: there is no such topic at "},
		"a name that no topic can have":       {[]string{"--to", "a b/c"}, "battlereport: --to a b/c: there is no such topic at "},
		"it is not the letters' own":          {[]string{"--to", "TOPIC.dlq"}, "battlereport: --to TOPIC.dlq: it is a dead-letter topic; want one"},
		"nor another topic of letters":        {[]string{"--to", "other.dlq"}, "battlereport: --to other.dlq: it is a dead-letter topic; want one"},
		"nor that of resolutions":             {[]string{"--to", "TOPIC.dlq.resolutions"}, "battlereport: --to TOPIC.dlq.resolutions: it is the topic of what is done about the letters of TOPIC.dlq; want one"},
		"nor one of Kafka's own":              {[]string{"--to", "__consumer_offsets"}, "battlereport: --to __consumer_offsets: it is one of Kafka's own topics; want one"},
		"a variable that is not set is none":  {[]string{"--to", ""}, "battlereport: --to: want a topic, have none"},
		"nor is one a header":                 {[]string{"--drop-header", ""}, "battlereport: --drop-header: want the name of a header, have none"},
		"what tells a replay stays":           {[]string{"--drop-header", "deadletter.source.offset"}, "battlereport: --drop-header deadletter.source.offset: want another header: "},
		"so does how often it was replayed":   {[]string{"--to", "TOPIC", "--drop-header", "deadletter.replays"}, "battlereport: --drop-header deadletter.replays: want another header: "},
	} {
		for _, command := range [][]string{{"replay", "--since", "1d"}, {"import", "-"}} {
			for _, how := range []string{"--yes", "--dry-run"} {
				args := append(append(slices.Clone(command[1:]), test.args...), how)
				if got := p.invoke(t, export, command[0], args...); got.code != exitCannot || got.stdout != "" || !strings.HasPrefix(got.stderr, test.want) {
					t.Errorf("%s: %s %v: %+v", rule, command[0], args, got)
				}
			}
		}
	}
	topics := slices.DeleteFunc(p.Topics(t, p.source), func(name string) bool { return strings.Contains(name, ".draft-") }) // of the harness
	if pending := p.names(t, "pending"); len(topics) != 2 || len(pending) != 3 {
		t.Errorf("there are %v, pending are %v", topics, pending)
	}
}

func TestHeadersAreDroppedByTheirExactNamesAndTheOthersStayInOrder(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 4, goodLetters, func(i int, l *deadletter.Letter) {
		l.Headers = append(l.Headers, consumer.Header{Key: "Trace", Value: []byte("1")})
		if i > 0 {
			l.Headers = slices.Insert(l.Headers, 1, consumer.Header{Key: "trace", Value: []byte("2")}, consumer.Header{Key: "a", Value: []byte("3")}, consumer.Header{Key: "trace"})
		}
	})
	got := p.invoke(t, "", "replay", "--since", "1d", "--drop-header", "trace", "--drop-header", "trac*", "--drop-header", "trace", "--dry-run", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Planned != 4 || !strings.Contains(got.stdout, `"dropped_headers":[{"name":"trac*","letters":0},{"name":"trace","letters":3}]`) {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, "", "replay", "--since", "1d", "--drop-header", "trace", "--jq", ".battleinfo.score = 7", "--yes")
	if got.code != exitDone || !strings.Contains(got.stdout, "4 of them repaired, without the header trace of 3;") {
		t.Errorf("%+v", got)
	}
	for i, r := range p.ReadAll(t, p.replay) {
		want := []string{"n", "a", "Trace"}
		if i == 0 {
			want = []string{"n", "Trace"}
		}
		var names []string
		for _, h := range r.Headers {
			if !strings.HasPrefix(h.Key, deadletter.HeaderPrefix) {
				names = append(names, h.Key)
			}
		}
		if !slices.Equal(names, want) || len(r.Headers) != len(want)+6 || !strings.Contains(string(r.Value), `"score": 7`) {
			t.Errorf("%d: %q: %s", i, names, r.Value)
		}
	}
	if got := p.invoke(t, "", "show", "TOPIC.dlq/0/1"); !strings.Contains(got.stdout, "  trace: 2\n") {
		t.Errorf("the letter itself has lost it: %+v", got)
	}
}

// Of two apps, the first has the source topic of the post alone, and shares another with the second.
func TestWhoReadsTheDestinationDecidesWhatMayGoThere(t *testing.T) {
	t.Parallel()
	const source, shared, elsewhere, replay = "TOPIC", "TOPIC-shared", "TOPIC-elsewhere", "TOPIC-shared.replay"
	appid := func(id string) func(int, *deadletter.Letter) {
		return func(_ int, l *deadletter.Letter) { l.Headers = []consumer.Header{{Key: "appid", Value: []byte(id)}} }
	}
	bad := func(_ int, l *deadletter.Letter) { l.Value = []byte(`{"baseinfo":`) }
	forgotten := func(_ int, l *deadletter.Letter) { l.Source.Topic = "forgotten" }
	for rule, test := range map[string]struct {
		to     string
		change func(int, *deadletter.Letter)
		args   []string
		left   string // the kind of obstacle; empty: it goes there
	}{
		"a value that the pipeline would refuse does not go where it reads":      {source, bad, nil, "invalid_json"},
		"nor to a topic of replays":                                              {replay, bad, nil, "invalid_json"},
		"and goes where it does not":                                             {elsewhere, bad, nil, ""},
		"a repaired one goes anywhere":                                           {source, bad, []string{"--raw", "--jq", fmt.Sprintf("%q", reportOf("o1", 1))}, ""},
		"a topic of several apps wants to be told which":                         {shared, goodLetters, nil, "unknown_app"},
		"and is told by the header":                                              {shared, appid("wx2"), nil, ""},
		"unless that is dropped":                                                 {shared, appid("wx2"), []string{"--drop-header", "appid"}, "unknown_app"},
		"an app that the destination does not serve":                             {source, appid("wx2"), nil, "unknown_app"},
		"is none to a topic of replays either, where the first topic counts":     {replay, appid("wx2"), nil, "unknown_app"},
		"a letter of a topic that is not configured any more goes to another":    {source, forgotten, nil, ""},
		"and to one that the pipeline does not read":                             {elsewhere, forgotten, nil, ""},
		"and not to a topic of replays, where nobody would know it":              {replay, forgotten, nil, "unknown_topic"},
		"one that came back as often as it may stays, wherever it is to go":      {elsewhere, func(_ int, l *deadletter.Letter) { l.Replays = 5 }, nil, "max_replays"},
		"and goes when it may come back more often, its value checked by nobody": {elsewhere, func(i int, l *deadletter.Letter) { l.Replays = 5; bad(i, l) }, []string{"--max-replays", "6"}, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			p := newPost(t, 1)
			for _, topic := range []string{shared, elsewhere, replay} {
				if err := p.CreateTopic(t.Context(), strings.ReplaceAll(topic, "TOPIC", p.source), 1, nil); err != nil {
					t.Fatal(err)
				}
			}
			p.config = publishConfig(t, p.Broker, p.source+", "+p.source+"-shared", p.source+"-shared")
			p.letters(t, 1, goodLetters, test.change)
			p.replay = strings.ReplaceAll(test.to, "TOPIC", p.source)
			got := p.invoke(t, "", "replay", append([]string{"TOPIC.dlq/0/0", "--yes", "-o", "json", "--to", test.to}, test.args...)...)
			r, written := reported(t, got), len(p.committed(t))
			if test.left == "" && (got.code != exitDone || r.Done != 1 || written != 1) ||
				test.left != "" && (got.code != exitNo || len(r.Left) != 1 || r.Left[0].Kind != test.left || written > 0) {
				t.Errorf("%d written: %+v", written, got)
			}
		})
	}
}

func TestThatOtherReadersOfAGamesTopicSeeRecordsTwiceIsSaid(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 2, goodLetters)
	got := p.invoke(t, "", "replay", "--since", "1d", "--to", "TOPIC", "--dry-run")
	want := "Other readers of TOPIC see them a second time; one that becomes a letter again is a new one, whose replays count from 0.\n"
	if got.code != exitDone || !strings.Contains(got.stdout, want) {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--dry-run"); strings.Contains(got.stdout, "Other readers") {
		t.Errorf("%+v", got)
	}
}

func TestTwinsGoToADestinationOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 5, goodLetters)
	p.Produce(t, p.ReadAll(t, p.dlq)...)
	p.replay = p.elsewhere(t, 1, nil)
	got := p.invoke(t, "", "replay", "--since", "1d", "--to", "TOPIC-elsewhere", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Done != 5 || len(p.committed(t)) != 5 {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--yes"); got.code != exitNone {
		t.Errorf("%+v", got)
	}
}

func TestAnImportGoesToADestinationAsWell(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, goodLetters)
	export := p.invoke(t, "", "export").stdout
	p.replay = p.elsewhere(t, 1, nil)
	got := p.invoke(t, strings.ReplaceAll(export, `\"score\":1`, `\"score\":9`), "import", "-", "--to", "TOPIC-elsewhere", "--drop-header", "n", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Done != 3 || !strings.Contains(got.stdout, `"dropped_headers":[{"name":"n","letters":3}]`) {
		t.Errorf("%+v", got)
	}
	for _, r := range p.committed(t) {
		if slices.Contains(headersOf(r.Headers), "n") {
			t.Errorf("%v", headersOf(r.Headers))
		}
	}
}

func TestARecordTooLargeForTheDestinationStaysAndTheOthersGo(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	noise := make([]byte, 30_000) // which cannot be compressed
	_, _ = rand.Read(noise)
	p.letters(t, 9, goodLetters, func(i int, l *deadletter.Letter) {
		if i == 4 {
			l.Headers = append(l.Headers, consumer.Header{Key: "large", Value: noise})
		}
	})
	p.replay = p.elsewhere(t, 1, map[string]string{"max.message.bytes": "20000"})
	got := p.invoke(t, "", "replay", "--since", "1d", "--to", "TOPIC-elsewhere", "--yes")
	if got.code != exitNo || !strings.Contains(got.stdout, "\nreplayed 8 letters to TOPIC-elsewhere in ") ||
		!strings.Contains(got.stdout, "TOPIC.dlq/0/4: the topic it is replayed to refuses it for its size") {
		t.Errorf("%+v", got)
	}
	if n, left := len(p.committed(t)), p.names(t, "pending"); n != 8 || len(left) != 1 {
		t.Errorf("%d are there, %v are left", n, left)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--to", "TOPIC-elsewhere", "--drop-header", "large", "--yes"); got.code != exitDone || len(p.committed(t)) != 9 {
		t.Errorf("without what is large: %+v", got)
	}
}

func TestADestinationThatIsDeletedAmidEndsTheReplayAndWhatIsNotThereIsPending(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 6, goodLetters)
	p.elsewhere(t, 1, nil)
	stdout := &hookedWriter{text: " would be ", hook: func() {
		if err := p.DeleteTopic(t.Context(), p.source+"-elsewhere"); err != nil {
			t.Error(err)
		}
	}}
	var stderr strings.Builder
	args := []string{"deadletter", "replay", "-c", p.config, "--since", "1d", "--to", p.source + "-elsewhere", "--yes"}
	code := run(t.Context(), args, strings.NewReader(""), stdout, &stderr)
	if want := "write to topic " + p.source + "-elsewhere: there is no such topic"; code != exitCannot || !strings.Contains(stderr.String(), want) {
		t.Errorf("%d: %s%s", code, &stdout.written, &stderr)
	}
	if topics, left := p.Topics(t, p.source+"-elsewhere"), p.names(t, "pending"); len(topics) > 0 || len(left) != 6 {
		t.Errorf("there are %v, pending are %v", topics, left)
	}
}

// One that is a letter again, after a replay to another topic of replays, says so.
func TestAReplayToATopicOfReplaysCountsOn(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 1, goodLetters, func(_ int, l *deadletter.Letter) { l.Replays = 2 })
	if err := p.CreateTopic(t.Context(), p.replay, 1, nil); err != nil {
		t.Fatal(err)
	}
	if got := p.invoke(t, "", "replay", "--app", "wx1", "--to", "TOPIC.replay", "--yes"); got.code != exitDone || strings.Contains(got.stdout, "Other readers") {
		t.Errorf("%+v", got)
	}
	r := kafkatest.Record{}
	if all := p.ReadAll(t, p.replay); len(all) == 1 {
		r = all[0]
	}
	headers := map[string]string{}
	for _, h := range r.Headers {
		headers[h.Key] = string(h.Value)
	}
	if headers[deadletter.HeaderReplays] != "3" || headers[deadletter.HeaderPrevious] != p.dlq+"/0/0" {
		t.Errorf("%v", headers)
	}
}
