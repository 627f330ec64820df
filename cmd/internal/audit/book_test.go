package audit_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/deadletter"
)

var place = audit.Place{Topic: "battle-reports", Partition: 0}

// good publishes events of one player, each with its number as its round and place.
func good(l *audit.Ledger, numbers ...uint64) {
	for _, n := range numbers {
		l.Publish(audit.Event{Number: n, Player: "o1", Round: uint32(n), Value: value(n)})
		l.Written(n, place, int64(n))
	}
}

// bad publishes an event that must be dead-lettered.
func bad(l *audit.Ledger, n uint64, reason deadletter.Reason) {
	l.Publish(audit.Event{Number: n, Player: "o1", Round: uint32(n), Value: value(n), Reason: reason})
	l.Written(n, place, int64(n))
}

func value(n uint64) []byte { return fmt.Appendf(nil, "value of %d", n) }

func accept(l *audit.Ledger, numbers ...uint64) {
	for _, n := range numbers {
		l.Accept(n, value(n))
	}
}

func bury(l *audit.Ledger, n uint64, reason deadletter.Reason) {
	l.Bury(audit.Letter{Number: n, Value: value(n), Reason: reason})
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		play       func(l *audit.Ledger)
		committed  int64
		counts     audit.Counts
		violations map[audit.Violation]int
	}{
		"what is delivered once, as it was published and in order, is fine": {
			play:   func(l *audit.Ledger) { good(l, 1, 2, 3); accept(l, 1, 2, 3) },
			counts: audit.Counts{Published: 3, Delivered: 3},
		},
		"a bad event with a letter for its reason is fine": {
			play: func(l *audit.Ledger) {
				bad(l, 1, deadletter.InvalidJSON)
				bury(l, 1, deadletter.InvalidJSON)
			},
			counts: audit.Counts{Published: 1, DeadLettered: 1},
		},
		"a good event may end as exhausted, expired or rejected": {
			play: func(l *audit.Ledger) {
				good(l, 1, 2, 3)
				bury(l, 1, deadletter.Exhausted)
				bury(l, 2, deadletter.Expired)
				bury(l, 3, deadletter.Rejected)
			},
			counts: audit.Counts{Published: 3, DeadLettered: 3},
		},
		"an event that the platform must reject may end as exhausted or expired": {
			play: func(l *audit.Ledger) {
				bad(l, 1, deadletter.Rejected)
				bad(l, 2, deadletter.Rejected)
				bad(l, 3, deadletter.Rejected)
				bury(l, 1, deadletter.Rejected)
				bury(l, 2, deadletter.Exhausted)
				bury(l, 3, deadletter.Expired)
			},
			counts: audit.Counts{Published: 3, DeadLettered: 3},
		},
		"what has not come out and is not committed is pending": {
			play:      func(l *audit.Ledger) { good(l, 1, 2, 3); accept(l, 1) },
			committed: 2,
			counts:    audit.Counts{Published: 3, Delivered: 1, Pending: 2},
		},
		"what has not come out though it is committed is lost": {
			play:       func(l *audit.Ledger) { good(l, 1, 2, 3, 4); accept(l, 1, 3) },
			committed:  4,
			counts:     audit.Counts{Published: 4, Delivered: 2, Pending: 1, Lost: 1},
			violations: map[audit.Violation]int{audit.Lost: 1},
		},
		"what was withdrawn is no longer published, neither pending nor lost": {
			play:      func(l *audit.Ledger) { good(l, 1, 2); l.Withdraw(1); accept(l, 2) },
			committed: 9,
			counts:    audit.Counts{Published: 1, Delivered: 1},
		},
		"what was withdrawn after it had arrived stays": {
			play:   func(l *audit.Ledger) { good(l, 1); accept(l, 1); l.Withdraw(1) },
			counts: audit.Counts{Published: 1, Delivered: 1},
		},
		"what was withdrawn and comes out all the same is unknown": {
			play:       func(l *audit.Ledger) { good(l, 1); l.Withdraw(1); accept(l, 1) },
			violations: map[audit.Violation]int{audit.Unknown: 1},
		},
		"every further acceptance is a duplicate": {
			play:       func(l *audit.Ledger) { good(l, 1); accept(l, 1, 1, 1) },
			counts:     audit.Counts{Published: 1, Delivered: 1},
			violations: map[audit.Violation]int{audit.Duplicated: 2},
		},
		"every further letter is a duplicate": {
			play: func(l *audit.Ledger) {
				bad(l, 1, deadletter.TooLarge)
				bury(l, 1, deadletter.TooLarge)
				bury(l, 1, deadletter.TooLarge)
			},
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Duplicated: 1},
		},
		"a first delivery after one of a later round is out of order": {
			play:       func(l *audit.Ledger) { good(l, 1, 2, 3); accept(l, 2, 1, 3) },
			counts:     audit.Counts{Published: 3, Delivered: 3},
			violations: map[audit.Violation]int{audit.OutOfOrder: 1},
		},
		"a repetition is a duplicate, and not out of order too": {
			play:       func(l *audit.Ledger) { good(l, 1, 2, 3); accept(l, 1, 2, 1, 3) },
			counts:     audit.Counts{Published: 3, Delivered: 3},
			violations: map[audit.Violation]int{audit.Duplicated: 1},
		},
		"rounds may be left out": {
			play: func(l *audit.Ledger) {
				good(l, 1, 2, 3)
				accept(l, 1, 3)
				bury(l, 2, deadletter.Exhausted)
			},
			counts: audit.Counts{Published: 3, Delivered: 2, DeadLettered: 1},
		},
		"events of different players have no order": {
			play: func(l *audit.Ledger) {
				good(l, 1)
				l.Publish(audit.Event{Number: 2, Player: "o2", Round: 2, Value: value(2)})
				accept(l, 2, 1)
			},
			counts: audit.Counts{Published: 2, Delivered: 2},
		},
		"other bytes at the platform are an alteration": {
			play:       func(l *audit.Ledger) { good(l, 1); l.Accept(1, []byte("value of 1 ")) },
			counts:     audit.Counts{Published: 1, Delivered: 1},
			violations: map[audit.Violation]int{audit.Altered: 1},
		},
		"other bytes in a repetition are one, too": {
			play:       func(l *audit.Ledger) { good(l, 1); accept(l, 1); l.Accept(1, nil) },
			counts:     audit.Counts{Published: 1, Delivered: 1},
			violations: map[audit.Violation]int{audit.Altered: 1, audit.Duplicated: 1},
		},
		"other bytes in a letter are an alteration": {
			play: func(l *audit.Ledger) {
				bad(l, 1, deadletter.InvalidJSON)
				l.Bury(audit.Letter{Number: 1, Value: []byte("{}"), Reason: deadletter.InvalidJSON})
			},
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Altered: 1},
		},
		"an empty value in the letter of a record without one is an alteration": {
			play: func(l *audit.Ledger) {
				l.Publish(audit.Event{Number: 1, Player: "o1", Round: 1, Value: nil, Reason: deadletter.InvalidJSON})
				l.Bury(audit.Letter{Number: 1, Value: []byte{}, Reason: deadletter.InvalidJSON})
			},
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Altered: 1},
		},
		"a letter may say that it lacks the value": {
			play: func(l *audit.Ledger) {
				bad(l, 1, deadletter.TooLarge)
				l.Bury(audit.Letter{Number: 1, Omitted: true, Reason: deadletter.TooLarge})
			},
			counts: audit.Counts{Published: 1, DeadLettered: 1},
		},
		"the platform may be meant to see something else than the value": {
			play: func(l *audit.Ledger) {
				l.Publish(audit.Event{Number: 1, Player: "o1", Round: 1, Value: value(1), Posted: []byte("1200")})
				l.Accept(1, []byte("1200"))
			},
			counts: audit.Counts{Published: 1, Delivered: 1},
		},
		"a bad event that is delivered is misjudged": {
			play:       func(l *audit.Ledger) { bad(l, 1, deadletter.SchemaViolation); accept(l, 1) },
			counts:     audit.Counts{Published: 1, Delivered: 1},
			violations: map[audit.Violation]int{audit.Misjudged: 1},
		},
		"a letter for another reason is misjudged": {
			play: func(l *audit.Ledger) {
				bad(l, 1, deadletter.SchemaViolation)
				bury(l, 1, deadletter.InvalidJSON)
			},
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Misjudged: 1},
		},
		"a bad event that is given up as exhausted was misjudged before": {
			play:       func(l *audit.Ledger) { bad(l, 1, deadletter.TooLarge); bury(l, 1, deadletter.Exhausted) },
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Misjudged: 1},
		},
		"a good event with a letter for a bad one is misjudged": {
			play:       func(l *audit.Ledger) { good(l, 1); bury(l, 1, deadletter.SchemaViolation) },
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Misjudged: 1},
		},
		"a letter for no reason is misjudged": {
			play:       func(l *audit.Ledger) { good(l, 1); bury(l, 1, "") },
			counts:     audit.Counts{Published: 1, DeadLettered: 1},
			violations: map[audit.Violation]int{audit.Misjudged: 1},
		},
		"delivered and dead-lettered is a violation, whichever comes first": {
			play: func(l *audit.Ledger) {
				good(l, 1, 2)
				accept(l, 1)
				bury(l, 1, deadletter.Exhausted)
				bury(l, 2, deadletter.Exhausted)
				accept(l, 2)
			},
			counts:     audit.Counts{Published: 2, Delivered: 2, Both: 2},
			violations: map[audit.Violation]int{audit.Both: 2},
		},
		"delivered and dead-lettered is allowed if the letter says that it may be": {
			play: func(l *audit.Ledger) {
				good(l, 1, 2)
				accept(l, 1)
				l.Bury(audit.Letter{Number: 1, Value: value(1), Reason: deadletter.Exhausted, Uncertain: true})
				l.Bury(audit.Letter{Number: 2, Value: value(2), Reason: deadletter.Exhausted, Uncertain: true})
				accept(l, 2)
			},
			counts: audit.Counts{Published: 2, Delivered: 2, Both: 2},
		},
		"what comes out without having gone in is unknown": {
			play: func(l *audit.Ledger) {
				good(l, 1)
				accept(l, 1, 2, 1<<40)
				bury(l, 3, deadletter.Exhausted)
				l.Written(4, place, 4)
			},
			counts:     audit.Counts{Published: 1, Delivered: 1},
			violations: map[audit.Violation]int{audit.Unknown: 4},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			l := audit.New()
			test.play(l)
			v := l.Verdict(map[audit.Place]int64{place: test.committed})
			if v.Counts != test.counts {
				t.Errorf("counts %+v, want %+v", v.Counts, test.counts)
			}
			if !maps.Equal(v.Violations, test.violations) {
				t.Errorf("violations %v, want %v", v.Violations, test.violations)
			}
			if ok := len(test.violations) == 0 && test.counts.Pending == 0; v.OK() != ok {
				t.Errorf("OK is %v, want %v", v.OK(), ok)
			}
			letters := 0
			for _, n := range v.Letters {
				letters += n
			}
			if letters != v.DeadLettered {
				t.Errorf("letters by reason are %v, want %d in all", v.Letters, v.DeadLettered)
			}
		})
	}
}

// Whatever happens, in whatever order, the numbers add up.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := audit.New()
		numbers := rapid.Uint64Range(1, 20)
		published := map[uint64]bool{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			n := numbers.Draw(t, "number")
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				if !published[n] {
					published[n] = true
					good(l, n)
				}
			case 2:
				accept(l, n)
			case 3:
				bury(l, n, rapid.SampledFrom(deadletter.Reasons()).Draw(t, "reason"))
			case 4:
				l.Withdraw(n)
			}
			v := l.Verdict(map[audit.Place]int64{place: int64(numbers.Draw(t, "committed"))})
			if v.Published != v.Delivered+v.DeadLettered+v.Pending+v.Lost {
				t.Fatalf("%+v does not add up", v.Counts)
			}
			if c := l.Counts(); c.Pending != v.Pending+v.Lost || c.Published != v.Published {
				t.Fatalf("counts on the way are %+v, in the verdict %+v", c, v.Counts)
			}
		}
	})
}

func TestPublishingANumberTwicePanics(t *testing.T) {
	t.Parallel()
	l := audit.New()
	good(l, 1)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	good(l, 1)
}

func TestLedgerServesMany(t *testing.T) {
	t.Parallel()
	l := audit.New()
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			player := fmt.Sprint("o", w)
			for i := range uint64(2000) {
				n := i*8 + w + 1
				l.Publish(audit.Event{Number: n, Player: player, Round: uint32(i + 1), Value: value(n)})
				l.Written(n, audit.Place{Topic: "battle-reports", Partition: int32(w)}, int64(i))
				if i%10 == 0 {
					bury(l, n, deadletter.Exhausted)
				} else {
					accept(l, n)
				}
				_ = l.Counts()
			}
		})
	}
	wg.Wait()
	v := l.Verdict(nil)
	if want := (audit.Counts{Published: 16000, Delivered: 14400, DeadLettered: 1600}); v.Counts != want || !v.OK() {
		t.Errorf("%v", v)
	}
}

func TestVerdictForPeopleAndMachines(t *testing.T) {
	t.Parallel()
	l := audit.New()
	for n := range uint64(1500) {
		good(l, n+1)
	}
	for n := uint64(1); n <= 1200; n++ {
		accept(l, n)
	}
	bury(l, 1201, deadletter.Exhausted)
	bury(l, 1202, deadletter.Rejected)
	for range 12 {
		accept(l, 7)
	}
	v := l.Verdict(map[audit.Place]int64{place: 1204})
	want := `published                  1,500
  delivered                1,200
  dead-lettered                2
    rejected                   1
    exhausted                  1
  pending                    297
  lost                         1
! lost                         1
    event 1203, round 1203 of o1: battle-reports/0@1203 is behind the committed offset 1204
! duplicated                  12
` + strings.Repeat("    event 7, round 7 of o1: accepted again\n", 10) + `    and 2 more
`
	if got := v.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var read audit.Verdict
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if read.String() != v.String() {
		t.Errorf("the verdict read back from JSON says\n%s", read)
	}
	const begins = `{"published":1500,"delivered":1200,"dead_lettered":2,"pending":297,"lost":1,"both":0,"dead_letters":{"exhausted":1,"rejected":1},"violations":{"duplicated":12,"lost":1},`
	if !strings.HasPrefix(string(text), begins) {
		t.Errorf("JSON is %s", text)
	}
}

func TestViolationsOnTheWay(t *testing.T) {
	t.Parallel()
	l := audit.New()
	good(l, 1, 2)
	accept(l, 2, 1, 1)
	bury(l, 1, deadletter.TooLarge)
	got := l.Violations()
	for v, n := range got {
		if n != 1 {
			t.Errorf("%d of %s", n, v)
		}
		if !slices.Contains(audit.Violations(), v) {
			t.Errorf("%s is not in the list", v)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %v, want one each of duplicated, out of order, misjudged and both", got)
	}
}

func BenchmarkLifeOfAnEvent(b *testing.B) {
	l := audit.New()
	v := make([]byte, 350)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		l.Publish(audit.Event{Number: n, Player: "o1", Round: uint32(n), Value: v})
		l.Written(n, place, int64(n))
		l.Accept(n, v)
	}
}
