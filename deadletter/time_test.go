package deadletter

import (
	"math"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

func TestALetterOfAnyTimeIsReadBack(t *testing.T) {
	t.Parallel()
	const last = 253402300799999 // that RFC 3339 can write
	for ms, want := range map[int64]int64{
		0: 0, 1767225600000: 1767225600000, 1767225600: 1767225600, last: last,
		last + 1: last, 1767225600000000: last, math.MaxInt64: last,
	} {
		at := time.UnixMilli(ms)
		l := Letter{Reason: Rejected, Source: Source{Topic: "t", Time: at}, Time: at}
		e := Read(someName, at, nil, nil, l.allHeaders())
		text, err := e.MarshalJSON()
		var again Entry
		if err == nil {
			err = again.UnmarshalJSON(text)
		}
		for what, got := range map[string]time.Time{
			"timestamp": e.Letter.Source.Time, "time": e.Letter.Time, "written": e.Written,
			"timestamp in JSON": again.Letter.Source.Time, "time in JSON": again.Letter.Time, "written in JSON": again.Written,
		} {
			if got.UnixMilli() != want || err != nil || e.Foreign != "" {
				t.Errorf("%s: %d ms is read back as %d, error %v %s", what, ms, got.UnixMilli(), err, e.Foreign)
			}
		}
		if e.Letter.Identity() != l.Identity() {
			t.Errorf("%d ms: what is read back is another letter", ms)
		}
	}
}

func TestALetterWithoutATimeIsReadBackWithoutOne(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.UnixMilli(-1), time.UnixMilli(-2), time.UnixMilli(math.MinInt64)} {
		l := Letter{Reason: Rejected, Source: Source{Topic: "t", Time: at}, Time: at}
		e := Read(someName, at, nil, nil, l.allHeaders())
		if e.Foreign != "" || !e.Letter.Source.Time.IsZero() || !e.Letter.Time.IsZero() || !e.Written.IsZero() {
			t.Errorf("%v is read back as %+v", at, e)
		}
		origin, ok := OriginOf(l.ReplayHeaders(someName))
		if !ok || !origin.Source.Time.IsZero() {
			t.Errorf("%v is replayed as %+v, %v", at, origin, ok)
		}
	}
}

// Older versions wrote Kafka's -1 as the time that it would be.
func TestALetterWithoutATimeIsTheTwinOfOneThatAnOlderVersionWrote(t *testing.T) {
	t.Parallel()
	const older = "1969-12-31T23:59:59.999Z"
	l := Letter{Reason: Rejected, Source: Source{Topic: "t", Partition: 1, Offset: 2}, Replays: 3}
	headers := append(l.allHeaders(), consumer.Header{Key: HeaderSourceTimestamp, Value: []byte(older)})
	if e := Read(someName, someTime, nil, nil, headers); e.Foreign != "" || e.Letter.Identity() != l.Identity() {
		t.Errorf("it is read as %+v", e)
	}
	for rule, source := range map[string]string{
		"as it is written now":       `{"topic":"t","partition":1,"offset":2}`,
		"as older versions wrote it": `{"topic":"t","partition":1,"offset":2,"timestamp":"` + older + `"}`,
	} {
		value := []byte(`{"state":"replayed","source":` + source + `,"replays":3}`)
		if r, ok := SkimResolution(someName, value); !ok || r.Identity() != l.Identity() {
			t.Errorf("%s: it is read as %+v", rule, r)
		}
		if r, err := ParseResolution(someName, value); err != nil || r.Identity() != l.Identity() {
			t.Errorf("%s: it is read whole as %+v, error %v", rule, r, err)
		}
	}
	for _, source := range []string{`{"topic":"t"}`, `{"topic":"t","partition":1}`, `{"topic":"t","offset":2}`, `null`, `{}`} {
		r, ok := SkimResolution(someName, []byte(`{"state":"replayed","source":`+source+`,"replays":3}`))
		if !ok || r.Identity().Known() {
			t.Errorf("of %s it is read as %+v, %v: it tells of no twin", source, r, ok)
		}
	}
}

func TestATimeThatIsNotKnownIsNeitherSinceNorUntil(t *testing.T) {
	t.Parallel()
	for _, at := range []time.Time{{}, time.UnixMilli(1767225600)} {
		e := Entry{Name: someName, Written: at, State: Pending}
		for want, f := range map[bool][]Filter{
			true:  {{}},
			false: {{Since: time.UnixMilli(0)}, {Until: someTime}, {Since: time.UnixMilli(0), Until: someTime}},
		} {
			for _, f := range f {
				if got, err := f.Match(t.Context(), &e); got != want || err != nil {
					t.Errorf("written %v, since %v until %v: %v, error %v", at, f.Since, f.Until, got, err)
				}
			}
		}
	}
}
