package part

import (
	"slices"
	"testing"
	"time"
)

func TestNumbersAreFoundInABody(t *testing.T) {
	t.Parallel()
	for body, want := range map[string][]uint64{
		``:                                 nil,
		`[{"value":"r1-7"}]`:               {7},
		`"r1-7""r1-8","r1-7"`:              {7, 8, 7},
		`"r1-18446744073709551615"`:        {1<<64 - 1},
		`"r1-","r1-7,"r1-x","r1-7x"`:       nil,
		`"r2-7" "r11-7" r1-7"`:             nil,
		`"r1-7`:                            nil,
		`{"name":"r1-1"},{"name":"r1-02"}`: {1, 2},
	} {
		var got []uint64
		EachNumber([]byte(body), IDPrefix("r1"), func(n uint64) { got = append(got, n) })
		if !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", body, got, want)
		}
	}
}

func TestASumTellsLossesAndRepetitionsThatEvenOut(t *testing.T) {
	t.Parallel()
	sum := func(numbers ...uint64) (s Checksum) {
		for _, n := range numbers {
			s.Add(n)
		}
		return s
	}
	if sum(1, 2, 3, 4) != sum(4, 2, 1, 3) {
		t.Error("the order makes a difference")
	}
	if sum(1, 2, 3, 4) == sum(1, 1, 4, 4) {
		t.Error("two lost and two repeated make no difference")
	}
}

func TestTheRateLeavesBothEndsOut(t *testing.T) {
	t.Parallel()
	begin := time.Unix(0, 0)
	for rule, test := range map[string]struct {
		calls []time.Duration // when each of 100 events ended
		want  float64
	}{
		"100 events every 10 ms":         {every10ms(20), 10_000},
		"the first call came early":      {append([]time.Duration{0}, shifted(every10ms(39), time.Second)...), 10_000},
		"the last call lingered":         {append(every10ms(39), time.Minute), 10_000},
		"one call tells nothing":         {every10ms(1), 0},
		"none tells nothing":             {nil, 0},
		"two calls tell from end to end": {every10ms(2), 10_000},
	} {
		var got Tally
		expected := int64(100 * len(test.calls))
		for _, at := range test.calls {
			got.note(Checksum{Count: 100}, expected, begin.Add(at))
		}
		if rate := got.Rate(); rate < test.want*0.999 || rate > test.want*1.001 {
			t.Errorf("%s: got %v, want %v", rule, rate, test.want)
		}
	}
}

func every10ms(n int) (at []time.Duration) {
	for i := range n {
		at = append(at, time.Duration(i)*10*time.Millisecond)
	}
	return at
}

func shifted(at []time.Duration, by time.Duration) []time.Duration {
	for i := range at {
		at[i] += by
	}
	return at
}
