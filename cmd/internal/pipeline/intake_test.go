package pipeline

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/cmd/internal/platform"
)

// letIn asks for room without waiting for it.
type letIn struct {
	cancel context.CancelFunc
	err    chan error
}

func ask(t *testing.T, in *intake, rooms ...room) letIn {
	ctx, cancel := context.WithCancel(t.Context())
	l := letIn{cancel, make(chan error, 1)}
	go func() {
		_, err := in.acquire(ctx, rooms, nil)
		l.err <- err
	}()
	return l
}

// in tells whether it has been let in.
func (l letIn) in() bool {
	synctest.Wait()
	select {
	case err := <-l.err:
		l.err <- err
		return err == nil
	default:
		return false
	}
}

func TestIntake(t *testing.T) {
	a, b, c := &platform.App{}, &platform.App{}, &platform.App{}
	r := func(a *platform.App, n int) room { return room{tenant: tenant{app: a}, records: n, bytes: n} }
	replay := func(a *platform.App, n int) room { return room{tenant: tenant{a, true}, records: n, bytes: n} }
	for rule, test := range map[string]func(*testing.T){
		"lets in up to the bound": func(t *testing.T) {
			in := newIntake(10, 1000, 1)
			if !ask(t, in, r(a, 10)).in() {
				t.Error("10 of 10 were not let in")
			}
			more := ask(t, in, r(a, 1))
			if more.in() {
				t.Error("the 11th was let in")
			}
			in.release(r(a, 1))
			if !more.in() {
				t.Error("released room was not given on")
			}
		},
		"bounds bytes too": func(t *testing.T) {
			in := newIntake(1000, 10, 1)
			ask(t, in, r(a, 8)).in()
			if ask(t, in, r(a, 3)).in() {
				t.Error("11 bytes of 10 were let in")
			}
		},
		"lets what is larger than the bound in alone": func(t *testing.T) {
			in := newIntake(10, 10, 1)
			first := ask(t, in, r(a, 1))
			first.in()
			large := ask(t, in, r(a, 50))
			if large.in() {
				t.Error("let in beside another")
			}
			in.release(r(a, 1))
			if !large.in() {
				t.Error("not let in alone")
			}
		},
		"gives an app no more than what is free beside the reserve": func(t *testing.T) {
			in := newIntake(16, 16_000, 3)
			for range 5 { // of 16, 7 are reserved
				if !ask(t, in, r(a, 1)).in() {
					t.Fatal("the first half was not let in")
				}
			}
			if ask(t, in, r(a, 1)).in() {
				t.Error("one app got more than half")
			}
			for range 2 {
				if !ask(t, in, r(b, 1)).in() {
					t.Error("another app was not let in")
				}
			}
			if !ask(t, in, r(c, 1)).in() {
				t.Error("a third app was not let in")
			}
		},
		"does not let an app that waits for its share hold up others": func(t *testing.T) {
			in := newIntake(16, 16_000, 3)
			ask(t, in, r(a, 5)).in()
			waits := ask(t, in, r(a, 3))
			if waits.in() || ask(t, in, r(a, 1)).in() {
				t.Error("let in beyond the share, or out of turn")
			}
			if !ask(t, in, r(b, 1)).in() {
				t.Error("the other app waits as well")
			}
		},
		"gives replayed letters of all apps together an eighth": func(t *testing.T) {
			in := newIntake(80, 80_000, 1)
			for range 10 {
				if !ask(t, in, replay(a, 1)).in() {
					t.Fatal("the first eighth was not let in")
				}
			}
			late := ask(t, in, replay(a, 1))
			if late.in() {
				t.Error("more than an eighth was let in")
			}
			if !ask(t, in, r(a, 1)).in() {
				t.Error("the app's other records wait for its replayed letters")
			}
			in.release(replay(a, 1))
			if !late.in() {
				t.Error("released room was not given on")
			}
		},
		"leaves room in that eighth whosoever letters pile up": func(t *testing.T) {
			in := newIntake(80, 80_000, 3)
			for _, step := range []struct {
				app  *platform.App
				most int
			}{{a, 4}, {b, 2}, {c, 1}} {
				for i := range step.most {
					if !ask(t, in, replay(step.app, 1)).in() {
						t.Fatalf("not let in: %d, with %d of others", i, in.replayed.records)
					}
				}
				if ask(t, in, replay(step.app, 1)).in() {
					t.Fatalf("%d were let in, with %d of others", step.most+1, in.replayed.records-step.most-1)
				}
			}
			if !ask(t, in, r(a, 1)).in() {
				t.Error("the app's other records wait for its replayed letters")
			}
			in.release(replay(b, 2))
			if in.replayed.records != 6 {
				t.Errorf("%d are in, once room was given on", in.replayed.records)
			}
		},
		"has a piece of that eighth for each app, however full it is": func(t *testing.T) {
			in := newIntake(800, 800_000, 3)
			piece := in.replayPiece.records
			for _, others := range []struct {
				app  *platform.App
				size int
			}{{a, piece}, {b, piece}, {nil, 1}} {
				for ask(t, in, replay(others.app, others.size)).in() {
				}
			}
			if left := in.replays.records - in.replayed.records; left >= piece {
				t.Fatalf("%d are left, which is not full", left)
			}
			if !ask(t, in, replay(c, piece)).in() {
				t.Errorf("the third app's letters wait for those of others: %d are in", in.replayed.records)
			}
			if in.replayed.records > 100 {
				t.Errorf("%d are in", in.replayed.records)
			}
		},
		"tells for whom somebody waits, be it behind others who want more": func(t *testing.T) {
			in := newIntake(100, 100_000, 2)
			ask(t, in, r(a, 20)).in()
			if ask(t, in, r(a, 60)).in() {
				t.Fatal("let in beyond the share")
			}
			w := &waiter{rooms: []room{r(b, 1), r(a, 1)}, ready: make(chan struct{})}
			in.line(w)
			if got := in.lacking(w); !slices.Equal(got, []tenant{{app: a}}) {
				t.Errorf("waits for %v", got)
			}
			in.pause(true)
			if got := in.lacking(w); got != nil {
				t.Errorf("while nobody is let in, waits for %v", got)
			}
		},
		"gives each app its part, as long as there is room, whoever has half": func(t *testing.T) {
			in := newIntake(100, 100_000, 2)
			half := (100 - in.reserved.records) / 2
			for _, app := range []*platform.App{a, b} {
				for range half {
					if !ask(t, in, r(app, 1)).in() {
						t.Fatalf("not let in: %d are", in.records)
					}
				}
				if ask(t, in, r(app, 1)).in() {
					t.Fatalf("more than half was let in")
				}
			}
		},
		"lets nothing in of who has enough": func(t *testing.T) {
			in := newIntake(16, 16_000, 1)
			in.sate(tenant{app: a}, true)
			w := ask(t, in, r(a, 1))
			if w.in() {
				t.Error("let in")
			}
			if !ask(t, in, replay(a, 1)).in() {
				t.Error("the app's replayed letters wait as well")
			}
			in.sate(tenant{app: a}, false)
			if !w.in() {
				t.Error("not let in afterwards")
			}
		},
		"lets nothing in while paused": func(t *testing.T) {
			in := newIntake(16, 16_000, 3)
			in.pause(true)
			w := ask(t, in, r(a, 1))
			if w.in() {
				t.Error("let in")
			}
			in.pause(false)
			if !w.in() {
				t.Error("not let in afterwards")
			}
		},
		"forgets who gives up waiting": func(t *testing.T) {
			in := newIntake(16, 16_000, 3)
			ask(t, in, r(a, 10)).in()
			w := ask(t, in, r(a, 10))
			if w.in() {
				t.Error("let in beyond the bound")
			}
			w.cancel()
			synctest.Wait()
			in.release(r(a, 10))
			if n, _ := in.pending(); n != 0 {
				t.Errorf("%d pending, want none", n)
			}
			if !ask(t, in, r(c, 10)).in() {
				t.Error("room is lost")
			}
		},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, test)
		})
	}
}

// TestIntakeGivesEverybodyATurn has apps ask, give back and give up at random:
// the bounds hold, and once all is given back everybody has been let in.
func TestIntakeGivesEverybodyATurn(t *testing.T) {
	apps := []*platform.App{{}, {}, {}, nil}
	var tenants []tenant
	for _, a := range apps {
		tenants = append(tenants, tenant{a, false}, tenant{a, true})
	}
	rapid.Check(t, func(t *rapid.T) {
		const maxRecords, maxBytes = 320, 3200
		in := newIntake(maxRecords, maxBytes, rapid.SampledFrom([]int{1, 3}).Draw(t, "apps"))
		var asked, held []*waiter
		ask := func(w *waiter) {
			in.line(w)
			asked = append(asked, w)
		}
		sort := func() {
			var still []*waiter
			for _, w := range asked {
				select {
				case <-w.ready:
					held = append(held, w)
				default:
					still = append(still, w)
				}
			}
			asked = still
		}
		give := func(i int) {
			in.release(held[i].rooms...)
			held = append(held[:i], held[i+1:]...)
			sort()
		}
		t.Repeat(map[string]func(*rapid.T){
			"ask": func(t *rapid.T) {
				w := &waiter{ready: make(chan struct{})}
				for _, a := range rapid.SliceOfNDistinct(rapid.IntRange(0, len(tenants)-1), 1, 2, rapid.ID).Draw(t, "tenants") {
					w.rooms = append(w.rooms, room{tenants[a], rapid.IntRange(1, in.piece.records/2).Draw(t, "records"), rapid.IntRange(1, in.piece.bytes/2).Draw(t, "bytes")})
				}
				ask(w)
				sort()
			},
			"give back": func(t *rapid.T) {
				if len(held) > 0 {
					give(rapid.IntRange(0, len(held)-1).Draw(t, "which"))
				}
			},
			"": func(t *rapid.T) {
				records, bytes := in.pending()
				if records > maxRecords || bytes > maxBytes {
					t.Fatalf("%d records, %d bytes are in", records, bytes)
				}
				replayed := 0
				for t, r := range in.held {
					if t.replayed {
						replayed += r.records
					}
				}
				if replayed != in.replayed.records || replayed > maxRecords/replayShare+4*in.piece.records { // the test asks for larger pieces
					t.Fatalf("%d records of replayed letters are in, counted as %d", replayed, in.replayed.records)
				}
				if len(held) == 0 && len(asked) > 0 {
					t.Fatal("nothing is in, and somebody waits")
				}
				if in.shared { // whose app holds nothing, and who is its first, does not wait
					busy := map[tenant]bool{}
					for t := range in.held {
						busy[t] = true
					}
					for _, w := range asked {
						waits := false
						for _, r := range w.rooms {
							waits = waits || busy[r.tenant] || r.replayed
						}
						if !waits {
							t.Fatalf("%v waits for nobody of its own", w.rooms)
						}
						for _, r := range w.rooms {
							busy[r.tenant] = true
						}
					}
				}
			},
		})
		for len(held) > 0 {
			give(0)
		}
		if len(asked) > 0 {
			t.Fatalf("%d wait for ever", len(asked))
		}
		if records, bytes := in.pending(); records != 0 || bytes != 0 || len(in.held) != 0 {
			t.Fatalf("%d records, %d bytes, %d apps left", records, bytes, len(in.held))
		}
	})
}
