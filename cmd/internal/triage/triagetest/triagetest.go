// Package triagetest has dead letters for the tests of what is found out about them and of how that is shown.
package triagetest

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

var update = flag.Bool("update", false, "write what is shown into testdata, to be looked at")

// Golden compares what a test got with the file of that name in its package's testdata, which it writes if -update is given.
func Golden(t *testing.T, name, got string) {
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

// Noon is the present of the tests, in a zone that is not UTC.
var Noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.FixedZone("CST", 8*3600))

// App is the app of a letter of which nothing else is said.
const App = "wxcde873f99466f74a"

// Letter returns a pending letter of the last minute; changes make it another.
func Letter(changes ...func(*deadletter.Entry)) *deadletter.Entry {
	at := Noon.Add(-time.Minute).UTC()
	e := &deadletter.Entry{
		Name: deadletter.Name{Topic: "battle-reports.dlq", Partition: 3, Offset: 1042}, Written: at, State: deadletter.Pending,
		Letter: deadletter.Letter{
			Key: []byte("oGRTijrV0l67hDGN7dstOl8CphN0"), Value: []byte(`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`),
			Headers: []consumer.Header{{Key: "appid", Value: []byte(App)}},
			Reason:  deadletter.Exhausted, Detail: "no call succeeded in 5m0s", Delivery: deadletter.None, AppID: App, Route: "battle_report",
			Source: deadletter.Source{Topic: "battle-reports", Partition: 3, Offset: 99_000, Time: at.Add(-time.Second)}, Time: at,
		},
	}
	for _, change := range changes {
		change(e)
	}
	return e
}

// At has a letter given up, and written, at a time.
func At(when time.Time) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.Time, e.Written = when.UTC(), when.UTC() }
}

// Rejected has the platform refuse it.
func Rejected(ret int) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) {
		e.Letter.Reason, e.Letter.Ret, e.Letter.HTTPStatus, e.Letter.Attempts = deadletter.Rejected, &ret, 200, 1
		e.Letter.Detail = fmt.Sprintf("the platform refuses this record: ret %d", ret)
	}
}

// Violating gives it one more violation.
func Violating(instance, keyword, message string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) {
		e.Letter.Reason, e.Letter.Detail = deadletter.SchemaViolation, instance+": "+message
		e.Letter.Violations = append(e.Letter.Violations, deadletter.Violation{Instance: instance, Keyword: keyword, Message: message})
	}
}

// Player makes it another player's.
func Player(openID string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.Key = []byte(openID) }
}

// Value gives it another value.
func Value(text string) func(*deadletter.Entry) {
	return func(e *deadletter.Entry) { e.Letter.Value = []byte(text) }
}

// Foreign makes it a record that is no letter.
func Foreign(e *deadletter.Entry) {
	e.Foreign = "it has no header deadletter.*"
	e.Letter = deadletter.Letter{Key: e.Letter.Key, Value: e.Letter.Value, Headers: e.Letter.Headers}
}

// Two causes: Platid is what schemas find most, and Refuse what the platform does.
var (
	Platid = Violating("/baseinfo/platid", "/properties/baseinfo/properties/platid/type", "expected integer, but got string")
	Refuse = Rejected(-1011)
)

// Incident returns letters of three days of a trickle, and of two hours of a wave of something else.
func Incident() (letters []*deadletter.Entry) {
	for i := range 216 {
		e := Letter(Player(fmt.Sprint("o", i)), At(Noon.Add(-72*time.Hour+time.Duration(i)*20*time.Minute)))
		switch i % 3 {
		case 0:
			Platid(e)
		case 1:
			Violating("/battleinfo/rounds/3/score", "/properties/battleinfo/score", "expected integer, but got string")(e)
			Violating("/battleinfo/rounds/7/score", "/properties/battleinfo/score", "expected integer, but got null")(e)
		default:
			Foreign(e)
		}
		letters = append(letters, e)
	}
	for i := range 4000 {
		e := Letter(Player(fmt.Sprint("p", i%1500)), Refuse, At(Noon.Add(-125*time.Minute+time.Duration(i)*1800*time.Millisecond)))
		if i%100 == 0 {
			e.Letter.AppID, e.Letter.Delivery = "wx4ba1a8d1c8b2b0e5", deadletter.Uncertain
		}
		letters = append(letters, e)
	}
	return letters
}
