package main

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/store"
	"github.com/battlereport/battlereport/deadletter/topic"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The exit codes, by the names they have in these tests.
const (
	exitDone   = cli.ExitDone
	exitNo     = cli.ExitNo
	exitCannot = cli.ExitCannot
	exitNone   = cli.ExitNone
)

// An outcome is what a run of the program leaves.
type outcome struct {
	code           int
	stdout, stderr string
}

// invoke runs the program in this process with the arguments and the standard input given.
func invoke(t *testing.T, stdin string, args ...string) outcome {
	t.Helper()
	var stdout, stderr strings.Builder
	code := run(t.Context(), args, strings.NewReader(stdin), &stdout, &stderr)
	return outcome{code, stdout.String(), stderr.String()}
}

func write(t *testing.T, name, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// reportOf returns a report of the user, with spaces that no encoder would write.
func reportOf(openID string, score int) string { return publishtest.Report(openID, score) }

// publishConfig writes a configuration with an app for each group of topics, and returns its path.
func publishConfig(t *testing.T, b *kafkatest.Broker, topics ...string) string {
	t.Helper()
	text := fmt.Sprintf("kafka: {brokers: [%s]}\napps:\n", strings.Join(b.Addrs(), ", "))
	for i, group := range topics {
		text += fmt.Sprintf("- {appid: wx%d, appkey: k, topics: [%s]}\n", i+1, group)
	}
	return write(t, "battlereport.yaml", text)
}

// A post is a broker with the dead letters of a source topic.
type post struct {
	*kafkatest.Broker
	source, dlq, replay string
	config              string // the path
	partitions          int32
}

// newPost returns a post whose source topic exists, and its other topics not yet but for the dead letters'.
func newPost(t *testing.T, partitions int32) *post {
	t.Helper()
	return newPostAt(t, kafkatest.Start(t), partitions)
}

func newPostAt(t *testing.T, b *kafkatest.Broker, partitions int32) *post {
	t.Helper()
	p := &post{Broker: b, source: b.Topic(t, partitions), partitions: partitions}
	p.dlq, p.replay = p.source+".dlq", p.source+".replay"
	if err := b.CreateTopic(t.Context(), p.dlq, partitions, nil); err != nil {
		t.Fatal(err)
	}
	p.config = publishConfig(t, b, p.source)
	return p
}

// letters writes n letters of a few players, one a second beginning an hour ago, each other one with a platid that is
// text, and changed. The header n says which it is.
func (p *post) letters(t *testing.T, n int, changes ...func(int, *deadletter.Letter)) {
	t.Helper()
	letters := make([]deadletter.Letter, n)
	began := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	for i := range letters {
		l := &letters[i]
		*l = deadletter.Letter{
			Key: fmt.Appendf(nil, "user-%d", i%7), Value: []byte(reportOf(fmt.Sprintf("user-%d", i%7), i+1)),
			Headers: []consumer.Header{{Key: "n", Value: fmt.Append(nil, i)}},
			Reason:  deadletter.Exhausted, Detail: "no call succeeded", Attempts: 3, Delivery: deadletter.None, AppID: "wx1", Route: "battle_report",
			Source: deadletter.Source{Topic: p.source, Partition: 0, Offset: int64(i), Time: began}, Time: began.Add(time.Duration(i) * time.Second),
		}
		if i%2 == 1 {
			l.Value = []byte(strings.Replace(string(l.Value), `"platid":1`, `"platid":"1"`, 1))
			l.Reason, l.Detail = deadletter.SchemaViolation, "/baseinfo/platid: expected integer, but got string"
			l.Violations = []deadletter.Violation{{Instance: "/baseinfo/platid", Keyword: "/properties/baseinfo/properties/platid/type", Message: "expected integer, but got string"}}
		}
		for _, change := range changes {
			change(i, l)
		}
	}
	// They are written as the pipeline does, and copied to where they are to lie with times of their own.
	draft := p.source + ".draft-" + rand.Text()
	if err := p.CreateTopic(t.Context(), draft, p.partitions, nil); err != nil {
		t.Fatal(err)
	}
	w, err := deadletter.NewWriter(consumer.Connection{Brokers: p.Addrs(), Dial: p.Dial}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	if _, err := w.Write(t.Context(), draft, letters...); err != nil {
		t.Fatal(err)
	}
	records := p.ReadAll(t, draft)
	for i := range records {
		r := &records[i]
		r.Topic = p.dlq
		for _, h := range r.Headers {
			if h.Key == deadletter.HeaderTime {
				r.Timestamp, _ = time.Parse(time.RFC3339Nano, string(h.Value))
			}
		}
	}
	slices.SortStableFunc(records, func(a, b kafkatest.Record) int { return a.Timestamp.Compare(b.Timestamp) })
	p.Produce(t, records...)
}

// invoke runs a command about the letters. The topic's name is written as TOPIC in and out.
func (p *post) invoke(t *testing.T, stdin, command string, args ...string) outcome {
	t.Helper()
	for i, a := range args {
		args[i] = strings.ReplaceAll(a, "TOPIC", p.source)
	}
	stdin = strings.ReplaceAll(stdin, "TOPIC", p.source)
	got := invoke(t, stdin, slices.Concat([]string{"deadletter", command, "-c", p.config}, args)...)
	got.stdout, got.stderr = strings.ReplaceAll(got.stdout, p.source, "TOPIC"), strings.ReplaceAll(got.stderr, p.source, "TOPIC")
	return got
}

// committed returns what a reader of committed records finds in the replay topic: aborted transactions leave others there.
func (p *post) committed(t *testing.T) (records []deadletter.Letter) {
	t.Helper()
	store, err := store.Open(consumer.Connection{Brokers: p.Addrs(), Dial: p.Dial}, p.replay)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	p.AwaitTransactions(t, p.replay)
	q := deadletter.Query{Filter: deadletter.Filter{State: deadletter.AnyState}, OldestFirst: true}
	for e, err := range store.Letters(t.Context(), q) {
		if errors.Is(err, topic.ErrNoTopic) {
			return nil
		}
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, e.Letter)
	}
	return records
}

// replayed returns the values in the replay topic by player, in order.
func (p *post) replayed(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, r := range p.committed(t) {
		out[string(r.Key)] = append(out[string(r.Key)], string(r.Value))
	}
	return out
}

// names returns the names in a list of a state, the newest first.
func (p *post) names(t *testing.T, state string) []string {
	t.Helper()
	got := p.invoke(t, "", "list", "--state", state, "-o", "jsonl")
	if got.code != exitDone && got.code != exitNone {
		t.Fatalf("%+v", got)
	}
	var names []string
	for line := range strings.Lines(got.stdout) {
		var l struct {
			Name string `json:"name"`
		}
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			t.Fatal(err)
		}
		names = append(names, l.Name)
	}
	return names
}

func total(byUser map[string][]string) (n int) {
	for _, values := range byUser {
		n += len(values)
	}
	return n
}

// A workReport is what replay, discard and import write with -o json.
type workReport struct {
	Run, By                                   string
	DryRun                                    bool `json:"dry_run"`
	Planned, Done, Repaired, Skipped, Unknown int64
	Unchanged, Rounded                        int64
	Raw                                       bool
	Left, Before                              []triage.Hindered
	Seconds                                   float64
	Error                                     string
}

// reported reads the report that a command has written with -o json.
func reported(t *testing.T, got outcome) (r workReport) {
	t.Helper()
	if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
		t.Fatalf("%+v: %v", got, err)
	}
	return r
}

func kafkaClient(t *testing.T, b *kafkatest.Broker) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// goodLetters are letters that can be replayed as they are.
func goodLetters(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) }
