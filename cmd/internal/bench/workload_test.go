package bench

import (
	"slices"
	"testing"
	"time"
)

func TestSweepsChangeOneThing(t *testing.T) {
	t.Parallel()
	base := defaultWorkload()
	points := sweepPoints("all", base)
	values := map[string][]string{}
	for _, p := range points {
		values[p.sweep] = append(values[p.sweep], p.value)
		w := p.workload
		switch p.sweep {
		case "partitions":
			w.Partitions = base.Partitions
		case "records":
			w.Events = base.Events
		case "size":
			w.Size, w.Events = base.Size, base.Events
		case "latency":
			w.Latency = base.Latency
		case "bad":
			w.Bad = base.Bad
		}
		if w != base {
			t.Errorf("%s %s changes more than that: %+v", p.sweep, p.value, p.workload)
		}
		if want := []string{runPart, ceilingPart}; !slices.Equal(p.contestants(), want) {
			t.Errorf("%s %s is a matter of %q, want %q", p.sweep, p.value, p.contestants(), want)
		}
		if p.bytes() > 5<<30 {
			t.Errorf("%s %s needs %d bytes in the broker", p.sweep, p.value, p.bytes())
		}
	}
	if want := []string{"0 ms", "20 ms", "100 ms"}; !slices.Equal(values["latency"], want) || len(values) != len(sweepNames()) {
		t.Errorf("got the values %q", values)
	}
	alone := sweepPoints("", base)
	if len(alone) != 1 || alone[0].workload != base {
		t.Fatalf("without a sweep: %+v", alone)
	}
	if want := []string{runPart, readerPart, ceilingPart}; !slices.Equal(alone[0].contestants(), want) {
		t.Errorf("without a sweep %q take turns, want %q", alone[0].contestants(), want)
	}
}

func TestTheBoundIsWhatTheCallsInFlightCarry(t *testing.T) {
	t.Parallel()
	w := defaultWorkload()
	for rule, test := range map[string]struct {
		set  func()
		want float64
	}{
		"none without a latency":                     {func() {}, 0},
		"32 calls of 100 every 100 ms":               {func() { w.Latency = millis(100 * time.Millisecond) }, 32_000},
		"calls are full at 512 KiB, here 32 records": {func() { w.Latency, w.Size = millis(100*time.Millisecond), 16<<10 }, 32 * 32 * 10},
	} {
		w = defaultWorkload()
		test.set()
		if got := w.bound(); got != test.want {
			t.Errorf("%s: got %v, want %v", rule, got, test.want)
		}
	}
}
