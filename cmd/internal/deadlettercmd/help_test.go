package deadlettercmd

import (
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// fieldNames are those of a type in JSON, and of what is in it.
func fieldNames(of reflect.Type) (names []string) {
	switch of.Kind() {
	case reflect.Pointer, reflect.Slice:
		return fieldNames(of.Elem())
	case reflect.Struct:
	default:
		return nil
	}
	if of == reflect.TypeFor[time.Time]() {
		return nil
	}
	for _, f := range reflect.VisibleFields(of) {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" && name != "-" {
			names = append(names, name)
		}
		names = append(names, fieldNames(f.Type)...)
	}
	return names
}

// fill gives each field of a value something that JSON does not leave out.
func fill(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		if v.Type() == reflect.TypeFor[time.Time]() {
			v.Set(reflect.ValueOf(time.Unix(1, 0)))
			return
		}
		for _, field := range v.Fields() {
			fill(field)
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		fill(v.Index(0))
	case reflect.String:
		v.SetString("x")
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.Set(reflect.ValueOf(1).Convert(v.Type()))
	}
}

// keysOf are the names of all fields in a text, which is JSON.
func keysOf(t *testing.T, text []byte) (names []string) {
	t.Helper()
	var v any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, field := range v {
				names = append(names, name)
				walk(field)
			}
		case []any:
			for _, element := range v {
				walk(element)
			}
		}
	}
	walk(v)
	return names
}

// letterFields are all that JSON may have of a letter, and checks that an import knows them.
func letterFields(t *testing.T) (names []string) {
	t.Helper()
	var text, binary deadletter.Entry
	fill(reflect.ValueOf(&text).Elem())
	text.Name.Topic, text.State = "t", deadletter.Pending
	text.Letter.Reason, text.Letter.Delivery, text.Foreign = deadletter.Rejected, deadletter.None, ""
	binary = text
	coded := []byte{0xff}
	binary.Letter.Key, binary.Letter.Value, binary.Letter.Headers = coded, coded, []consumer.Header{{Key: "h", Value: coded}}
	foreign := deadletter.Entry{Name: text.Name, State: deadletter.Pending, Written: text.Written, Foreign: "it is none"}
	for _, e := range []deadletter.Entry{text, binary, foreign} {
		line, err := e.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, keysOf(t, line)...)
		var read deadletter.Entry
		if err := parseEdit(line, &read); err != nil || read.Name != e.Name || differs(&read, &e) != "" {
			t.Errorf("an export is refused, or read as another: %v: %s", err, line)
		}
	}
	return names
}

// TestTheHelpNamesEachFieldOfTheJSON keeps the help complete when a type grows.
func TestTheHelpNamesEachFieldOfTheJSON(t *testing.T) {
	t.Parallel()
	letter, history := letterFields(t), fieldNames(reflect.TypeFor[historyJSON]())
	work, stats := fieldNames(reflect.TypeFor[workReport]()), fieldNames(reflect.TypeFor[triage.Stats]())
	if len(letter) < 40 || len(history) != 9 || len(work) < 17 || len(stats) < 40 {
		t.Fatalf("%q, %q, %q, %q", letter, history, work, stats)
	}
	for _, test := range []struct {
		command *cobra.Command
		help    string
		fields  []string
	}{
		{listCommand(), letterJSONHelp, letter},
		{exportCommand(), letterJSONHelp, letter},
		{watchCommand(), letterJSONHelp, letter},
		{showCommand(), letterJSONHelp, letter},
		{showCommand(), historyJSONHelp, append(history, "history")},
		{statsCommand(), statsJSONHelp, stats},
		{replayCommand(), workJSONHelp, work},
		{discardCommand(), workJSONHelp, work},
		{importCommand(), workJSONHelp, work},
	} {
		if !strings.Contains(test.command.Long, test.help) {
			t.Errorf("%s does not say what its JSON has", test.command.Name())
		}
		for _, name := range test.fields {
			if !regexp.MustCompile(`\b` + name + `\b`).MatchString(test.help) {
				t.Errorf("the help of %s does not name %s", test.command.Name(), name)
			}
		}
	}
}
