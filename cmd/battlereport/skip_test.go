package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// A stall is a broker with a topic, of which a batch cannot be read, and the platform that its reports go to.
type stall struct {
	*kafkatest.Broker
	t      *testing.T
	msdk   *msdktest.Server
	topic  string
	config string // the path
}

func newStall(t *testing.T) *stall {
	t.Helper()
	s := &stall{Broker: kafkatest.Start(t, kfake.NumBrokers(1)), t: t, topic: "reports"}
	msdk := msdktest.Start(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "111111"}}})
	t.Cleanup(msdk.Close)
	s.msdk = msdk
	for _, topic := range []string{s.topic, s.topic + ".replay"} {
		if err := s.CreateTopic(t.Context(), topic, 1, nil); err != nil {
			t.Fatal(err)
		}
	}
	s.config = write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: g}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey: "111111", topics: [reports]}]
http: {listen: ""}
telemetry: {log_format: text}
`, s.Addrs()[0], msdk.URL))
	return s
}

// publish writes a report of each user, as a replay too.
func (s *stall) publish(topic string, users ...string) {
	s.t.Helper()
	for _, user := range users {
		s.Produce(s.t, kafkatest.Record{
			Topic: topic, Key: []byte(user), Value: []byte(reportOf(user, 1)),
			Headers: []kafkatest.Header{
				{Key: deadletter.HeaderSourceTopic, Value: []byte(s.topic)},
				{Key: deadletter.HeaderSourcePartition, Value: []byte("0")},
				{Key: deadletter.HeaderSourceOffset, Value: []byte("7")},
				{Key: deadletter.HeaderSourceTimestamp, Value: []byte("2026-01-01T00:00:00.000Z")},
				{Key: deadletter.HeaderReplays, Value: []byte("1")},
			},
		})
	}
}

// delivered are the users of whom the platform has a report, in order.
func (s *stall) delivered() (users []string) {
	for _, r := range s.msdk.Ledger.Reports() {
		users = append(users, r.OpenID)
	}
	slices.Sort(users)
	return users
}

// run runs the consumer until the platform has so many reports and the mark is in the log.
func (s *stall) run(reports int, mark string) {
	s.t.Helper()
	ctx, end := context.WithTimeout(s.t.Context(), time.Minute)
	defer end()
	var log text
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"run", "-c", s.config}, strings.NewReader(""), &log, &log) }()
	for ctx.Err() == nil && (s.msdk.Ledger.Len() < reports || !strings.Contains(log.String(), mark)) {
		time.Sleep(10 * time.Millisecond)
	}
	if ctx.Err() != nil {
		s.t.Errorf("%d reports, and the log:\n%s", s.msdk.Ledger.Len(), log.String())
	}
	end()
	if code := <-ended; code != exitDone {
		s.t.Errorf("run exits %d:\n%s", code, log.String())
	}
}

func (s *stall) invoke(args ...string) outcome {
	s.t.Helper()
	return invoke(s.t, "", append([]string{"skip", "-c", s.config}, args...)...)
}

func TestABatchThatCannotBeReadIsKeptAndPassedAndTheRestDelivered(t *testing.T) {
	t.Parallel()
	for _, topic := range []string{"reports", "reports.replay"} {
		t.Run(topic, func(t *testing.T) {
			t.Parallel()
			s := newStall(t)
			s.publish(topic, "ada", "bob")
			s.ProduceUnreadable(t, topic, 0, 3)
			s.publish(topic, "cy", "dan")
			s.run(2, "batch at 2")

			file := filepath.Join(t.TempDir(), "kept")
			dry := s.invoke("--dry-run", topic+"/0")
			if dry.code != exitDone || dry.stderr != "" || !strings.Contains(dry.stdout, topic+"/0: the offsets 2 to 4 cannot be read: batch at 2, record 3 before its end: ") ||
				!strings.Contains(dry.stdout, "The group g stands at 2, and would go on at 5.\n") {
				t.Errorf("%+v", dry)
			}
			if got := s.invoke("--keep", file, topic+"/0"); got.code != exitCannot || got.stdout != dry.stdout || !strings.Contains(got.stderr, "--yes is needed") {
				t.Errorf("%+v", got)
			}
			if got := s.invoke("--keep", file, "-o", "json", topic+"/0"); got.code != exitCannot || !strings.Contains(got.stdout, `"skipped":false,"error":"nothing is done yet: --yes is needed`) {
				t.Errorf("%+v", got)
			}
			if at := s.Committed(t, "g", topic)[0]; at != 2 {
				t.Errorf("the group is at %d", at)
			}
			forYears := false // which replays are, so that they are never delivered twice
			fake := s.RequireKfake(t)
			fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
				forYears = r.(*kmsg.OffsetCommitRequest).RetentionTimeMillis > 0
				return nil, nil, false
			})
			got := s.invoke("--keep", file, "--yes", topic+"/0")
			if forYears != strings.HasSuffix(topic, ".replay") {
				t.Errorf("committed for years: %v", forYears)
			}
			if got.code != exitDone || got.stderr != "" || !strings.Contains(got.stdout, "kept 64 bytes in "+file+"\nmoved the group g from 2 to 5: run goes on there\n") {
				t.Errorf("%+v", got)
			}
			if kept, err := os.ReadFile(file); err != nil || len(kept) != 64 || kept[7] != 2 {
				t.Errorf("kept %x, error %v", kept, err)
			}
			s.run(4, "")
			if got := strings.Join(s.delivered(), " "); got != "ada bob cy dan" {
				t.Errorf("delivered: %s", got)
			}
			for _, place := range []string{topic + "/0", topic + "/0/3"} {
				if got := s.invoke("--keep", file, "--yes", place); got.code != exitNone || got.stdout != "" || !strings.HasPrefix(got.stderr, place+": nothing is to be passed: ") {
					t.Errorf("%+v", got)
				}
			}
		})
	}
}

func TestAFileThatIsThereIsNotWrittenOver(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	s.ProduceUnreadable(t, s.topic, 0, 3)
	s.run(0, "batch at 0")
	file := filepath.Join(t.TempDir(), "kept")
	if got := s.invoke("--keep", file, "--yes", "reports/0"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	batch, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for rule, test := range map[string]struct {
		file func(t *testing.T) string
		code int
		says string
	}{
		"if something else is in it":    {func(t *testing.T) string { return write(t, "f", "else") }, exitCannot, "with something else in it: name another"},
		"if it is as long":              {func(t *testing.T) string { return write(t, "f", strings.Repeat("x", len(batch))) }, exitCannot, "with something else in it: name another"},
		"if it is a folder":             {func(t *testing.T) string { return t.TempDir() }, exitCannot, "name another"},
		"nor one where no folder is":    {func(t *testing.T) string { return filepath.Join(t.TempDir(), "no", "f") }, exitCannot, "no such file or directory"},
		"but if the batch is in it, go": {func(t *testing.T) string { return write(t, "f", string(batch)) }, exitDone, ""},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			s := newStall(t)
			s.ProduceUnreadable(t, s.topic, 0, 3)
			s.run(0, "batch at 0")
			got := s.invoke("--keep", test.file(t), "--yes", "-o", "json", "reports/0/1")
			var r struct {
				Skipped bool
				Kept    string
				Error   string
			}
			if err := json.Unmarshal([]byte(got.stdout), &r); err != nil {
				t.Fatalf("%+v: %v", got, err)
			}
			done := test.code == exitDone
			if got.code != test.code || !strings.Contains(got.stderr, test.says) || !strings.Contains(r.Error, test.says) || r.Skipped != done || (r.Kept != "") != done {
				t.Errorf("%+v", got)
			}
			if at := s.Committed(t, "g", s.topic)[0]; (at == 3) != done {
				t.Errorf("the group is at %d", at)
			}
		})
	}
}

func TestWhatHoldsAGroupInItsPlaceIsSaidWithWhatToDo(t *testing.T) {
	t.Parallel()
	s := newStall(t)
	s.ProduceUnreadable(t, s.topic, 0, 3)
	never := s.invoke("--dry-run", "reports/0")
	if never.code != exitCannot || !strings.Contains(never.stderr, "reports/0: group g: the group has committed nothing of it: ") {
		t.Errorf("%+v", never)
	}
	ctx, end := context.WithTimeout(t.Context(), time.Minute)
	var log text
	ended := make(chan int)
	go func() { ended <- run(ctx, []string{"run", "-c", s.config}, strings.NewReader(""), &log, &log) }()
	for ctx.Err() == nil && !strings.Contains(log.String(), "batch at 0") {
		time.Sleep(10 * time.Millisecond)
	}
	got := s.invoke("--keep", filepath.Join(t.TempDir(), "kept"), "--yes", "reports/0")
	end()
	<-ended
	if got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, "the group g has 1 member, ") ||
		!strings.Contains(got.stderr, "scaling it to 0") || !strings.Contains(got.stderr, "\n  battlereport at 127.0.0.1") {
		t.Errorf("%+v", got)
	}
	for place, want := range map[string]string{
		"reports/0/3": "reports/0/3: group g: the log has no such record batch: it has the offsets from 0 up to, and without, 3",
		"reports/1":   "reports/1: group g: the log has no such record batch: topic reports has the partitions [0]",
		"other/0":     "topic other is not one that run takes: want reports or reports.replay",
		"reports":     `"reports" is no place in a topic: want TOPIC/PARTITION or TOPIC/PARTITION/OFFSET`,
		"reports/x":   `"reports/x": the partition "x" is not a number from 0 on`,
		"reports/0/-": `"reports/0/-": the offset "-" is not a number from 0 on`,
	} {
		if got := s.invoke("--dry-run", place); got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("%s: %+v", place, got)
		}
	}
	if got := s.invoke("reports/0"); got.code != exitCannot || !strings.Contains(got.stderr, "--keep FILE is needed") {
		t.Errorf("%+v", got)
	}
}
