package main

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

const exampleUser = "oGRTijrV0l67hDGN7dstOl8CphN0" // of both editions' examples

// The examples of both editions of the MSDK interface document, 3.4.2, as the schemas' tests keep them.
func examples(t *testing.T) map[string]string {
	t.Helper()
	paths := map[string]string{}
	for _, name := range []string{"en", "ja", "en-userdefined"} {
		paths[name] = filepath.Join("..", "..", "schema", "testdata", name+".json")
	}
	return paths
}

func TestTheExamplesArePublishedByteForByte(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := b.Topic(t, 1)
	var want []string
	for _, path := range examples(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var compact bytes.Buffer // a report that spans lines is no JSON Lines
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		want = append(want, compact.String())
	}
	if got := publishTo(t, b, topic, strings.Join(want, "\n")+"\n"); got.code != exitDone {
		t.Fatalf("%+v", got)
	}
	if got := values(t, b, topic); !slices.Equal(got, want) {
		t.Errorf("the topic holds\n%q, want\n%q", got, want)
	}
}

// kcat writes records to the topic as another client does, one for each file.
func kcat(t *testing.T, b *kafkatest.Broker, topic, key string, files ...string) {
	t.Helper()
	path, err := exec.LookPath("kcat")
	if err != nil {
		t.Skip("needs kcat, a Kafka client that is not ours: apt-get install kcat")
	}
	args := []string{"-P", "-b", strings.Join(b.Addrs(), ","), "-t", topic, "-k", key, "-X", "partitioner=murmur2_random"}
	if out, err := exec.CommandContext(t.Context(), path, append(args, files...)...).CombinedOutput(); err != nil {
		t.Fatalf("kcat: %v: %s", err, out)
	}
}

func TestTheExamplesPublishedByKcatArriveByteForByte(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	for name, path := range examples(t) {
		topic := b.Topic(t, 1)
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		kcat(t, b, topic, exampleUser, path)
		records := b.ReadAll(t, topic)
		if len(records) != 1 || !bytes.Equal(records[0].Value, text) || string(records[0].Key) != exampleUser {
			t.Errorf("%s: the topic holds %+v", name, records)
		}
	}
}

// A player's reports stay in one partition, whichever of the clients publishes them.
func TestKcatAndPublishPutAPlayerIntoTheSamePartition(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t)
	topic := b.Topic(t, 11)
	for _, openID := range []string{"o1", exampleUser, "odFzSjp6jND4U0uRS35PW7c7NKvs", "名前"} {
		text := reportOf(openID, 1)
		kcat(t, b, topic, openID, write(t, "report.json", text))
		if got := publishTo(t, b, topic, text); got.code != exitDone {
			t.Fatalf("%+v", got)
		}
		var mine []kafkatest.Record
		for _, r := range b.ReadAll(t, topic) {
			if string(r.Key) == openID {
				mine = append(mine, r)
			}
		}
		if len(mine) != 2 || mine[0].Partition != mine[1].Partition || string(mine[0].Value) != text || string(mine[1].Value) != text {
			t.Errorf("%s: %+v", openID, mine)
		}
	}
}
