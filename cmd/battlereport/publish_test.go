package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/schema"
)

// summaryTime is what differs between two runs that do the same.
var summaryTime = regexp.MustCompile(` in \d+\.\d s, \d+ records/s`)

// publishTo runs the command with a configuration of one app and the topic.
func publishTo(t *testing.T, b *kafkatest.Broker, topic, stdin string, args ...string) outcome {
	t.Helper()
	got := invoke(t, stdin, append([]string{"publish", "-c", publishConfig(t, b, topic)}, args...)...)
	got.stderr = summaryTime.ReplaceAllString(strings.ReplaceAll(got.stderr, topic, "TOPIC"), " in TIME")
	return got
}

// values returns the values in a topic of one partition, as lines.
func values(t *testing.T, b *kafkatest.Broker, topic string) []string {
	t.Helper()
	var out []string
	for _, r := range b.ReadAll(t, topic) {
		out = append(out, string(r.Value))
	}
	return out
}

func TestPublish(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	limit := schema.DefaultLimits().MaxBytes
	r1, r2, r3 := reportOf("o1", 1), reportOf("o2", 2), reportOf("o1", 3)
	huge := reportOf("o1", 1) + strings.Repeat(" ", limit-len(reportOf("o1", 1)))
	nul := "{\"baseinfo\":{\"openid\":\"a\x00b\",\"platid\":1},\"battleinfo\":{}}"
	tests := map[string]struct {
		stdin  string
		args   []string
		code   int
		want   []string // the topic's values
		stderr string
	}{
		"an empty input publishes nothing and is done": {
			"", nil, exitDone, nil, "no records in stdin\npublished 0 records to TOPIC: 0 bytes in TIME\n",
		},
		"blank lines are none": {
			"\n \t\n\r\n", nil, exitDone, nil, "no records in stdin\npublished 0 records to TOPIC: 0 bytes in TIME\n",
		},
		"lines are published as they stand, in order": {
			r1 + "\n" + r2 + "\n" + r3,
			[]string{"-"},
			exitDone,
			[]string{r1, r2, r3},
			"published 3 records to TOPIC: 201 bytes in TIME, by partition 0:3\n",
		},
		"a carriage return before the newline is no part of a line, a space is": {
			r1 + " \r\n" + r2 + "\r\n", nil, exitDone,
			[]string{r1 + " ", r2},
			"published 2 records to TOPIC: 135 bytes in TIME, by partition 0:2\n",
		},
		"after a bad line nothing is published": {
			r1 + "\n\n{<\n" + r2, nil, exitNo,
			[]string{r1},
			"stdin:3: invalid_json: DETAIL\npublished 1 record to TOPIC: 67 bytes in TIME, by partition 0:1\n" +
				"all before line 3 of stdin is done; to go on there: --from-line 3\n",
		},
		"where nothing is done there is no advice where to go on": {
			"{<\n" + r1, nil, exitNo, nil,
			"stdin:1: invalid_json: DETAIL\n",
		},
		"bad lines can be skipped": {
			"{<\n" + r1 + "\n[]\n" + r2,
			[]string{"--bad", "skip"},
			exitNo,
			[]string{r1, r2},
			"stdin:1: invalid_json: DETAIL\nstdin:3: schema_violation: DETAIL\n" +
				"published 2 records to TOPIC: 134 bytes in TIME, by partition 0:2\nskipped 2 bad lines\n",
		},
		"a line of the limit is published": {
			huge, nil, exitDone,
			[]string{huge},
			fmt.Sprintf("published 1 record to TOPIC: %d bytes in TIME, by partition 0:1\n", limit),
		},
		"a longer one is bad": {
			huge + " \n" + strings.Repeat("x", 10*limit) + "\n" + r1,
			[]string{"--bad", "skip"},
			exitNo,
			[]string{r1},
			"stdin:1: too_large: DETAIL\nstdin:2: too_large: DETAIL\n" +
				"published 1 record to TOPIC: 67 bytes in TIME, by partition 0:1\nskipped 2 bad lines\n",
		},
		"a null byte is no JSON": {
			nul + "\n" + r1,
			[]string{"--bad", "skip"},
			exitNo,
			[]string{r1},
			"stdin:1: invalid_json: DETAIL\npublished 1 record to TOPIC: 67 bytes in TIME, by partition 0:1\nskipped 1 bad line\n",
		},
		"lines before the first are not looked at": {
			"{<\n" + r1 + "\n" + r2 + "\n",
			[]string{"--from-line", "3"},
			exitDone,
			[]string{r2},
			"published 1 record to TOPIC: 67 bytes in TIME, by partition 0:1\n",
		},
		"a first line behind the last is told how many there are": {
			r1 + "\n" + r2 + "\n\n",
			[]string{"--from-line", "10"},
			exitDone, nil,
			"stdin has only 3 lines\npublished 0 records to TOPIC: 0 bytes in TIME\n",
		},
		"a dry run checks and publishes nothing": {
			r1 + "\n" + r2 + "\n{<\n",
			[]string{"--dry-run", "--bad", "skip"},
			exitNo, nil,
			"stdin:3: invalid_json: DETAIL\nwould publish 2 records to TOPIC: 134 bytes in TIME\nskipped 1 bad line\n",
		},
	}
	detail := regexp.MustCompile(`(?m)^(stdin:\d+: \w+: ).+$`)
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			topic := b.Topic(t, 1)
			got := publishTo(t, b, topic, test.stdin, test.args...)
			got.stderr = detail.ReplaceAllString(got.stderr, "${1}DETAIL")
			if want := (outcome{test.code, "", test.stderr}); got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
			if got := values(t, b, topic); !slices.Equal(got, test.want) {
				t.Errorf("the topic holds\n%q, want\n%q", got, test.want)
			}
		})
	}
}

func TestABadLineIsToldWithItsFirstViolation(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	path := write(t, "reports.jsonl", reportOf("o1", 1)+"\n"+`{"baseinfo":{"openid":"o1","platid":7},"battleinfo":{}}`+"\n")
	got := publishTo(t, b, b.Topic(t, 1), "not read", path)
	if want := path + ":2: schema_violation: /baseinfo/platid: "; got.code != exitNo || !strings.HasPrefix(got.stderr, want) {
		t.Errorf("%+v, want %s", got, want)
	}
}

// The hashes are those of Kafka's own test of its murmur2.
func TestARecordIsKeyedByItsUserAndLiesWhereJavaClientsPutIt(t *testing.T) {
	t.Parallel()
	const partitions = 7
	hashes := map[string]int32{
		"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107,
	}
	b := kafkatest.Start(t)
	topic := b.Topic(t, partitions)
	var in strings.Builder
	for openID := range hashes {
		in.WriteString(reportOf(openID, 1) + "\n")
	}
	in.WriteString(reportOf(`a\u0000\u00e9`, 1))
	before := time.Now().Add(-time.Second)
	if got := publishTo(t, b, topic, in.String(), "--header", "origin=a=b", "--header", "empty="); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	headers := []kafkatest.Header{{Key: "origin", Value: []byte("a=b")}, {Key: "empty", Value: []byte{}}}
	found := map[string]int32{}
	for _, r := range b.ReadAll(t, topic) {
		found[string(r.Key)] = r.Partition
		if fmt.Sprint(r.Headers) != fmt.Sprint(headers) || r.Timestamp.Before(before) {
			t.Errorf("%+v", r)
		}
	}
	for openID, hash := range hashes {
		if partition, ok := found[openID]; !ok || partition != (hash&0x7fffffff)%partitions {
			t.Errorf("%s lies in partition %d: %t", openID, partition, ok)
		}
	}
	if _, ok := found["a\x00é"]; !ok || len(found) != len(hashes)+1 {
		t.Errorf("keys and their partitions: %q", found)
	}
}

func TestPublishChoosesTopicAndApp(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	own, shared := b.Topic(t, 1), b.Topic(t, 1)
	path := publishConfig(t, b, own+","+shared, shared)
	for rule, test := range map[string]struct {
		args []string
		want string // standard error; empty: it works
	}{
		"of several topics one must be chosen":            {nil, "which topic? --topic is needed, since several are configured: OWN, SHARED"},
		"a topic must be configured":                      {[]string{"--topic", "other"}, `--topic "other" is not configured: want OWN or SHARED`},
		"of several apps of a topic one must be chosen":   {[]string{"--topic", shared}, "which app? --app is needed, since several are configured for topic SHARED: wx1, wx2"},
		"an app must be configured for the topic":         {[]string{"--topic", own, "--app", "wx2"}, `--app "wx2" is not configured for topic OWN: want wx1`},
		"a topic's only app needs not be chosen":          {[]string{"--topic", own}, ""},
		"the app is no header of one's own":               {[]string{"--topic", own, "--header", "appid=wx1"}, "--header \"appid=wx1\": it picks the app, for which there is --app\nSee 'battlereport publish --help'."},
		"a header has a name and a value":                 {[]string{"--header", "x"}, "--header \"x\": want NAME=VALUE\nSee 'battlereport publish --help'."},
		"a rate is not negative":                          {[]string{"--rate", "-1"}, "--rate -1: want 0 or more records a second\nSee 'battlereport publish --help'."},
		"a rate is a number":                              {[]string{"--rate", "NaN"}, "--rate NaN: want 0 or more records a second\nSee 'battlereport publish --help'."},
		"lines count from 1":                              {[]string{"--from-line", "0"}, "--from-line 0: lines count from 1\nSee 'battlereport publish --help'."},
		"a directory has no lines":                        {[]string{"--topic", own, "--dry-run", "/"}, "read /: is a directory"},
		"a file must be there, and is looked for at once": {[]string{"--topic", own, "/none.jsonl"}, "open /none.jsonl: no such file or directory"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got := invoke(t, report, append([]string{"publish", "-c", path}, test.args...)...)
			if test.want == "" {
				if got.code != exitDone {
					t.Errorf("%+v", got)
				}
				return
			}
			want := outcome{exitCannot, "", "battlereport: " + strings.NewReplacer("OWN", own, "SHARED", shared).Replace(test.want) + "\n"}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
}

func TestAnAppThatWasChosenIsInAHeader(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := b.Topic(t, 1)
	path := publishConfig(t, b, topic, topic)
	if got := invoke(t, report, "publish", "-c", path, "--app", "wx2", "--header", "x=y"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	want := []kafkatest.Header{{Key: "appid", Value: []byte("wx2")}, {Key: "x", Value: []byte("y")}}
	if got := b.ReadAll(t, topic); len(got) != 1 || fmt.Sprint(got[0].Headers) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
}

func TestATopicThatDoesNotExistIsNamedWithThoseAlike(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := b.Topic(t, 1)
	got := publishTo(t, b, topic[:len(topic)-1], report)
	want := fmt.Sprintf("battlereport: topic TOPIC does not exist at %s, or this client may not see it; did you mean TOPIC%s?\n",
		strings.Join(b.Addrs(), ","), topic[len(topic)-1:])
	if got != (outcome{exitCannot, "", want}) {
		t.Errorf("got  %+v\nwant %s", got, want)
	}
}

// What goes by the score is checked for one, as the pipeline does.
func TestALegacyAppNeedsAScore(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "apps: [{appid: wx1, appkey: k, topics: [t], route: wxscore}]")
	got := invoke(t, report+"\n"+`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"iswin":true}}`, "publish", "-c", path, "--dry-run")
	if got.code != exitNo || !strings.HasPrefix(got.stderr, "stdin:2: schema_violation: /battleinfo/score: ") {
		t.Errorf("%+v", got)
	}
}

// awaitValues waits until the topic holds n values, while the command that publishes them runs.
func awaitValues(t *testing.T, b *kafkatest.Broker, topic string, n int, ended <-chan int) {
	t.Helper()
	for len(values(t, b, topic)) < n {
		select {
		case code := <-ended:
			t.Fatalf("it has ended before, with exit code %d", code)
		case <-time.After(time.Millisecond): // a topic does not call
		}
	}
}

// No line waits for company: who feeds them one by one finds each in the topic. A signal ends the wait for more.
func TestALineIsPublishedWhenItComesAndASignalEndsTheWaitForMore(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := b.Topic(t, 1)
	stdin, feed := io.Pipe()
	defer feed.Close()
	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	var stderr bytes.Buffer
	code := make(chan int)
	path := publishConfig(t, b, topic)
	go func() { code <- run(ctx, []string{"publish", "-c", path}, stdin, io.Discard, &stderr) }()
	lines := publishtest.Reports(3)
	for i, text := range lines {
		fmt.Fprintln(feed, text)
		awaitValues(t, b, topic, i+1, code)
	}
	signal()
	if got := <-code; got != exitCannot ||
		!strings.HasSuffix(stderr.String(), "all before line 4 of stdin is done; to go on there: --from-line 4\nbattlereport: interrupted\n") {
		t.Errorf("exit code %d, %q", got, stderr.String())
	}
	if got := values(t, b, topic); !slices.Equal(got, lines) {
		t.Errorf("the topic holds %q", got)
	}
}

// As a shell's <(command) is one: to close it must end the wait for more.
func TestASignalEndsTheWaitForANamedPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	feed, err := os.OpenFile(path, os.O_RDWR, 0) // to open only one end would wait for the other
	if err != nil {
		t.Fatal(err)
	}
	defer feed.Close()
	b := kafkatest.Start(t)
	topic := b.Topic(t, 1)
	config := publishConfig(t, b, topic)
	ctx, signal := context.WithCancel(t.Context())
	defer signal()
	code := make(chan int)
	go func() {
		code <- run(ctx, []string{"publish", "-c", config, path}, strings.NewReader(""), io.Discard, io.Discard)
	}()
	fmt.Fprintln(feed, report)
	awaitValues(t, b, topic, 1, code)
	signal()
	if got := <-code; got != exitCannot {
		t.Errorf("exit code %d", got)
	}
}

func TestRecordsTooLargeTogetherAreWrittenApart(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if err := b.CreateTopic(t.Context(), topic, 2, map[string]string{"max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	lines := publishtest.Reports(100)
	path := write(t, "reports.jsonl", strings.Join(lines, "\n"))
	if got := publishTo(t, b, topic, "", path); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if got := publishtest.ByUser(t, b, topic); !publishtest.SameByUser(got, publishtest.WantByUser(lines)) {
		t.Errorf("the topic holds %v", got)
	}
}

func TestARecordThatIsTooLargeForTheTopicIsNamed(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := kafkatest.Name(t)
	if err := b.CreateTopic(t.Context(), topic, 1, map[string]string{"max.message.bytes": "1000"}); err != nil {
		t.Fatal(err)
	}
	lines := publishtest.Reports(30)
	lines[20] += strings.Repeat(" ", 2000)
	got := publishTo(t, b, topic, strings.Join(lines, "\n"))
	if got.code != exitCannot || !strings.Contains(got.stderr, "battlereport: publish line 21: larger than the topic's max.message.bytes allows") {
		t.Errorf("%+v", got)
	}
	if got := values(t, b, topic); !slices.Equal(got, lines[:20]) {
		t.Errorf("the topic holds %q", got)
	}
}
