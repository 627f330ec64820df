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

const topic = "battle-reports"

// good publishes events of one player, each with its number as its round and place.
func good(book *audit.Book, numbers ...uint64) {
	for _, n := range numbers {
		book.Publish(audit.Event{Number: n, Player: "o1", Round: uint32(n), Value: value(n)})
		book.Written(n, topic, 0, int64(n))
	}
}

// bad publishes an event that must be dead-lettered.
func bad(book *audit.Book, n uint64, reason deadletter.Reason) {
	book.Publish(audit.Event{Number: n, Player: "o1", Round: uint32(n), Value: value(n), Reason: reason})
	book.Written(n, topic, 0, int64(n))
}

func value(n uint64) []byte { return fmt.Appendf(nil, "value of %d", n) }

func accept(book *audit.Book, numbers ...uint64) {
	for _, n := range numbers {
		book.Accept(n, value(n))
	}
}

func bury(book *audit.Book, n uint64, reason deadletter.Reason) {
	book.Bury(audit.Letter{Number: n, Value: value(n), Reason: reason})
}

func TestFindings(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		play      func(book *audit.Book)
		committed int64
		counts    audit.Counts
		breaches  map[audit.Breach]int
	}{
		"what is delivered once, as it was published and in order, is fine": {
			play:   func(book *audit.Book) { good(book, 1, 2, 3); accept(book, 1, 2, 3) },
			counts: audit.Counts{Published: 3, Delivered: 3},
		},
		"a bad event with a letter for its reason is fine": {
			play: func(book *audit.Book) {
				bad(book, 1, deadletter.InvalidJSON)
				bury(book, 1, deadletter.InvalidJSON)
			},
			counts: audit.Counts{Published: 1, DeadLettered: 1},
		},
		"a good event may end as exhausted, expired or rejected": {
			play: func(book *audit.Book) {
				good(book, 1, 2, 3)
				bury(book, 1, deadletter.Exhausted)
				bury(book, 2, deadletter.Expired)
				bury(book, 3, deadletter.Rejected)
			},
			counts: audit.Counts{Published: 3, DeadLettered: 3},
		},
		"an event that the platform must reject may end as exhausted or expired": {
			play: func(book *audit.Book) {
				bad(book, 1, deadletter.Rejected)
				bad(book, 2, deadletter.Rejected)
				bad(book, 3, deadletter.Rejected)
				bury(book, 1, deadletter.Rejected)
				bury(book, 2, deadletter.Exhausted)
				bury(book, 3, deadletter.Expired)
			},
			counts: audit.Counts{Published: 3, DeadLettered: 3},
		},
		"what has not come out and is not committed is pending": {
			play:      func(book *audit.Book) { good(book, 1, 2, 3); accept(book, 1) },
			committed: 2,
			counts:    audit.Counts{Published: 3, Delivered: 1, Pending: 2},
		},
		"what has not come out though it is committed is lost": {
			play:      func(book *audit.Book) { good(book, 1, 2, 3, 4); accept(book, 1, 3) },
			committed: 4,
			counts:    audit.Counts{Published: 4, Delivered: 2, Pending: 1, Lost: 1},
			breaches:  map[audit.Breach]int{audit.Lost: 1},
		},
		"what was withdrawn is no longer published, neither pending nor lost": {
			play:      func(book *audit.Book) { good(book, 1, 2); book.Withdraw(1); accept(book, 2) },
			committed: 9,
			counts:    audit.Counts{Published: 1, Delivered: 1},
		},
		"what was withdrawn after it had arrived stays": {
			play:   func(book *audit.Book) { good(book, 1); accept(book, 1); book.Withdraw(1) },
			counts: audit.Counts{Published: 1, Delivered: 1},
		},
		"what was withdrawn and comes out all the same is unknown": {
			play:     func(book *audit.Book) { good(book, 1); book.Withdraw(1); accept(book, 1) },
			breaches: map[audit.Breach]int{audit.Unknown: 1},
		},
		"every further acceptance is a duplicate": {
			play:     func(book *audit.Book) { good(book, 1); accept(book, 1, 1, 1) },
			counts:   audit.Counts{Published: 1, Delivered: 1},
			breaches: map[audit.Breach]int{audit.Duplicated: 2},
		},
		"every further letter is a duplicate": {
			play: func(book *audit.Book) {
				bad(book, 1, deadletter.TooLarge)
				bury(book, 1, deadletter.TooLarge)
				bury(book, 1, deadletter.TooLarge)
			},
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Duplicated: 1},
		},
		"a first delivery after one of a later round is out of order": {
			play:     func(book *audit.Book) { good(book, 1, 2, 3); accept(book, 2, 1, 3) },
			counts:   audit.Counts{Published: 3, Delivered: 3},
			breaches: map[audit.Breach]int{audit.OutOfOrder: 1},
		},
		"a repetition is a duplicate, and not out of order too": {
			play:     func(book *audit.Book) { good(book, 1, 2, 3); accept(book, 1, 2, 1, 3) },
			counts:   audit.Counts{Published: 3, Delivered: 3},
			breaches: map[audit.Breach]int{audit.Duplicated: 1},
		},
		"rounds may be left out": {
			play: func(book *audit.Book) {
				good(book, 1, 2, 3)
				accept(book, 1, 3)
				bury(book, 2, deadletter.Exhausted)
			},
			counts: audit.Counts{Published: 3, Delivered: 2, DeadLettered: 1},
		},
		"events of different players have no order": {
			play: func(book *audit.Book) {
				good(book, 1)
				book.Publish(audit.Event{Number: 2, Player: "o2", Round: 2, Value: value(2)})
				accept(book, 2, 1)
			},
			counts: audit.Counts{Published: 2, Delivered: 2},
		},
		"other bytes at the platform are an alteration": {
			play:     func(book *audit.Book) { good(book, 1); book.Accept(1, []byte("value of 1 ")) },
			counts:   audit.Counts{Published: 1, Delivered: 1},
			breaches: map[audit.Breach]int{audit.Altered: 1},
		},
		"other bytes in a repetition are one, too": {
			play:     func(book *audit.Book) { good(book, 1); accept(book, 1); book.Accept(1, nil) },
			counts:   audit.Counts{Published: 1, Delivered: 1},
			breaches: map[audit.Breach]int{audit.Altered: 1, audit.Duplicated: 1},
		},
		"other bytes in a letter are an alteration": {
			play: func(book *audit.Book) {
				bad(book, 1, deadletter.InvalidJSON)
				book.Bury(audit.Letter{Number: 1, Value: []byte("{}"), Reason: deadletter.InvalidJSON})
			},
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Altered: 1},
		},
		"an empty value in the letter of a record without one is an alteration": {
			play: func(book *audit.Book) {
				book.Publish(audit.Event{Number: 1, Player: "o1", Round: 1, Value: nil, Reason: deadletter.InvalidJSON})
				book.Bury(audit.Letter{Number: 1, Value: []byte{}, Reason: deadletter.InvalidJSON})
			},
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Altered: 1},
		},
		"a letter may say that it lacks the value": {
			play: func(book *audit.Book) {
				bad(book, 1, deadletter.TooLarge)
				book.Bury(audit.Letter{Number: 1, Omitted: true, Reason: deadletter.TooLarge})
			},
			counts: audit.Counts{Published: 1, DeadLettered: 1},
		},
		"the platform may be meant to see something else than the value": {
			play: func(book *audit.Book) {
				book.Publish(audit.Event{Number: 1, Player: "o1", Round: 1, Value: value(1), Posted: []byte("1200")})
				book.Accept(1, []byte("1200"))
			},
			counts: audit.Counts{Published: 1, Delivered: 1},
		},
		"a bad event that is delivered is misjudged": {
			play:     func(book *audit.Book) { bad(book, 1, deadletter.SchemaViolation); accept(book, 1) },
			counts:   audit.Counts{Published: 1, Delivered: 1},
			breaches: map[audit.Breach]int{audit.Misjudged: 1},
		},
		"a letter for another reason is misjudged": {
			play: func(book *audit.Book) {
				bad(book, 1, deadletter.SchemaViolation)
				bury(book, 1, deadletter.InvalidJSON)
			},
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Misjudged: 1},
		},
		"a bad event that is given up as exhausted was misjudged before": {
			play:     func(book *audit.Book) { bad(book, 1, deadletter.TooLarge); bury(book, 1, deadletter.Exhausted) },
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Misjudged: 1},
		},
		"a good event with a letter for a bad one is misjudged": {
			play:     func(book *audit.Book) { good(book, 1); bury(book, 1, deadletter.SchemaViolation) },
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Misjudged: 1},
		},
		"a letter for no reason is misjudged": {
			play:     func(book *audit.Book) { good(book, 1); bury(book, 1, "") },
			counts:   audit.Counts{Published: 1, DeadLettered: 1},
			breaches: map[audit.Breach]int{audit.Misjudged: 1},
		},
		"delivered and dead-lettered is a breach, whichever comes first": {
			play: func(book *audit.Book) {
				good(book, 1, 2)
				accept(book, 1)
				bury(book, 1, deadletter.Exhausted)
				bury(book, 2, deadletter.Exhausted)
				accept(book, 2)
			},
			counts:   audit.Counts{Published: 2, Delivered: 2, Both: 2},
			breaches: map[audit.Breach]int{audit.Both: 2},
		},
		"delivered and dead-lettered is allowed if the letter says that it may be": {
			play: func(book *audit.Book) {
				good(book, 1, 2)
				accept(book, 1)
				book.Bury(audit.Letter{Number: 1, Value: value(1), Reason: deadletter.Exhausted, Uncertain: true})
				book.Bury(audit.Letter{Number: 2, Value: value(2), Reason: deadletter.Exhausted, Uncertain: true})
				accept(book, 2)
			},
			counts: audit.Counts{Published: 2, Delivered: 2, Both: 2},
		},
		"what comes out without having gone in is unknown": {
			play: func(book *audit.Book) {
				good(book, 1)
				accept(book, 1, 2, 1<<40)
				bury(book, 3, deadletter.Exhausted)
				book.Written(4, topic, 0, 4)
			},
			counts:   audit.Counts{Published: 1, Delivered: 1},
			breaches: map[audit.Breach]int{audit.Unknown: 4},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			book := audit.New()
			test.play(book)
			f := book.Findings(map[string]map[int32]int64{topic: {0: test.committed}})
			if f.Counts != test.counts {
				t.Errorf("counts %+v, want %+v", f.Counts, test.counts)
			}
			if !maps.Equal(f.Breaches, test.breaches) {
				t.Errorf("breaches %v, want %v", f.Breaches, test.breaches)
			}
			if ok := len(test.breaches) == 0 && test.counts.Pending == 0; f.OK() != ok {
				t.Errorf("OK is %v, want %v", f.OK(), ok)
			}
			letters := 0
			for _, n := range f.Letters {
				letters += n
			}
			if letters != f.DeadLettered {
				t.Errorf("letters by reason are %v, want %d in all", f.Letters, f.DeadLettered)
			}
		})
	}
}

// Whatever happens, in whatever order, the numbers add up.
func TestCountsAddUp(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		book := audit.New()
		numbers := rapid.Uint64Range(1, 20)
		published := map[uint64]bool{}
		for range rapid.IntRange(0, 200).Draw(t, "steps") {
			n := numbers.Draw(t, "number")
			switch rapid.IntRange(0, 4).Draw(t, "step") {
			case 0, 1:
				if !published[n] {
					published[n] = true
					good(book, n)
				}
			case 2:
				accept(book, n)
			case 3:
				bury(book, n, rapid.SampledFrom(deadletter.Reasons()).Draw(t, "reason"))
			case 4:
				book.Withdraw(n)
			}
			f := book.Findings(map[string]map[int32]int64{topic: {0: int64(numbers.Draw(t, "committed"))}})
			if f.Published != f.Delivered+f.DeadLettered+f.Pending+f.Lost {
				t.Fatalf("%+v does not add up", f.Counts)
			}
			if c := book.Counts(); c.Pending != f.Pending+f.Lost || c.Published != f.Published {
				t.Fatalf("counts on the way are %+v, in the findings %+v", c, f.Counts)
			}
		}
	})
}

func TestPublishingANumberTwicePanics(t *testing.T) {
	t.Parallel()
	book := audit.New()
	good(book, 1)
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	good(book, 1)
}

func TestABookServesMany(t *testing.T) {
	t.Parallel()
	book := audit.New()
	var wg sync.WaitGroup
	for w := range uint64(8) {
		wg.Go(func() {
			player := fmt.Sprint("o", w)
			for i := range uint64(2000) {
				n := i*8 + w + 1
				book.Publish(audit.Event{Number: n, Player: player, Round: uint32(i + 1), Value: value(n)})
				book.Written(n, topic, int32(w), int64(i))
				if i%10 == 0 {
					bury(book, n, deadletter.Exhausted)
				} else {
					accept(book, n)
				}
				_ = book.Counts()
			}
		})
	}
	wg.Wait()
	f := book.Findings(nil)
	if want := (audit.Counts{Published: 16000, Delivered: 14400, DeadLettered: 1600}); f.Counts != want || !f.OK() {
		t.Errorf("%v", f)
	}
}

func TestFindingsForPeopleAndMachines(t *testing.T) {
	t.Parallel()
	book := audit.New()
	for n := range uint64(1500) {
		good(book, n+1)
	}
	for n := uint64(1); n <= 1200; n++ {
		accept(book, n)
	}
	bury(book, 1201, deadletter.Exhausted)
	bury(book, 1202, deadletter.Rejected)
	for range 12 {
		accept(book, 7)
	}
	f := book.Findings(map[string]map[int32]int64{topic: {0: 1204}})
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
	if got := f.String(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.Fatal(err)
	}
	var read audit.Findings
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	if read.String() != f.String() {
		t.Errorf("the findings read back from JSON says\n%s", read)
	}
	const begins = `{"published":1500,"delivered":1200,"dead_lettered":2,"pending":297,"lost":1,"both":0,"dead_letters":{"exhausted":1,"rejected":1},"violations":{"duplicated":12,"lost":1},`
	if !strings.HasPrefix(string(text), begins) {
		t.Errorf("JSON is %s", text)
	}
}

func TestBreachesOnTheWay(t *testing.T) {
	t.Parallel()
	book := audit.New()
	good(book, 1, 2)
	accept(book, 2, 1, 1)
	bury(book, 1, deadletter.TooLarge)
	got := book.Breaches()
	for breach, n := range got {
		if n != 1 {
			t.Errorf("%d of %s", n, breach)
		}
		if !slices.Contains(audit.Breaches(), breach) {
			t.Errorf("%s is not in the list", breach)
		}
	}
	if len(got) != 4 {
		t.Errorf("got %v, want one each of duplicated, out of order, misjudged and both", got)
	}
}

func BenchmarkLifeOfAnEvent(b *testing.B) {
	book := audit.New()
	v := make([]byte, 350)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		book.Publish(audit.Event{Number: n, Player: "o1", Round: uint32(n), Value: v})
		book.Written(n, topic, 0, int64(n))
		book.Accept(n, v)
	}
}
