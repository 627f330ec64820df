package batcher

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestTableIsAMap does to a table and a map what is drawn, with numbers that want the same slots.
func TestTableIsAMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var (
			table = newTable[int](4)
			want  = map[uint64]*user[int]{}
			ids   = rapid.Custom(func(t *rapid.T) uint64 {
				const inverse = 0xf1de83e19937733d // of the multiplier: numbers next to each other after multiplying
				return (rapid.Uint64Range(0, 3).Draw(t, "home")<<60 + rapid.Uint64Range(0, 5).Draw(t, "number")) * inverse
			})
		)
		t.Repeat(map[string]func(*rapid.T){
			"insert": func(t *rapid.T) {
				id := ids.Draw(t, "id")
				slot := table.find(id)
				if slot.user != want[id] {
					t.Fatalf("found %v for %x, want %v", slot.user, id, want[id])
				}
				if slot.user == nil {
					want[id] = &user[int]{id: id}
					table.insert(slot, want[id])
				}
			},
			"delete": func(t *rapid.T) {
				if id := ids.Draw(t, "id"); want[id] != nil {
					table.delete(id)
					delete(want, id)
				}
			},
			"": func(t *rapid.T) {
				n := 0
				for u := range table.all {
					if n++; want[u.id] != u {
						t.Fatalf("%x is there", u.id)
					}
				}
				if n != len(want) || table.used != n {
					t.Fatalf("%d users are there, %d counted, want %d", n, table.used, len(want))
				}
				for id, u := range want {
					if table.find(id).user != u {
						t.Fatalf("%x is not found", id)
					}
				}
			},
		})
	})
}

func TestNothingIsLeftOfWhoHasNoRecords(t *testing.T) {
	b := New[int](Limits{Records: 10, Bytes: 1 << 20})
	now := time.Unix(1, 0)
	for i := range 2 * maxSpares {
		b.Add(now, Foreground, uint64(i), 1, i)
	}
	var flying []*Item[int]
	for range maxSpares / 10 {
		items, _ := b.Next(now, Foreground)
		flying = append(flying, items...)
	}
	b.Remove(func(int) bool { return true })
	if b.users.used != len(flying) || b.Len() != 0 {
		t.Errorf("%d users are there, %d have records", b.users.used, len(flying))
	}
	b.Done(flying...)
	if b.users.used != 0 {
		t.Errorf("%d users are there, none has records", b.users.used)
	}
	if len(b.items.things) > maxSpares || len(b.gone.things) > maxSpares {
		t.Errorf("%d items and %d users are kept", len(b.items.things), len(b.gone.things))
	}
	for _, item := range b.items.things {
		if *item != (Item[int]{}) {
			t.Fatalf("a spare item holds on to %+v", *item)
		}
	}
	for _, u := range b.gone.things {
		if *u != (user[int]{}) {
			t.Fatalf("a spare user holds on to %+v", *u)
		}
	}
}
