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
	if err := w.CreateTopic(t.Context(), w.topic, 1, map[string]string{"max.message.bytes": "33554432"}); err != nil {
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
		omitted []string
	}{
		{"empty value", "k", []byte{}, nil, "invalid_json", nil},
		{"null value", "k", nil, nil, "invalid_json", nil},
		{"not JSON", "k", []byte("score=3"), nil, "invalid_json", nil},
		{"truncated JSON", "k", []byte(good[:len(good)-5]), nil, "invalid_json", nil},
		{"JSON of another shape", "k", []byte(`[1,2,3]`), nil, "schema_violation", nil},
		{"duplicate keys", "k", []byte(`{"baseinfo":{"openid":"a","platid":0,"platid":1},"battleinfo":{}}`), nil, "invalid_json", nil},
		{"invalid UTF-8", "k", []byte("{\"baseinfo\":{\"openid\":\"\xff\",\"platid\":0},\"battleinfo\":{}}"), nil, "invalid_json", nil},
		{"65 levels", "k", []byte(`{"baseinfo":{"openid":"a","platid":0},"battleinfo":` + deep + `}`), nil, "invalid_json", nil},
		{"10 MiB value", "k", bytes.Repeat([]byte(" "), 10<<20), nil, "too_large", []string{"value"}},
		{"200 KiB key", strings.Repeat("k", 200<<10), []byte(good), nil, "too_large", nil},
		{"1,001 headers", "k", []byte(good), slices.Repeat([]kafkatest.Header{{Key: "h", Value: []byte("1")}}, 1_001), "too_large", nil},
		{"20,000 headers", "k", []byte(good), slices.Repeat([]kafkatest.Header{{Key: "h"}}, 20_000), "too_large", []string{"headers"}},
		{"20,000 headers and an unknown appid", "k", []byte(good), slices.Concat([]kafkatest.Header{{Key: "appid", Value: []byte("wx404")}}, make([]kafkatest.Header, 20_000)), "too_large", []string{"headers"}},
		{"headers of more than 1 MiB", "k", []byte(good), []kafkatest.Header{{Key: "h", Value: make([]byte, 1<<20)}}, "too_large", nil},
		{"headers of more than 4 MiB", "k", []byte(good), []kafkatest.Header{{Key: "h", Value: make([]byte, 4<<20)}}, "too_large", []string{"headers"}},
		{"2 MiB key", strings.Repeat("k", 2<<20), []byte(good), nil, "too_large", []string{"key"}},
		{"20 MiB value", "k", bytes.Repeat([]byte(" "), 20<<20), []kafkatest.Header{{Key: "h"}}, "too_large", []string{"value"}},
		{"unknown appid", "k", []byte(good), []kafkatest.Header{{Key: "appid", Value: []byte("wx404")}}, "unknown_app", nil},
		{"appid twice", "k", []byte(good), []kafkatest.Header{{Key: "appid", Value: []byte(appID)}, {Key: "appid", Value: []byte(appID)}}, "unknown_app", nil},
		{"a number of a million digits", "k", []byte(`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":` + strings.Repeat("9", 1_000_000) + `}}`), nil, "too_large", nil},
		{"a number beyond all", "k", []byte(`{"baseinfo":{"openid":"a","platid":0},"battleinfo":{"score":1e999999999}}`), nil, "invalid_json", nil},
		{"NUL bytes", "k", []byte("{\"baseinfo\":{\"openid\":\"a\x00\",\"platid\":0},\"battleinfo\":{}}"), nil, "invalid_json", nil},
		{"an openid of 10,000 characters", "k", []byte(report(strings.Repeat("o", 10_000), 1)), nil, "schema_violation", nil},
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
	w.settled(p, len(records), 5*time.Minute)
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
		default:
			for part, same := range map[string]bool{
				"key":     string(l.Key) == in.key,
				"value":   bytes.Equal(l.Value, in.value) && (l.Value == nil) == (in.value == nil),
				"headers": slices.EqualFunc(ownHeaders(l), in.headers, func(a, b kafkatest.Header) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }),
			} {
				if omitted := header(l, "deadletter."+part) == "omitted"; same == omitted || omitted != slices.Contains(in.omitted, part) {
					t.Errorf("%s: the %s is the same: %t, omitted: %t", in.name, part, same, omitted)
				}
			}
		}
	}
}

// ownHeaders are the headers of a letter's record.
func ownHeaders(l kafkatest.Record) []kafkatest.Header {
	return slices.DeleteFunc(slices.Clone(l.Headers), func(h kafkatest.Header) bool { return strings.HasPrefix(h.Key, "deadletter.") })
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
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
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
			w.settled(p, len(examples), 5*time.Minute)
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
