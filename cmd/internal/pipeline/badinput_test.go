package pipeline_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// TestBadInput puts each kind of bad record between two good ones: it becomes a
// letter with the right reason and unchanged, and the good ones are delivered.
func TestBadInput(t *testing.T) {
	w := real(t)
	w.topic = kafkatest.Name(t)
	if err := w.CreateTopic(t.Context(), w.topic, 1, map[string]string{"max.message.bytes": "20971520"}); err != nil {
		t.Fatal(err)
	}
	w.cfg.Apps[0].Topics = []string{w.topic}
	good := report("good", 1)
	deep := strings.Repeat(`{"a":`, 64) + "1" + strings.Repeat("}", 64)
	inputs := []struct {
		name    string
		key     string
		value   []byte
		headers []kafkatest.Header
		reason  string
	}{
		{"empty value", "k", []byte{}, nil, "invalid_json"},
		{"null value", "k", nil, nil, "invalid_json"},
		{"not JSON", "k", []byte("score=3"), nil, "invalid_json"},
		{"truncated JSON", "k", []byte(good[:len(good)-5]), nil, "invalid_json"},
		{"JSON of another shape", "k", []byte(`[1,2,3]`), nil, "schema_violation"},
		{"duplicate keys", "k", []byte(`{"baseinfo":{"openid":"a","platid":0,"platid":1},"battleinfo":{}}`), nil, "invalid_json"},
		{"invalid UTF-8", "k", []byte("{\"baseinfo\":{\"openid\":\"\xff\",\"platid\":0},\"battleinfo\":{}}"), nil, "invalid_json"},
		{"65 levels", "k", []byte(`{"baseinfo":{"openid":"a","platid":0},"battleinfo":` + deep + `}`), nil, "invalid_json"},
		{"10 MiB value", "k", bytes.Repeat([]byte(" "), 10<<20), nil, "too_large"},
		{"200 KiB key", strings.Repeat("k", 200<<10), []byte(good), nil, "too_large"},
		{"unknown appid", "k", []byte(good), []kafkatest.Header{{Key: "appid", Value: []byte("wx404")}}, "unknown_app"},
		{"appid twice", "k", []byte(good), []kafkatest.Header{{Key: "appid", Value: []byte(appID)}, {Key: "appid", Value: []byte(appID)}}, "unknown_app"},
		{"a number of a million digits", "k", []byte(`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":` + strings.Repeat("9", 1_000_000) + `}}`), nil, "too_large"},
		{"a number beyond all", "k", []byte(`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":1e999999999}}`), nil, "invalid_json"},
		{"NUL bytes", "k", []byte("{\"baseinfo\":{\"openid\":\"a\x00\",\"platid\":0},\"battleinfo\":{}}"), nil, "invalid_json"},
		{"an openid of 10,000 characters", "k", []byte(report(strings.Repeat("o", 10_000), 1)), nil, "schema_violation"},
	}
	var records []kafkatest.Record
	for i, in := range inputs {
		user := "good-" + string(rune('a'+i))
		records = append(records,
			kafkatest.Record{Topic: w.topic, Key: []byte(user), Value: []byte(report(user, i))},
			kafkatest.Record{Topic: w.topic, Key: []byte(in.key), Value: in.value, Headers: in.headers},
		)
	}
	records = append(records, kafkatest.Record{Topic: w.topic, Key: []byte("good-last"), Value: []byte(report("good-last", 0))})
	sent := w.Produce(t, records...)

	p, stop := w.start()
	w.settled(p, len(records), time.Minute)
	stop()
	if got, want := w.msdk.Ledger.Len(), len(inputs)+1; got != want {
		t.Errorf("%d good records delivered, want %d", got, want)
	}
	letters := map[string]kafkatest.Record{}
	for _, l := range w.letters() {
		letters[header(l, "deadletter.source.offset")] = l
	}
	if len(letters) != len(inputs) {
		t.Errorf("%d letters, want %d", len(letters), len(inputs))
	}
	for i, in := range inputs {
		l, ok := letters[strconv.FormatInt(sent[2*i+1].Offset, 10)]
		switch {
		case !ok:
			t.Errorf("%s: no letter", in.name)
		case header(l, "deadletter.reason") != in.reason:
			t.Errorf("%s: reason %s (%s), want %s", in.name, header(l, "deadletter.reason"), header(l, "deadletter.detail"), in.reason)
		case in.name == "10 MiB value":
			if header(l, "deadletter.value") != "omitted" || l.Value != nil {
				t.Errorf("%s: value of %d bytes, header %q", in.name, len(l.Value), header(l, "deadletter.value"))
			}
		case !bytes.Equal(l.Value, in.value) || (l.Value == nil) != (in.value == nil):
			t.Errorf("%s: the value has changed", in.name)
		}
		if ok && string(l.Key) != in.key {
			t.Errorf("%s: the key has changed", in.name)
		}
	}
}

// TestEditionsExamples publishes the examples of both editions of the interface
// document as they are written, line breaks and all, and finds them byte for
// byte in what the platform accepts. (White space around a value belongs to the
// array as much as to the value, and the ledger leaves it out.)
func TestEditionsExamples(t *testing.T) {
	var examples []string
	for _, name := range []string{"en.json", "en-userdefined.json", "ja.json"} {
		examples = append(examples, filepath.Join("..", "..", "..", "schema", "testdata", name))
	}
	publishers := map[string]func(*testing.T, *world, string){
		"by a Kafka client": func(t *testing.T, w *world, file string) {
			value, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			w.Produce(t, kafkatest.Record{Topic: w.topic, Key: []byte("k"), Value: value})
		},
		"by kcat": func(t *testing.T, w *world, file string) {
			if _, err := exec.LookPath("kcat"); err != nil {
				t.Skip("kcat is not installed")
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			out, err := exec.CommandContext(ctx, "kcat", "-P", "-b", w.Addrs()[0], "-t", w.topic, "-k", "k", file).CombinedOutput()
			if err != nil {
				t.Fatalf("kcat: %v\n%s", err, out)
			}
		},
	}
	for how, publish := range publishers {
		t.Run(how, func(t *testing.T) {
			w := real(t)
			var want []string
			for _, file := range examples {
				publish(t, w, file)
				value, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, strings.Trim(string(value), " \t\r\n"))
			}
			p, stop := w.start()
			w.settled(p, len(examples), time.Minute)
			stop()
			var got []string
			for _, r := range w.msdk.Ledger.Reports() {
				got = append(got, string(r.Raw))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("got  %q\nwant %q\nletters %v", got, want, w.letters())
			}
		})
	}
}
