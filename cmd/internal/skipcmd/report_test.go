package skipcmd

import (
	"reflect"
	"regexp"
	"strings"
	"testing"
)

func TestTheHelpNamesTheFieldsOfTheReport(t *testing.T) {
	t.Parallel()
	for _, f := range reflect.VisibleFields(reflect.TypeFor[report]()) {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if name != "" && !regexp.MustCompile(`\b`+name+`\b`).MatchString(jsonHelp) {
			t.Errorf("%s is not in the help", name)
		}
	}
}

func TestAReportSaysWhatWouldBeAndWhatIsDone(t *testing.T) {
	t.Parallel()
	base := report{Topic: "t", Partition: 3, Group: "g", Batch: 5, First: 7, Last: 9, Records: 1200, Bytes: 1, Why: "no\nend", Committed: 7, Moved: 10}
	for rule, test := range map[string]struct {
		change       func(*report)
		plan, result string
	}{
		"what is moved":                {func(r *report) { r.Kept, r.Skipped = "f", true }, "stands at 7, and would go on at 10.", "kept 1 byte in f\nmoved the group g from 7 to 10: run goes on there\n"},
		"what is noted":                {func(r *report) { r.Kept, r.Skipped, r.Moved = "f", true, 7 }, "stands at 7, where something is not settled yet. It would stay there, with a note to pass the batch.", "noted for the group g, which stays at 7: run passes the batch when it comes to it\n"},
		"what is moved up to a record": {func(r *report) { r.Kept, r.Skipped, r.Committed = "f", true, 6 }, "stands at 6, and would go on at 10.", "from 6 to 10"},
		"one offset as one":            {func(r *report) { r.Last = 7 }, "t/3: the offset 7 cannot be read: no\\nend\nThe record batch begins at 5 and has 1 byte, and 1,200 records as it says.\n", "moved nothing\n"},
		"that nothing was moved":       {func(r *report) { r.Kept = "f" }, "t/3: the offsets 7 to 9 cannot be read", "kept 1 byte in f\nmoved nothing\n"},
	} {
		r := base
		test.change(&r)
		if plan := r.plan(); !strings.Contains(plan, test.plan) {
			t.Errorf("%s: %q", rule, plan)
		}
		if result := r.result(); !strings.Contains(result, test.result) {
			t.Errorf("%s: %q", rule, result)
		}
	}
}
