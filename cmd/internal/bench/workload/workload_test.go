package workload

import (
	"slices"
	"testing"
	"time"
)

func TestSweepsChangeOneThing(t *testing.T) {
	t.Parallel()
	base := Default()
	points := Points("all", base)
	values := map[string][]string{}
	for _, p := range points {
		values[p.Sweep] = append(values[p.Sweep], p.Value)
		w := p.Workload
		switch p.Sweep {
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
			t.Errorf("%s %s changes more than that: %+v", p.Sweep, p.Value, p.Workload)
		}
		if want := []string{Run, Ceiling}; !slices.Equal(p.Contestants(), want) {
			t.Errorf("%s %s is a matter of %q, want %q", p.Sweep, p.Value, p.Contestants(), want)
		}
		if p.Bytes() > 5<<30 {
			t.Errorf("%s %s needs %d bytes in the broker", p.Sweep, p.Value, p.Bytes())
		}
	}
	if want := []string{"0 ms", "20 ms", "100 ms"}; !slices.Equal(values["latency"], want) || len(values) != len(SweepNames()) {
		t.Errorf("got the values %q", values)
	}
	alone := Points("", base)
	if len(alone) != 1 || alone[0].Workload != base {
		t.Fatalf("without a sweep: %+v", alone)
	}
	if want := []string{Run, Reader, Ceiling}; !slices.Equal(alone[0].Contestants(), want) {
		t.Errorf("without a sweep %q take turns, want %q", alone[0].Contestants(), want)
	}
}

func TestTheBoundIsWhatTheCallsInFlightCarry(t *testing.T) {
	t.Parallel()
	w := Default()
	for rule, test := range map[string]struct {
		set  func()
		want float64
	}{
		"none without a latency":                     {func() {}, 0},
		"32 calls of 100 every 100 ms":               {func() { w.Latency = Millis(100 * time.Millisecond) }, 32_000},
		"calls are full at 512 KiB, here 32 records": {func() { w.Latency, w.Size = Millis(100*time.Millisecond), 16<<10 }, 32 * 32 * 10},
	} {
		w = Default()
		test.set()
		if got := w.Bound(); got != test.want {
			t.Errorf("%s: got %v, want %v", rule, got, test.want)
		}
	}
}
