package main

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
)

func TestAReplayAsksFirst(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 10)
	got := p.invoke(t, "y\n", "replay", "--reason", "exhausted")
	if got.code != exitCannot || !strings.Contains(got.stderr, "--yes is needed") ||
		!strings.HasPrefix(got.stdout, "5 letters would be replayed to TOPIC.replay; at 1,000 a second that takes 1s.\n") || !strings.Contains(got.stdout, "TOPIC.dlq/0/8") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "--reason", "exhausted", "--dry-run"); got.code != exitDone || got.stderr != "" {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, "", "replay", "--reason", "exhausted", "--dry-run", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Planned != 5 || r.Done != 0 || !r.DryRun {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--dry-run"); got.code != exitNo { // as without: half of them would stay
		t.Errorf("%+v", got)
	}
	if left := p.names(t, "pending"); len(left) != 10 {
		t.Errorf("%d letters are left", len(left))
	}
}

func TestAReplayIsTheRecordAndDoneOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t, 3)
	p.letters(t, 100)
	got := p.invoke(t, "", "replay", "--since", "1d", "--yes", "--by", "ada")
	if got.code != exitNo || !strings.Contains(got.stdout, "\nreplayed 50 letters to TOPIC.replay in ") || !strings.Contains(got.stdout, ", by ada\nleft 50 letters as they are") {
		t.Errorf("%+v", got)
	}
	want := map[string][]string{}
	for i := 0; i < 100; i += 2 {
		user := fmt.Sprintf("user-%d", i%7)
		want[user] = append(want[user], reportOf(user, i+1))
	}
	if got := p.replayed(t); !publishtest.SameByUser(got, want) {
		t.Errorf("the replay topic holds %v", got)
	}
	for _, r := range p.committed(t) {
		if r.Headers[0].Key != "n" {
			t.Errorf("%+v", r)
		}
		origin, ok := deadletter.OriginOf(r.Headers)
		if !ok || origin.Replays != 1 || origin.Letter.Topic != p.dlq || origin.Source.Topic != p.source {
			t.Errorf("%+v, %t", origin, ok)
		}
	}
	if got := p.invoke(t, "", "replay", "--reason", "exhausted", "--yes"); got.code != exitNone {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--yes", "--jq", ".baseinfo.platid |= tonumber"); got.code != exitDone ||
		!strings.Contains(got.stdout, "replayed 50 letters, 50 of them repaired, to TOPIC.replay") {
		t.Errorf("%+v", got)
	}
	if n := total(p.replayed(t)); n != 100 || len(p.names(t, "pending")) != 0 || len(p.names(t, "replayed")) != 100 {
		t.Errorf("%d records are replayed", n)
	}
}

func TestWhatCannotBeReplayedStaysAndIsTold(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 8, func(i int, l *deadletter.Letter) {
		switch i {
		case 0:
			l.Replays = 5
		case 2:
			l.Source.Topic = "forgotten"
		case 4:
			l.Value = []byte(`{"baseinfo":`)
		}
	})
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Key: []byte("x"), Value: []byte("not a letter")})
	got := p.invoke(t, "", "replay", "--since", "1d", "--yes", "-o", "json", "--jq", `if .battleinfo.score == 8 then empty else .baseinfo.platid |= tonumber end`)
	r := reported(t, got)
	kinds := map[string]int64{}
	for _, h := range r.Left {
		kinds[h.Kind] = h.Letters
	}
	want := map[string]int64{"max_replays": 1, "unknown_topic": 1, "repair_failed": 2, "foreign": 1}
	if fmt.Sprint(kinds) != fmt.Sprint(want) || got.code != exitNo || r.Done != 4 || r.Repaired != 3 {
		t.Errorf("%v: %+v", kinds, got)
	}
	if n := total(p.replayed(t)); n != 4 || len(p.names(t, "pending")) != 5 {
		t.Errorf("%d are replayed", n)
	}
	if got := p.invoke(t, "", "replay", "TOPIC.dlq/0/0", "--yes", "--max-replays", "6"); got.code != exitDone {
		t.Errorf("%+v", got)
	}
}

func TestNamedLettersAreReplayedAndThoseDoneBeforeSkipped(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 9)
	if got := p.invoke(t, "", "replay", "TOPIC.dlq/0/4", "--yes"); got.code != exitDone {
		t.Errorf("%+v", got)
	}
	got := p.invoke(t, "", "replay", "TOPIC.dlq/0/4", "TOPIC.dlq/0/6", "TOPIC.dlq/0/2", "--yes", "-o", "json")
	if r := reported(t, got); got.code != exitDone || r.Done != 2 || r.Before[0].Kind != "replayed" || len(r.Left) != 0 {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", "TOPIC.dlq/0/4", "--yes"); got.code != exitNone || !strings.Contains(got.stdout, "it is replayed already") {
		t.Errorf("%+v", got)
	}
	var order []int64
	for _, r := range p.committed(t) {
		origin, _ := deadletter.OriginOf(r.Headers)
		order = append(order, origin.Letter.Offset)
	}
	if !slices.Equal(order, []int64{4, 2, 6}) {
		t.Errorf("replayed in the order %v", order)
	}
}

func TestAReplayTakesAtMostTheOldestOfSoMany(t *testing.T) {
	t.Parallel()
	p := newPost(t, 2)
	p.letters(t, 30, func(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) })
	for i, want := range []int{12, 24, 30} {
		got := p.invoke(t, "", "replay", "--since", "1d", "--max", "12", "--yes")
		if got.code != exitDone || total(p.replayed(t)) != want {
			t.Errorf("%d: %+v", i, got)
		}
		pending := p.names(t, "pending")
		if len(pending) != 30-want {
			t.Errorf("%d are pending after %d", len(pending), want)
		}
	}
}

func TestARateIsKept(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 30, func(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) })
	began := time.Now()
	if got := p.invoke(t, "", "replay", "--since", "1d", "--rate", "50/s", "--yes"); got.code != exitDone {
		t.Errorf("%+v", got)
	}
	if took := time.Since(began); took < 300*time.Millisecond {
		t.Errorf("30 letters in %v", took)
	}
}

func TestDiffsAreShownOfAllInADryRunAndElseOfTheSample(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 20)
	const change = "  -     \"platid\": \"1\"\n  +     \"platid\": 1\n"
	args := []string{"--reason", "schema_violation", "--jq", ".baseinfo.platid |= tonumber", "--diff"}
	if got := p.invoke(t, "", "replay", append(args, "--dry-run")...); got.code != exitDone || strings.Count(got.stdout, change) != 10 {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "replay", append(args, "--yes")...); got.code != exitDone || strings.Count(got.stdout, change) != 5 {
		t.Errorf("%+v", got)
	}
}

// awaitReplayed waits until a replay under way has replayed a letter.
func awaitReplayed[T any](t *testing.T, p *post, ended <-chan T) {
	t.Helper()
	for len(p.names(t, "replayed")) == 0 {
		select {
		case got := <-ended:
			t.Fatalf("it has ended before: %+v", got)
		case <-time.After(10 * time.Millisecond): // a topic does not call
		}
	}
}

func TestAnInterruptedReplaySaysHowFarItCameAndGoesOn(t *testing.T) {
	t.Parallel()
	p := newPost(t, 3)
	p.letters(t, 60, func(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) })
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var stdout, stderr strings.Builder
	ended := make(chan int)
	go func() {
		ended <- run(ctx, []string{"deadletter", "replay", "-c", p.config, "--since", "1d", "--yes", "--rate", "1/s"}, strings.NewReader(""), &stdout, &stderr)
	}()
	awaitReplayed(t, p, ended)
	cancel()
	code := <-ended
	if code != exitCannot || stderr.String() != "battlereport: interrupted\n" || !strings.Contains(stdout.String(), "to go on, run the same command again") {
		t.Errorf("exit code %d: %s%s", code, &stdout, &stderr)
	}
	done := total(p.replayed(t))
	if done == 60 || !strings.Contains(stdout.String(), fmt.Sprintf("replayed %s of 60 to %s", words.Count(done, "letter"), p.replay)) {
		t.Errorf("%d are replayed: %s", done, &stdout)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--yes"); got.code != exitDone || total(p.replayed(t)) != 60 {
		t.Errorf("%d are replayed: %+v", total(p.replayed(t)), got)
	}
}

func TestOfTwoReplaysTheLaterTakesOverAndEachLetterIsReplayedOnce(t *testing.T) {
	t.Parallel()
	p := newPost(t, 3)
	p.letters(t, 60, func(_ int, l *deadletter.Letter) { l.Value = []byte(reportOf(string(l.Key), 1)) })
	first := make(chan outcome)
	go func() { first <- p.invoke(t, "", "replay", "--since", "1d", "--yes", "--rate", "1/s") }()
	awaitReplayed(t, p, first)
	second := p.invoke(t, "", "replay", "--since", "1d", "--yes")
	if second.code != exitDone {
		t.Errorf("%+v", second)
	}
	if got := <-first; got.code != exitCannot || !strings.HasPrefix(got.stderr, "battlereport: another replay, discard or import of the same dead letters has begun") ||
		!regexp.MustCompile(`does what is left \([A-Z_]+: [^()]*\)\n$`).MatchString(got.stderr) || !strings.Contains(got.stdout, "to go on, run the same command again") {
		t.Errorf("%+v", got)
	}
	if n := total(p.replayed(t)); n != 60 {
		t.Errorf("%d are replayed", n)
	}
}

func TestATopicThatMayNotBeWrittenIsNamed(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 2)
	if err := p.CreateTopic(t.Context(), p.replay, 1, nil); err != nil {
		t.Fatal(err)
	}
	publishtest.RefuseProduce(t, p.Broker, kerr.TopicAuthorizationFailed, 100)
	got := p.invoke(t, "", "replay", "TOPIC.dlq/0/0", "--yes")
	if got.code != exitCannot || !strings.Contains(got.stderr, "write to topic TOPIC.") || !strings.Contains(got.stdout, "replayed 0 letters of 1") {
		t.Errorf("%+v", got)
	}
}

func TestADiscardIsNotedWithItsReason(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 4)
	p.Produce(t, kafkatest.Record{Topic: p.dlq, Key: []byte("x"), Value: []byte("not a letter")})
	got := p.invoke(t, "", "discard", "--because", "load test", "--openid", "user-1", "--yes", "--by", "ada")
	if got.code != exitDone || !strings.HasPrefix(got.stdout, "1 letter would be discarded, because: load test.\n") || !strings.Contains(got.stdout, "\ndiscarded 1 letter in ") {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "discard", "--because", "noise", "TOPIC.dlq/0/4", "TOPIC.dlq/0/1", "--yes", "-o", "json"); got.code != exitDone ||
		reported(t, got).Done != 1 || reported(t, got).Before[0].Kind != "discarded" {
		t.Errorf("%+v", got)
	}
	if got := p.invoke(t, "", "show", "TOPIC.dlq/0/1"); !strings.Contains(got.stdout, ": load test\n") || !strings.Contains(got.stdout, "by ada, run ") {
		t.Errorf("%+v", got)
	}
	if n := len(p.names(t, "pending")); n != 3 {
		t.Errorf("%d are pending", n)
	}
	if got := p.invoke(t, "", "replay", "--since", "1d", "--openid", "user-1", "--yes"); got.code != exitNone {
		t.Errorf("%+v", got)
	}
}
