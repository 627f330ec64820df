package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// A grant is a right, in the words of the errors that miss it.
type grant struct {
	operation kmsg.ACLOperation
	resource  kmsg.ACLResourceType
	name      string
}

func (g grant) String() string {
	resource := map[kmsg.ACLResourceType]string{
		kmsg.ACLResourceTypeTopic: consumer.Topic, kmsg.ACLResourceTypeGroup: consumer.Group, kmsg.ACLResourceTypeTransactionalId: consumer.TransactionalID,
	}[g.resource]
	operation := map[kmsg.ACLOperation]string{kmsg.ACLOperationRead: "Read", kmsg.ACLOperationWrite: "Write", kmsg.ACLOperationCreate: "Create"}[g.operation]
	return consumer.Right{Operation: operation, Resource: resource, Name: g.name}.String()
}

func mayRead(topic string) grant {
	return grant{kmsg.ACLOperationRead, kmsg.ACLResourceTypeTopic, topic}
}

func mayWrite(topic string) grant {
	return grant{kmsg.ACLOperationWrite, kmsg.ACLResourceTypeTopic, topic}
}

// The table of rights in deploy/README.md.
func TestEachCommandNeedsTheRightsItIsSaidToAndNamesTheOneThatIsMissing(t *testing.T) {
	t.Parallel()
	const source, letters, replays, resolutions = "reports", "reports.dlq", "reports.replay", "reports.dlq.resolutions"
	id := grant{kmsg.ACLOperationWrite, kmsg.ACLResourceTypeTransactionalId, resolutions}
	group := grant{kmsg.ACLOperationRead, kmsg.ACLResourceTypeGroup, "g"}
	reading := []grant{mayRead(letters), mayRead(resolutions)}
	resolving := append(reading[:2:2], mayWrite(resolutions), id)
	for _, command := range []struct {
		args   []string
		stdin  string
		rights []grant
	}{
		{[]string{"run"}, "", []grant{mayRead(source), mayRead(replays), mayWrite(letters), group}},
		{[]string{"publish"}, report, []grant{mayWrite(source)}},
		{[]string{"deadletter", "stats"}, "", reading},
		{[]string{"deadletter", "list"}, "", reading},
		{[]string{"deadletter", "show", letters + "/0/0"}, "", reading},
		{[]string{"deadletter", "export"}, "", reading},
		{[]string{"deadletter", "watch", "--since", "1h"}, "", reading},
		{[]string{"deadletter", "replay", "--yes", letters + "/0/0"}, "", append(resolving[:4:4], mayWrite(replays))},
		{[]string{"deadletter", "replay", "--yes", "--to", source, letters + "/0/0"}, "", append(resolving[:4:4], mayWrite(source))},
		{[]string{"deadletter", "discard", "--yes", "--because", "x", letters + "/0/0"}, "", resolving},
		{[]string{"skip", "--dry-run", source + "/0"}, "", []grant{mayRead(source), group}},
		{[]string{"skip", "--yes", "--keep", filepath.Join(t.TempDir(), "kept"), source + "/0"}, "", []grant{mayRead(source), group}},
	} {
		t.Run(strings.Join(command.args, " "), func(t *testing.T) {
			t.Parallel()
			if got := withRights(t, command.args, command.stdin, command.rights); got.code != exitDone {
				t.Errorf("with all: %+v", got)
			}
			for i, missing := range command.rights {
				got := withRights(t, command.args, command.stdin, slices.Delete(slices.Clone(command.rights), i, i+1))
				if got.code != exitCannot || !strings.Contains(got.stderr, "this takes "+missing.String()) || !strings.Contains(got.stderr, "--allow-principal User:ada") {
					t.Errorf("without %s: %+v", missing, got)
				}
				if strings.Contains(got.stdout, "run the same command again") {
					t.Errorf("without %s: %s", missing, got.stdout)
				}
			}
		})
	}
}

// withRights runs a command as a user with these rights, on a topic of reports with one dead letter.
func withRights(t *testing.T, args []string, stdin string, rights []grant) outcome {
	t.Helper()
	const password = "correct-horse"
	acls := make([]kfake.ACL, len(rights))
	for i, r := range rights {
		acls[i] = kfake.ACL{Resource: r.resource, Name: r.name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: r.operation, Allow: true}
	}
	b := kafkatest.Start(t, kfake.SeedTopics(1, "reports", "reports.dlq", "reports.replay", "reports.dlq.resolutions"),
		kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", password), kfake.User("PLAIN", "ada", password, acls...))
	kafka := config.Kafka{Brokers: b.Addrs(), SASL: config.SASL{Mechanism: "plain", Username: "admin", Password: password}}
	conn, err := kafka.Connection(nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := deadletter.NewWriter(conn, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	_, err = w.Write(t.Context(), "reports.dlq", deadletter.Letter{
		Key: []byte("o1"), Value: []byte(reportOf("o1", 1)), Reason: deadletter.Exhausted, Delivery: deadletter.None,
		Source: deadletter.Source{Topic: "reports", Time: time.Now()}, Time: time.Now(),
	})
	if err != nil {
		t.Fatal(err)
	}
	client, err := topic.NewClient(conn)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := kafkatest.ProduceUnreadableBy(t.Context(), client, "reports", 0, 1); err != nil {
		t.Fatal(err)
	}
	commitFirst(t, client, "g", "reports")
	other := &kgo.Record{Topic: "reports.dlq.resolutions", Key: []byte("reports.dlq/0/1")} // there is something to read
	if err := client.ProduceSync(t.Context(), other).FirstErr(); err != nil {
		t.Fatal(err)
	}
	msdk := msdktest.Start(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "111111"}}})
	defer msdk.Close()
	file := write(t, "battlereport.yaml", fmt.Sprintf(`
kafka:
  brokers: [%s]
  group: g
  sasl: {mechanism: plain, username: ada, password: %s}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey: "111111", topics: [reports]}]
http: {listen: ""}
telemetry: {log_format: text}
`, b.Addrs()[0], password, msdk.URL))
	ctx, signal := context.WithTimeout(t.Context(), time.Minute)
	defer signal()
	var stdout io.Writer = &text{}
	if slices.Contains(args, "watch") {
		stdout = &heard{word: "reports.dlq/0/0", do: signal}
	}
	stderr := &heard{word: "generation begun", do: signal}
	code := run(ctx, append(args, "-c", file), strings.NewReader(stdin), stdout, stderr)
	return outcome{code, fmt.Sprint(stdout), stderr.String()}
}

// commitFirst has a group stand at the begin of partition 0.
func commitFirst(t *testing.T, client *kgo.Client, group, name string) {
	t.Helper()
	l, err := topic.NewReader(client).Describe(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	of := kmsg.NewOffsetCommitRequestTopic()
	of.Topic, of.TopicID, of.Partitions = name, l.UUID, append(of.Partitions, kmsg.NewOffsetCommitRequestTopicPartition())
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Topics = group, append(req.Topics, of)
	if _, err := req.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
}

// heard is a writer that does something when a word is written.
type heard struct {
	text
	word string
	do   func()
}

func (h *heard) Write(p []byte) (int, error) {
	if strings.Contains(string(p), h.word) {
		h.do()
	}
	return h.text.Write(p)
}
