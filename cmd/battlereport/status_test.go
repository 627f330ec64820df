package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// statusConfig writes a configuration with a group of the test's own, and returns its path.
func statusConfig(t *testing.T, b *kafkatest.Broker, source string) (path, group string) {
	t.Helper()
	group = kafkatest.Name(t)
	return write(t, "battlereport.yaml", fmt.Sprintf("kafka: {brokers: [%s], group: %s}\napps: [{appid: wx1, appkey: k, topics: [%s]}]", strings.Join(b.Addrs(), ", "), group, source)), group
}

func status(t *testing.T, path string, args ...string) outcome {
	t.Helper()
	return invoke(t, "", append([]string{"status", "-c", path, "--interval", "1s"}, args...)...)
}

func TestStatusSaysInASentenceAndByItsExitCodeHowTheGroupDoes(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := kafkatest.Name(t)
	path, group := statusConfig(t, b, source)
	expect := func(rule string, code int, said string) {
		t.Helper()
		if got := status(t, path); got.code != code || !strings.HasPrefix(got.stdout, said) || got.stderr != "" {
			t.Errorf("%s: %+v", rule, got)
		}
	}
	expect("no topic", exitNone, "There is no topic "+source)
	if topics := b.Topics(t, source); len(topics) > 0 {
		t.Errorf("who looks has created %v", topics)
	}
	if err := b.CreateTopic(t.Context(), source, 1, nil); err != nil {
		t.Fatal(err)
	}
	expect("no group", exitNone, "There is no group "+group)
	client := kafkaClient(t, b)
	commitFirst(t, client, group, source)
	expect("a group without members, and nothing to take", exitDone, "Nothing waits, and nobody is there")
	b.Produce(t, kafkatest.Record{Topic: source, Value: []byte(report), Timestamp: time.Now().Add(-90 * time.Second)})
	expect("nobody takes what is there", exitNo, "Nobody takes 1 record of "+source+"/0, the oldest for 1m 3")

	member, err := kgo.NewClient(kgo.SeedBrokers(b.Addrs()...), kgo.ClientID("evil\x1b]0;x\a\n"), kgo.ConsumerGroup(group), kgo.ConsumeTopics(source), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer member.Close()
	member.PollFetches(t.Context())
	got := status(t, path)
	if got.code != exitNo || !strings.Contains(got.stdout, "Nothing is settled of "+source+"/0") || strings.ContainsAny(got.stdout, "\x1b\a") || !strings.Contains(got.stdout, `evil\u001b]0;x\u0007\n`) {
		t.Errorf("a foreign member that settles nothing: %+v", got)
	}
	if err := member.CommitRecords(t.Context(), &kgo.Record{Topic: source, Partition: 0, Offset: 0, LeaderEpoch: -1}); err != nil {
		t.Fatal(err)
	}
	expect("and when it has", exitDone, "All is well: nothing waits, and nothing comes.")
}

func TestStatusAsJSONHasNumbersAndTimes(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 2)
	path, group := statusConfig(t, b, source)
	commitFirst(t, kafkaClient(t, b), group, source)
	b.Produce(t, kafkatest.Record{Topic: source, Value: []byte(report), Timestamp: time.Now().Add(-time.Hour)})
	got := status(t, path, "-o", "json")
	var s struct {
		Time       time.Time
		State      string
		Wrong      bool
		Group      struct{ Name, State string }
		Members    []any
		Partitions []struct {
			Topic                          string
			Partition, Committed, End, Lag *int64
			Age                            *float64 `json:"age_seconds"`
			In                             *float64 `json:"in_per_second"`
			Oldest                         *time.Time
			State                          string
			Member                         any
		}
	}
	if err := json.Unmarshal([]byte(got.stdout), &s); err != nil || got.code != exitNo {
		t.Fatalf("%+v: %v", got, err)
	}
	p := s.Partitions[0]
	if s.State != "unowned" || !s.Wrong || s.Group.Name != group || s.Members == nil || len(s.Partitions) != 2 || time.Since(s.Time) > time.Minute ||
		*p.Committed != 0 || *p.End != 1 || *p.Lag != 1 || *p.Age < 3600 || *p.In != 0 || p.Oldest == nil || p.Member != nil || s.Partitions[1].Committed != nil {
		t.Errorf("%s", got.stdout)
	}
}

func TestAStatusThatIsWatchedIsALineEachTime(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	source := b.Topic(t, 1)
	path, group := statusConfig(t, b, source)
	commitFirst(t, kafkaClient(t, b), group, source)
	for form, want := range map[string]string{"text": "Z  idle  members 0  waiting 0  oldest 0s  in/s 0.0  out/s 0.0  Nothing waits, ", "json": `"state":"idle",`} {
		ctx, stop := context.WithCancel(t.Context())
		w := &watched{stop: stop, ended: make(chan outcome, 1)}
		t.Cleanup(stop)
		go func() {
			var stderr text
			code := run(ctx, []string{"status", "-c", path, "--watch", "--interval", "1s", "-o", form}, strings.NewReader(""), w, &stderr)
			w.ended <- outcome{code, w.String(), stderr.String()}
		}()
		got := w.awaits(t, 2)
		lines := strings.Split(got.stdout, "\n")
		if got.code != exitDone || got.stderr != "" || !strings.Contains(lines[0], want) || !strings.Contains(lines[1], want) {
			t.Errorf("%s: %+v", form, got)
		}
	}
}

func TestStatusIsOfTopicsOfTheConfiguration(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}]")
	for rule, test := range map[string]struct{ arg, want string }{
		"no topic":         {"--topic=", "--topic: which?"},
		"another topic":    {"--topic=u", "--topic u: the configuration has t, t.replay"},
		"too often":        {"--interval=10ms", "--interval 10ms: want 1s to 1h"},
		"an unknown form":  {"-o=yaml", "want text or json"},
		"no argument else": {"t", `unexpected argument "t"`},
	} {
		if got := invoke(t, "", "status", "-c", path, test.arg); got.code != exitCannot || !strings.Contains(got.stderr, test.want) {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}

// The rows of status in the table of rights in deploy/README.md.
func TestStatusNeedsToSeeTheGroupAndItsTopicsAndToReadThemForAges(t *testing.T) {
	t.Parallel()
	group := grant{kmsg.ACLOperationDescribe, kmsg.ACLResourceTypeGroup, "g"}
	source, replays := grant{kmsg.ACLOperationDescribe, kmsg.ACLResourceTypeTopic, "reports"}, grant{kmsg.ACLOperationDescribe, kmsg.ACLResourceTypeTopic, "reports.replay"}
	run := func(rights ...grant) outcome {
		return withRights(t, []string{"status", "--interval", "1s"}, "", rights)
	}
	if got := run(group, source, replays, mayRead("reports"), mayRead("reports.replay")); got.code != exitNo || strings.Contains(got.stdout, "Ages in") {
		t.Errorf("with all: %+v", got)
	}
	if got := run(group, source, replays); got.code != exitNo || !strings.Contains(got.stdout, "Nobody takes") || !strings.Contains(got.stdout, "Ages in reports are not known") {
		t.Errorf("without Read: %+v", got)
	}
	for missing, rights := range map[string][]grant{
		"Describe on the Group g": {source, replays}, "Describe on the Topic reports": {group, replays}, "Describe on the Topic reports.replay": {group, source},
	} {
		if got := run(rights...); got.code != exitCannot || !strings.Contains(got.stderr, "this takes "+missing+", ") || !strings.Contains(got.stderr, "--operation Describe") {
			t.Errorf("without %s: %+v", missing, got)
		}
	}
}

// Two groups read the same topic, and what is replayed: each has a status of its own.
func TestStatusIsOfOneGroupAndOfReplaysToo(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 3, goodLetters)
	if got := p.invoke(t, "", "replay", "--yes", "--reason", "exhausted,schema_violation"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	path, group := statusConfig(t, p.Broker, p.source)
	other, otherGroup := statusConfig(t, p.Broker, p.source)
	client, err := topic.NewClient(consumer.Connection{Brokers: p.Addrs()})
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	commitFirst(t, client, group, p.replay)
	commitFirst(t, client, otherGroup, p.source)
	if got := status(t, path, "--topic", p.replay); got.code != exitNo || !strings.HasPrefix(got.stdout, "Nobody takes 4 records of "+p.replay+"/0") { // the end of the transaction counts as one
		t.Errorf("what is replayed: %+v", got)
	}
	if got := status(t, other, "--topic", p.source); got.code != exitDone || !strings.HasPrefix(got.stdout, "Nothing waits") {
		t.Errorf("the other group: %+v", got)
	}
}

// librdkafka, as the member of a group.
func TestStatusShowsAMemberThatIsKcat(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("kcat")
	if err != nil {
		t.Skip("needs kcat, a Kafka client that is not ours: apt-get install kcat")
	}
	b := kafkatest.Start(t)
	source := b.Topic(t, 3)
	path, group := statusConfig(t, b, source)
	member := exec.CommandContext(t.Context(), program, "-q", "-b", strings.Join(b.Addrs(), ","), "-X", "client.id=game \x1b[31mred", "-G", group, source)
	if err := member.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = member.Process.Kill()
		_ = member.Wait()
	}()
	for {
		got := status(t, path)
		if strings.Contains(got.stdout, `game \u001b[31mred`) && strings.Contains(got.stdout, "Stable, assignor range") {
			if !strings.Contains(got.stdout, source+"/2") || strings.Contains(got.stdout, "cannot be read") {
				t.Errorf("%+v", got)
			}
			return
		}
	}
}
