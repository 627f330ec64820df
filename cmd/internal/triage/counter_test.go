package triage

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
)

func TestStatsAsJSON(t *testing.T) {
	t.Parallel()
	c, seconds := NewCounter(), map[int64]int{}
	for _, e := range triagetest.Incident() {
		c.Add(e)
		seconds[e.Written.Unix()]++
	}
	text, err := json.MarshalIndent(c.Stats(triagetest.Noon), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	// The timeline has a bucket for each of thousands of seconds, which nobody would look at, and which are known.
	var buckets []string
	for _, at := range slices.Sorted(maps.Keys(seconds)) {
		buckets = append(buckets, fmt.Sprintf("  {\n   \"time\": %q,\n   \"letters\": %d\n  }", time.Unix(at, 0).UTC().Format(time.RFC3339), seconds[at]))
	}
	before, after, found := strings.Cut(string(text), "[\n"+strings.Join(buckets, ",\n")+"\n ]")
	if !found {
		t.Fatalf("the timeline is not that of the letters: %.2000s", text[bytes.Index(text, []byte("timeline")):])
	}
	triagetest.Golden(t, "stats.json", before+`"a bucket for each second with letters"`+after)
}

func TestALetterCountsOnceForAViolationThatItHasTwice(t *testing.T) {
	t.Parallel()
	c := NewCounter()
	c.Add(triagetest.Letter(triagetest.Violating("/rounds/1/score", "/k", "a"), triagetest.Violating("/rounds/22/score", "/k", "b"), triagetest.Violating("/rounds/1x", "/k", "c")))
	want := []PatternCount{{Pattern{"/rounds/*/score", "/k", "a"}, 1}, {Pattern{"/rounds/1x", "/k", "c"}, 1}}
	if got := c.Stats(triagetest.Noon).Patterns; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%+v", got)
	}
}
