package letters

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

var update = flag.Bool("update", false, "write what is shown into testdata, to be looked at")

// golden compares with testdata/name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s:\n%s\nwant\n%s", name, got, want)
	}
}

// noon is the present of these tests, in a zone that is not UTC.
var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

const testApp = "wxcde873f99466f74a"

// letter is a pending letter of the last minute; changes make it another.
func letter(changes ...func(*deadletter.Entry)) *deadletter.Entry {
	at := noon.Add(-time.Minute).UTC()
	e := &deadletter.Entry{
		Name: deadletter.Name{Topic: "battle-reports.dlq", Partition: 3, Offset: 1042}, Written: at, State: deadletter.Pending,
		Letter: deadletter.Letter{
			Key: []byte("oGRTijrV0l67hDGN7dstOl8CphN0"), Value: []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`),
			Headers: []consumer.Header{{Key: "appid", Value: []byte(testApp)}},
			Reason:  deadletter.Exhausted, Detail: "no call succeeded in 5m0s", Delivery: deadletter.None, AppID: testApp, Route: "battle_report",
			Source: deadletter.Source{Topic: "battle-reports", Partition: 3, Offset: 99_000, Time: at.Add(-time.Second)}, Time: at,
		},
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

func at(when time.Time) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.Time, e.Written = when.UTC(), when.UTC() }
}

func rejected(ret int) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) {
		e.Letter.Reason, e.Letter.Ret, e.Letter.HTTPStatus, e.Letter.Attempts = deadletter.Rejected, &ret, 200, 1
		e.Letter.Detail = fmt.Sprintf("the platform refuses this record: ret %d", ret)
	}
}

func violating(instance, keyword, message string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) {
		e.Letter.Reason, e.Letter.Detail = deadletter.SchemaViolation, instance+": "+message
		e.Letter.Violations = append(e.Letter.Violations, deadletter.Violation{Instance: instance, Keyword: keyword, Message: message})
	}
}

func player(openID string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.Key = []byte(openID) }
}

func value(text string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.Value = []byte(text) }
}

func foreign(e *deadletter.Entry) {
	e.Foreign = "it has no header deadletter.*"
	e.Letter = deadletter.Letter{Key: e.Letter.Key, Value: e.Letter.Value, Headers: e.Letter.Headers}
}

// widest returns the width of the widest line.
func widest(text string) (most int) {
	for line := range strings.Lines(text) {
		most = max(most, words.Width(strings.TrimSuffix(line, "\n")))
	}
	return most
}
