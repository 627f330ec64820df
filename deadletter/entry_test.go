package deadletter

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer"
)

// anyLetter draws a letter that may be written.
func anyLetter(t *rapid.T) Letter {
	text := rapid.StringMatching(`[a-zA-Z0-9._-]{1,20}`)
	times := rapid.Custom(func(t *rapid.T) time.Time {
		if rapid.IntRange(0, 4).Draw(t, "no time") == 0 {
			return time.Time{}
		}
		return time.UnixMilli(rapid.Int64Range(0, 1<<42).Draw(t, "ms")).UTC()
	})
	bytes := rapid.OneOf(rapid.Just([]byte(nil)), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 20), rapid.Just([]byte(`{"a":"<ü>"}`)))
	l := Letter{
		Key: bytes.Draw(t, "key"), Value: bytes.Draw(t, "value"),
		Reason: rapid.SampledFrom(Reasons()).Draw(t, "reason"), Detail: text.Draw(t, "detail"),
		HTTPStatus: rapid.SampledFrom([]int{0, 200, 503}).Draw(t, "status"), Attempts: rapid.IntRange(0, 100).Draw(t, "attempts"),
		Delivery: rapid.SampledFrom([]Delivery{None, Uncertain}).Draw(t, "delivery"),
		Source: Source{
			text.Draw(t, "topic"), rapid.IntRange(0, 1<<31-1).Draw(t, "partition"), rapid.Int64Min(0).Draw(t, "offset"), times.Draw(t, "source time"),
		},
		Time: times.Draw(t, "time"), Replays: rapid.IntRange(0, 9).Draw(t, "replays"),
	}
	for range rapid.IntRange(0, 3).Draw(t, "headers") {
		l.Headers = append(l.Headers, consumer.Header{Key: text.Draw(t, "header"), Value: bytes.Draw(t, "header value")})
	}
	for range rapid.IntRange(0, 2).Draw(t, "violations") {
		l.Violations = append(l.Violations, Violation{rapid.String().Draw(t, "instance"), "/k", "m"})
	}
	if rapid.Bool().Draw(t, "has ret") {
		ret := rapid.IntRange(-1<<31, 1<<31-1).Draw(t, "ret")
		l.Ret = &ret
	}
	if rapid.Bool().Draw(t, "has app") {
		l.AppID, l.Route = text.Draw(t, "app"), text.Draw(t, "route")
	}
	if rapid.Bool().Draw(t, "was replayed") {
		l.Previous = Name{text.Draw(t, "previous"), 1, 2}
	}
	return l
}

var (
	someName = Name{"t.dlq", 3, 7}
	someTime = time.UnixMilli(1700000000123).UTC()
)

func TestALetterIsReadBackAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := anyLetter(t)
		got := Read(someName, someTime, l.Key, l.Value, l.allHeaders())
		if want := (Entry{Name: someName, Written: someTime, Letter: l, State: Pending}); !reflect.DeepEqual(got, want) {
			t.Fatalf("read  %+v\nwrote %+v", got, want)
		}
	})
}

func TestWhatIsNoLetterSaysWhy(t *testing.T) {
	t.Parallel()
	l := full()
	for header, values := range map[string]map[string]string{
		HeaderReason:     {"": "is missing", "whim": `is "whim": want one of the reasons there are`},
		HeaderDelivery:   {"maybe": `is "maybe": want none or uncertain`},
		HeaderAttempts:   {"-1": `is "-1": want a number from 0 to 2147483647`},
		HeaderRet:        {"x": `is "x": want a number from -2147483648 to 2147483647`},
		HeaderHTTPStatus: {"1000": `is "1000": want a number from 0 to 999`},
		HeaderTime:       {"now": `is "now": want a time as in RFC 3339`},
		HeaderViolations: {"{}": `is "{}": want a JSON array of violations`},
		HeaderPrevious:   {"t": `is "t": want the name of a letter`},
		HeaderValue:      {"gone": `is "gone": want omitted`},
	} {
		for value, want := range values {
			headers := slices.DeleteFunc(l.allHeaders(), func(h consumer.Header) bool { return h.Key == header })
			headers = append(headers, consumer.Header{Key: header, Value: []byte(value)})
			got := Read(someName, someTime, []byte("k"), []byte("v"), headers)
			if got.Foreign != "header "+header+" "+want {
				t.Errorf("%s: %s: foreign since %q", header, value, got.Foreign)
			}
			if !reflect.DeepEqual(got.Letter, Letter{Key: []byte("k"), Value: []byte("v"), Headers: headers}) {
				t.Errorf("%s: the record is not as it was: %v", header, got.Letter)
			}
		}
	}
	unknown := append(l.allHeaders(), consumer.Header{Key: "deadletter.of.tomorrow", Value: []byte("x")})
	if got := Read(someName, someTime, nil, nil, unknown); got.Foreign != "" {
		t.Errorf("with a header that is not known it is foreign: %s", got.Foreign)
	}
	if got := Read(someName, someTime, nil, nil, append(unknown, unknown[len(unknown)-1])); !strings.Contains(got.Foreign, "more than once") {
		t.Errorf("with a header twice it is foreign since %q", got.Foreign)
	}
}

// Headers in a dead-letter topic may be anybody's.
func FuzzRead(f *testing.F) {
	l := full()
	for _, h := range l.allHeaders() {
		f.Add(h.Key, h.Value)
	}
	f.Fuzz(func(t *testing.T, key string, value []byte) {
		headers := slices.DeleteFunc(l.allHeaders(), func(h consumer.Header) bool { return h.Key == key })
		e := Read(someName, someTime, nil, value, append(headers, consumer.Header{Key: key, Value: value}))
		if e.Foreign != "" {
			return
		}
		again := Read(e.Name, e.Written, e.Letter.Key, e.Letter.Value, e.Letter.allHeaders())
		if again.Foreign != "" {
			t.Errorf("what was read is written as what is foreign: %s", again.Foreign)
		}
		if _, err := e.MarshalJSON(); err != nil {
			t.Error(err)
		}
	})
}

func TestJSONOfAnEntryIsReadBackExactly(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		e := Entry{Name: someName, TopicID: rapid.SampledFrom([]string{"", "q83vEjRWeJCrze8SNFZ4kA"}).Draw(t, "topic id"), Written: someTime, State: rapid.SampledFrom([]State{Pending, Replayed, Discarded}).Draw(t, "state"), Letter: anyLetter(t)}
		e.Letter.Omitted.Value = rapid.Bool().Draw(t, "omitted")
		if rapid.IntRange(0, 4).Draw(t, "foreign") == 0 {
			e.Foreign, e.Letter.Omitted = "why", Omitted{}
			e.Letter = Letter{Key: e.Letter.Key, Value: e.Letter.Value, Headers: e.Letter.Headers}
		}
		text, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		var got Entry
		if err := json.Unmarshal(text, &got); err != nil || !reflect.DeepEqual(got, e) {
			t.Fatalf("read %+v, error %v\nof   %+v\nin %s", got, err, e, text)
		}
	})
}

func TestJSONOfAnEntry(t *testing.T) {
	t.Parallel()
	l := full()
	l.Key = []byte{0xff}
	l.Headers = append(l.Headers, consumer.Header{Key: "null"})
	l.Previous = Name{"t.dlq", 0, 1}
	l.Omitted.Value = true
	for rule, test := range map[string]struct {
		entry Entry
		want  string
	}{
		"of a letter": {
			Entry{Name: someName, TopicID: "q83vEjRWeJCrze8SNFZ4kA", Written: someTime, State: Replayed, Letter: l},
			`{"name":"t.dlq/3/7","topic_id":"q83vEjRWeJCrze8SNFZ4kA","state":"replayed","written":"2023-11-14T22:13:20.123Z","reason":"schema_violation",` +
				`"detail":"baseinfo.platid is missing\nand so is more","violations":[` +
				`{"instance":"/baseinfo","keyword":"/properties/baseinfo/required","message":"missing \"platid\""},` +
				`{"instance":"","keyword":"/anyOf","message":""}],"ret":-20000,"http_status":200,"attempts":3,"delivery":"uncertain",` +
				`"appid":"wx1","route":"battle_report","source":{"topic":"battle-reports","partition":7,"offset":1099511627776,` +
				`"timestamp":"2026-01-02T03:04:05.678Z"},"time":"2026-01-02T03:04:06.000Z","replays":2,"previous":"t.dlq/0/1",` +
				`"omitted":["value"],"key_base64":"/w==","headers":[{"key":"appid","value":"wx1"},{"key":"twice","value":"1"},` +
				`{"key":"twice","value":"2"},{"key":"null","value":null}],"value":"{\"x\": 1.0}"}`,
		},
		"of a record that is none": {
			Entry{Name: someName, Written: someTime, State: Pending, Foreign: "<why>", Letter: Letter{Value: []byte("<&>")}},
			`{"name":"t.dlq/3/7","state":"pending","written":"2023-11-14T22:13:20.123Z","foreign":"<why>","key":null,"headers":[],"value":"<&>"}`,
		},
		"of a record that is none, and has no time": {
			Entry{Name: someName, State: Pending, Foreign: "why"},
			`{"name":"t.dlq/3/7","state":"pending","foreign":"why","key":null,"headers":[],"value":null}`,
		},
		"of a letter of which no time is known": {
			Entry{Name: someName, State: Pending, Letter: Letter{Reason: Rejected, Delivery: None, Source: Source{Topic: "t"}}},
			`{"name":"t.dlq/3/7","state":"pending","reason":"rejected","detail":"","attempts":0,"delivery":"none",` +
				`"source":{"topic":"t","partition":0,"offset":0},"replays":0,"key":null,"headers":[],"value":null}`,
		},
	} {
		got, err := test.entry.MarshalJSON()
		if err != nil || string(got) != test.want {
			t.Errorf("%s:\n%s\nwant, error %v:\n%s", rule, got, err, test.want)
		}
	}
}

func TestJSONThatAPersonHasSpoiltIsRefused(t *testing.T) {
	t.Parallel()
	e := Entry{Name: someName, Written: someTime, State: Pending, Letter: full()}
	good, err := e.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for rule, test := range map[string]struct{ old, new, want string }{
		"a field that is not known": {`"key":`, `"kye":`, `read a letter: json: unknown field "kye"`},
		"a field of another type":   {`"attempts":3`, `"attempts":"3"`, `attempts`},
		"a value that is an object": {`"value":"{\"x\": 1.0}"`, `"value":{}`, `read letter "t.dlq/3/7": value is not a string`},
		"no value":                  {`,"value":"{\"x\": 1.0}"`, ``, `read letter "t.dlq/3/7": value is missing: want value or value_base64`},
		"two values":                {`"value":"{`, `"value_base64":"","value":"{`, `read letter "t.dlq/3/7": value and value_base64 are both there: want one`},
		"base64 that is none":       {`"value":"{\"x\": 1.0}"`, `"value_base64":"%"`, `read letter "t.dlq/3/7": value_base64: illegal base64 data at input byte 0`},
		"no name":                   {`t.dlq/3/7`, `t.dlq`, `read letter "t.dlq": "t.dlq" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"another state":             {`"pending"`, `"done"`, `read letter "t.dlq/3/7": state is "done": want pending, replayed or discarded`},
		"another reason":            {`"schema_violation"`, `""`, `reason is ""`},
		"another delivery":          {`"uncertain"`, `""`, `delivery is ""`},
		"no source":                 {`"topic":"battle-reports"`, `"topic":""`, `source is missing`},
		"a value that stands twice": {`"value":"{`, `"value":"","val\u0075e":"{`, `read letter "t.dlq/3/7": key "value" stands twice in one object, at byte `},
		"half of a surrogate pair":  {`"value":"{`, `"value":"\ud83d{`, `read letter "t.dlq/3/7": half of a surrogate pair, at byte `},
		"text that is no UTF-8":     {`"value":"{`, "\"value\":\"\xff{", `read letter "t.dlq/3/7": invalid UTF-8, at byte `},
		"a time that is none":       {`2026-01-02T03:04:06.000Z`, `yesterday`, `yesterday`},
	} {
		text := strings.Replace(string(good), test.old, test.new, 1)
		got := Entry{State: "kept"}
		if err := json.Unmarshal([]byte(text), &got); err == nil || !strings.Contains(err.Error(), test.want) || got.State != "kept" {
			t.Errorf("%s: error %v, want %s", rule, err, test.want)
		}
	}
	// What is not known is not there, and older versions wrote Kafka's -1.
	for _, none := range []string{``, `,"timestamp":"1969-12-31T23:59:59.999Z"`} {
		text := strings.Replace(string(good), `,"timestamp":"2026-01-02T03:04:05.678Z"`, none, 1)
		if err := json.Unmarshal([]byte(text), &e); err != nil || !e.Letter.Source.Time.IsZero() {
			t.Errorf("%s is read as %v, error %v", text, e.Letter.Source.Time, err)
		}
	}
	edited := strings.Replace(string(good), `"value":"{\"x\": 1.0}"`, `"value_base64":"/w=="`, 1)
	if err := json.Unmarshal([]byte(edited), &e); err != nil || string(e.Letter.Value) != "\xff" {
		t.Errorf("value %q, error %v", e.Letter.Value, err)
	}
}

func FuzzUnmarshalEntry(f *testing.F) {
	e := Entry{Name: someName, Written: someTime, State: Pending, Letter: full()}
	text, _ := e.MarshalJSON()
	f.Add(text)
	f.Add([]byte(`{"name":"t/0/0","state":"pending","foreign":"x","key":null,"headers":[],"value_base64":"/w=="}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var e, again Entry
		if json.Unmarshal(text, &e) != nil {
			return
		}
		written, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(written, &again); err != nil || string(again.Letter.Value) != string(e.Letter.Value) {
			t.Errorf("%s is read, written as %s and read with error %v", text, written, err)
		}
	})
}
