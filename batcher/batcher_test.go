package batcher_test

import (
	"fmt"
	"slices"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/batcher"
)

var t0 = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

func after(d time.Duration) time.Time { return t0.Add(d) }

// add puts records in, each named USER and its number: "a1" is a's first. "A1" is one of a's in the background.
func add(b *batcher.Batcher[string], now time.Time, size int, records ...string) {
	for _, r := range records {
		class := batcher.Foreground
		if unicode.IsUpper(rune(r[0])) {
			class = batcher.Background
		}
		b.Add(now, class, uint64(unicode.ToLower(rune(r[0]))), size, r)
	}
}

func values(items []*batcher.Item[string]) []string {
	var out []string
	for _, i := range items {
		out = append(out, i.Value)
	}
	return out
}

func next(t *testing.T, b *batcher.Batcher[string], now time.Time, want ...string) []*batcher.Item[string] {
	t.Helper()
	class := batcher.Foreground
	if len(want) > 0 && unicode.IsUpper(rune(want[0][0])) {
		class = batcher.Background
	}
	items, ok := b.Next(now, class)
	if got := values(items); ok != (len(want) > 0) || !slices.Equal(got, want) {
		t.Fatalf("Next: got %v, %v; want %v", got, ok, want)
	}
	return items
}

func TestBatchIsReleased(t *testing.T) {
	limits := batcher.Limits{Records: 3, Bytes: 100, Linger: time.Second}
	for rule, test := range map[string]func(*testing.T, *batcher.Batcher[string]){
		"when it has the number of records": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "b1")
			next(t, b, t0)
			add(b, t0, 1, "c1", "d1")
			next(t, b, t0, "a1", "b1", "c1")
			next(t, b, t0)
		},
		"when it has the number of bytes": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 60, "a1")
			next(t, b, t0)
			add(b, t0, 60, "b1")
			next(t, b, t0, "a1")
			next(t, b, t0)
		},
		"alone when one record is larger than the bytes": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 500, "a1")
			add(b, t0, 1, "b1")
			next(t, b, t0, "a1")
			next(t, b, t0)
		},
		"when its first record has lingered": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1")
			add(b, after(900*time.Millisecond), 1, "b1")
			next(t, b, after(999*time.Millisecond))
			if wake, ok := b.Wake(batcher.Foreground); !ok || !wake.Equal(after(time.Second)) {
				t.Errorf("Wake: got %v, %v", wake, ok)
			}
			next(t, b, after(time.Second), "a1", "b1")
		},
		"with several records of one user, in order": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "a2", "a3", "a4")
			next(t, b, t0, "a1", "a2", "a3")
		},
		"without the records of users in flight": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1")
			first := next(t, b, after(time.Second), "a1")
			add(b, after(time.Second), 1, "a2", "b1")
			next(t, b, after(3*time.Second), "b1")
			b.Done(first...)
			next(t, b, after(3*time.Second), "a2")
		},
		"to its user's next records only when all of a split batch are done": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "b1", "a2")
			add(b, t0, 1, "a3")
			batch := next(t, b, t0, "a1", "a2", "a3")
			add(b, t0, 1, "a4")
			b.Done(batch[:2]...)
			next(t, b, after(time.Minute), "b1")
			b.Done(batch[2])
			next(t, b, after(time.Minute), "a4")
		},
		"without what was removed": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "b1")
			batch := next(t, b, after(time.Second), "a1", "b1")
			add(b, t0, 1, "a2", "a3", "c1", "d1")
			gone := b.Remove(func(r string) bool { return r == "a2" || r == "c1" })
			slices.Sort(gone)
			if !slices.Equal(gone, []string{"a2", "c1"}) || b.Len() != 2 {
				t.Fatalf("removed %v, %d left", gone, b.Len())
			}
			b.Done(batch...)
			next(t, b, after(time.Minute), "d1", "a3")
		},
		"of one class alone": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "B1", "c1", "D1", "e1", "F1")
			next(t, b, t0, "B1", "D1", "F1")
			next(t, b, t0, "a1", "c1", "e1")
		},
		"in a user's order across classes": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "A2", "a3", "b1", "c1")
			first := next(t, b, t0, "a1", "b1", "c1")
			b.Done(first...)
			second := next(t, b, after(time.Second), "A2")
			next(t, b, after(time.Second))
			b.Done(second...)
			next(t, b, after(time.Second), "a3")
		},
		"of the other class when the first records are removed": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "A1", "a2", "b1", "c1")
			b.Remove(func(r string) bool { return r == "A1" })
			next(t, b, t0, "b1", "c1", "a2")
		},
		"early, and small, when somebody asks for the first": func(t *testing.T, b *batcher.Batcher[string]) {
			add(b, t0, 1, "a1", "b1")
			if got := values(b.First(1, batcher.Foreground)); !slices.Equal(got, []string{"a1"}) {
				t.Fatalf("First: got %v", got)
			}
			if got := b.First(0, batcher.Foreground); len(got) != 0 {
				t.Fatalf("First(0): got %v", got)
			}
		},
	} {
		t.Run(rule, func(t *testing.T) { test(t, batcher.New[string](limits)) })
	}
}

func TestDonePanicsForARecordThatIsNotInFlight(t *testing.T) {
	for rule, test := range map[string]func(*batcher.Batcher[string]) *batcher.Item[string]{
		"an item of nobody": func(*batcher.Batcher[string]) *batcher.Item[string] { return new(batcher.Item[string]) },
		"one that was done, while others of its user are in flight": func(b *batcher.Batcher[string]) *batcher.Item[string] {
			add(b, t0, 1, "a1", "a2", "a3")
			items, _ := b.Next(t0, batcher.Foreground)
			b.Done(items[0])
			return items[0]
		},
		"one that is used again for a record that waits": func(b *batcher.Batcher[string]) *batcher.Item[string] {
			add(b, t0, 1, "a1")
			items := b.First(1, batcher.Foreground)
			b.Done(items...)
			add(b, t0, 1, "b1")
			return items[0]
		},
	} {
		t.Run(rule, func(t *testing.T) {
			b := batcher.New[string](batcher.Limits{Records: 3, Bytes: 100, Linger: time.Second})
			item := test(b)
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			b.Done(item)
		})
	}
}

// TestPromises lets records arrive and batches complete in any order.
func TestPromises(t *testing.T) {
	type record struct {
		user, n int
		class   batcher.Class
	}
	class := rapid.Custom(func(t *rapid.T) batcher.Class { return batcher.Class(rapid.IntRange(0, 1).Draw(t, "class")) })
	rapid.Check(t, func(t *rapid.T) {
		limits := batcher.Limits{
			Records: rapid.IntRange(1, 8).Draw(t, "records"),
			Bytes:   rapid.IntRange(1, 64).Draw(t, "bytes"),
			Linger:  time.Duration(rapid.IntRange(0, 5).Draw(t, "linger")) * time.Second,
		}
		b := batcher.New[record](limits)
		now := t0
		var (
			added    = map[int]int{}           // records added, by user
			released = map[int]int{}           // and released
			inFlight [][]*batcher.Item[record] // batches
			flying   = map[int]int{}           // records in flight, by user
			oldest   = map[record]time.Time{}  // waiting since
			waiting  int
		)
		release := func(items []*batcher.Item[record]) {
			size, users := 0, map[int]bool{}
			for _, it := range items {
				r := it.Value
				if r.class != items[0].Value.class || it.Class != r.class {
					t.Fatalf("record %v is in a batch with %v", r, items[0].Value)
				}
				if released[r.user]++; released[r.user] != r.n {
					t.Fatalf("user %d: record %d released as number %d", r.user, r.n, released[r.user])
				}
				if flying[r.user] > 0 && !users[r.user] {
					t.Fatalf("user %d is in flight twice", r.user)
				}
				users[r.user] = true
				flying[r.user]++
				size += it.Size
				delete(oldest, r)
				waiting--
			}
			if len(items) == 0 || len(items) > limits.Records || (size > limits.Bytes && len(items) > 1) {
				t.Fatalf("batch of %d records, %d bytes with limits %+v", len(items), size, limits)
			}
			inFlight = append(inFlight, items)
		}
		done := func(i int) {
			for _, it := range inFlight[i] {
				flying[it.Value.user]--
			}
			b.Done(inFlight[i]...)
			inFlight = slices.Delete(inFlight, i, i+1)
		}
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				u := rapid.IntRange(0, 5).Draw(t, "user")
				added[u]++
				r := record{u, added[u], class.Draw(t, "class")}
				b.Add(now, r.class, uint64(u), rapid.IntRange(0, 30).Draw(t, "size"), r)
				oldest[r] = now
				waiting++
			},
			"next": func(t *rapid.T) {
				c := class.Draw(t, "class")
				wake, due := b.Wake(c)
				items, ok := b.Next(now, c)
				if want := due && !now.Before(wake); ok != want {
					t.Fatalf("Next gave %v at %v, Wake said %v, %v", ok, now, wake, due)
				}
				if ok {
					release(items)
				}
			},
			"first": func(t *rapid.T) {
				if items := b.First(rapid.IntRange(1, 3).Draw(t, "n"), class.Draw(t, "class")); len(items) > 0 {
					release(items)
				}
			},
			"done": func(t *rapid.T) {
				if len(inFlight) > 0 {
					done(rapid.IntRange(0, len(inFlight)-1).Draw(t, "batch"))
				}
			},
			"remove": func(t *rapid.T) {
				// The last records, so that the numbers of the others stay without gaps.
				u := rapid.IntRange(0, 5).Draw(t, "user")
				from := rapid.IntRange(released[u]+1, added[u]+1).Draw(t, "from")
				gone := b.Remove(func(r record) bool { return r.user == u && r.n >= from })
				if len(gone) != added[u]-from+1 {
					t.Fatalf("removed %v of user %d, want %d to %d", gone, u, from, added[u])
				}
				for _, r := range gone {
					delete(oldest, r)
					waiting--
				}
				added[u] = from - 1
			},
			"wait": func(t *rapid.T) {
				now = now.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "s")) * time.Second)
			},
			"": func(t *rapid.T) {
				if b.Len() != waiting {
					t.Fatalf("Len is %d, %d wait", b.Len(), waiting)
				}
				for r, since := range oldest {
					if flying[r.user] > 0 || now.Before(since.Add(limits.Linger)) || r.n != released[r.user]+1 {
						continue
					}
					if wake, ok := b.Wake(r.class); !ok || now.Before(wake) {
						t.Fatalf("record %v waits since %v, now %v, and Wake is %v, %v", r, since, now, wake, ok)
					}
				}
			},
		})
		// Nobody starves: with completions, all leave.
		now = now.Add(time.Hour)
		for waiting > 0 {
			items, ok := b.Next(now, batcher.Foreground)
			if !ok {
				items, ok = b.Next(now, batcher.Background)
			}
			if !ok {
				if len(inFlight) == 0 {
					t.Fatalf("%d records wait and none is due", waiting)
				}
				done(0)
				continue
			}
			release(items)
		}
	})
}

// TestNobodyStarves keeps busy users busy: a quiet one still gets through.
func TestNobodyStarves(t *testing.T) {
	b := batcher.New[string](batcher.Limits{Records: 4, Bytes: 1 << 20})
	for i := range 8 {
		b.Add(t0, batcher.Foreground, uint64(i), 1, "busy")
	}
	b.Add(t0, batcher.Foreground, 8, 1, "quiet")
	for range 10 {
		items, _ := b.Next(t0, batcher.Foreground)
		for _, it := range items {
			if it.Value == "quiet" {
				return
			}
			b.Add(t0, batcher.Foreground, it.User, 1, "busy") // and again, before it is done
		}
		b.Done(items...)
	}
	t.Fatal("the quiet user's record never left")
}

func BenchmarkBatcher(b *testing.B) {
	for _, users := range []int{1, 100, 100_000} {
		b.Run(fmt.Sprintf("users=%d", users), func(b *testing.B) {
			bt := batcher.New[int](batcher.Limits{Records: 100, Bytes: 512 << 10, Linger: time.Second})
			b.ReportAllocs()
			for i := range b.N {
				bt.Add(t0, batcher.Foreground, uint64(i%users)*0x9e3779b97f4a7c15, 350, i)
				if batch, ok := bt.Next(t0, batcher.Foreground); ok {
					bt.Done(batch...)
				}
			}
		})
	}
}
