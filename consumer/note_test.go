package consumer

import (
	"encoding/base64"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

var (
	here    = place{cluster: "c", topic: "t", partition: 3}
	thisOne = topicID{15: 1}
)

func TestANoteMeansNothing(t *testing.T) {
	t.Parallel()
	whole := note{topic: thisOne, epoch: 4, unsettled: unsettled{[]int64{100, 104}, 107}}
	text := whole.encode(here, 100, maxNote)
	for rule, test := range map[string]struct {
		text   string
		at     place
		offset int64
		want   error
	}{
		"beside a lower offset":                         {text, here, 95, errMovedNote},
		"beside a higher offset":                        {text, here, 101, errMovedNote},
		"beside nothing committed":                      {text, here, -1, errMovedNote},
		"in another cluster":                            {text, place{"d", "t", 3}, 100, errMovedNote},
		"beside another topic":                          {text, place{"c", "u", 3}, 100, errMovedNote},
		"where topic and cluster run together the same": {text, place{"", "ct", 3}, 100, errMovedNote},
		"beside another partition":                      {text, place{"c", "t", 4}, 100, errMovedNote},
		"once its end is cut off":                       {text[:len(text)-4], here, 100, errMovedNote},
		"if it was never ours":                          {"host-1/pid-77", here, 100, errForeignNote},
		"if it is no base64":                            {notePrefix + "?", here, 100, errForeignNote},
		"if it is ours and empty":                       {notePrefix, here, 100, errForeignNote},
		"if it is longer than any of ours":              {text + strings.Repeat("A", maxNote), here, 100, errForeignNote},
		"if it is of the version before":                {"battlereport/1:" + strings.TrimPrefix(text, notePrefix), here, 100, errForeignNote},
		"if it is of a version to come":                 {"battlereport/3:AAAA", here, 100, errForeignNote},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			n, err := decodeNote(test.text, test.at, test.offset)
			if !errors.Is(err, test.want) || n.topic != (topicID{}) || n.epoch != unknownEpoch || n.unsettled.offsets != nil || n.unsettled.horizon != 0 {
				t.Errorf("read %+v, error %v", n, err)
			}
		})
	}
	t.Run("but beside its offset it says all", func(t *testing.T) {
		t.Parallel()
		n, err := decodeNote(text, here, 100)
		if err != nil || !reflect.DeepEqual(n, whole) {
			t.Errorf("read %+v, error %v", n, err)
		}
	})
	t.Run("and no metadata is no fault", func(t *testing.T) {
		t.Parallel()
		if n, err := decodeNote("", here, 100); err != nil || n.epoch != unknownEpoch {
			t.Errorf("read %+v, error %v", n, err)
		}
	})
}

// A byte changed anywhere, by whatever copies it, is found.
func TestANoteThatWasChangedMeansNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := note{topic: thisOne, epoch: 1, unsettled: unsettled{[]int64{10, 14, 21}, 30}}.encode(here, 10, maxNote)
		i := rapid.IntRange(0, len(text)-2).Draw(t, "at") // the last digit has bits that say nothing
		b := []byte(text)
		b[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		if n, err := decodeNote(string(b), here, 10); err == nil {
			t.Fatalf("%q is read as %+v", b, n)
		}
	})
}

func FuzzDecodeNote(f *testing.F) {
	f.Add([]byte(nil), int64(0))
	f.Add([]byte{0}, int64(7))
	f.Add([]byte{1, 12, 3, 0, 0x9a}, int64(10))
	f.Add([]byte{1, 12, 3, 2, 0x9a}, int64(10))
	f.Add([]byte{1, 255, 255, 255, 255, 255, 255, 255, 255, 127, 2, 64, 255, 255, 255, 255, 255, 255, 255, 255}, int64(1))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, int64(1))
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 9, 3, 4, 6, 2, 12, 3, 0, 0x9a, 0, 5, 0, 0}, int64(10))
	f.Add([]byte{1, 2, 1, 3, 2, 4, 0, 2, 12, 3, 0, 0x9a}, int64(10))
	f.Add([]byte{1, 1, 255, 255, 255, 255, 255, 255, 255, 255, 127, 255, 255, 255, 255, 255, 255, 255, 255, 127, 0, 0, 0, 0}, int64(1))
	f.Fuzz(func(t *testing.T, body []byte, offset int64) {
		if offset < 0 {
			return
		}
		// What bears the right seal may still be anything, of a program with a fault.
		b := append(thisOne[:], body...)
		b = append(seal(here, offset, b), b...)
		for _, prefix := range []string{notePrefix, deferredPrefix, skippedPrefix} {
			n, err := decodeNote(prefix+base64.RawStdEncoding.EncodeToString(b), here, offset)
			if err != nil {
				continue
			}
			end := offset - 1
			for _, s := range n.skipped {
				if s.First <= end || s.Last < s.First {
					t.Fatalf("%x gives %v", body, n.skipped)
				}
				end = s.Last
			}
			all := []unsettled{n.unsettled}
			for _, d := range n.deferred {
				all = append(all, d.unsettled)
			}
			if len(all) > 1+len(body) {
				t.Fatalf("%x gives %d strands", body, len(n.deferred))
			}
			for _, u := range all {
				if u.horizon < offset || cap(u.offsets) > 8*len(body) || prefix == notePrefix && len(u.offsets) > 0 && u.offsets[0] != offset {
					t.Fatalf("%x gives %d of %d up to %d", body, len(u.offsets), cap(u.offsets), u.horizon)
				}
				at := offset - 1
				for _, o := range u.offsets {
					if o <= at || o >= u.horizon {
						t.Fatalf("%x gives %d after %d, before %d", body, o, at, u.horizon)
					}
					at = o
				}
			}
		}
	})
}

// However little room there is, a note takes no more, and nothing is said to be settled that is not.
func TestANoteOfWhatIsDeferredSaysNoMoreThanIsTrue(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.Int64Range(0, 1<<40).Draw(t, "base")
		draw := func(from int64) (u unsettled) {
			if rapid.Bool().Draw(t, "some") {
				u.offsets = lists(from).Draw(t, "offsets")
				from = u.offsets[len(u.offsets)-1] + 1
			}
			u.horizon = from + rapid.Int64Range(0, 1000).Draw(t, "settled")
			return u
		}
		whole := note{topic: thisOne, epoch: 7, unsettled: draw(base + rapid.Int64Range(0, 100).Draw(t, "first"))}
		for i := range rapid.IntRange(1, 30).Draw(t, "strands") {
			whole.deferred = append(whole.deferred, deferredNote{
				strand: rapid.Uint64().Draw(t, "strand"), left: int64(i), oldest: int64(i * 1000),
				unsettled: draw(base + rapid.Int64Range(0, 100).Draw(t, "first")),
			})
		}
		at := base
		for range rapid.IntRange(0, maxSkipped).Draw(t, "skipped") {
			s := wire.Span{First: at + rapid.Int64Range(0, 1<<40).Draw(t, "before")}
			s.Last = s.First + rapid.Int64Range(0, 1<<30).Draw(t, "length")
			whole.skipped, at = append(whole.skipped, s), s.Last+1
		}
		size := rapid.IntRange(minNote, maxNote).Draw(t, "size")
		text := whole.encode(here, base, size)
		n, err := decodeNote(text, here, base)
		if !slices.Equal(n.skipped, whole.skipped) {
			t.Fatalf("%v is skipped, want %v", n.skipped, whole.skipped)
		}
		if err != nil || len(text) > size {
			t.Fatalf("%d characters of %d, error %v", len(text), size, err)
		}
		if len(n.deferred) == 0 {
			for _, d := range whole.deferred {
				if first := d.unsettled.first(); n.unsettled.horizon > first {
					t.Fatalf("all is settled up to %d, and strand %d has %d", n.unsettled.horizon, d.strand, first)
				}
			}
			return
		}
		expect := func(got, want unsettled) {
			if want = want.before(got.horizon); !slices.Equal(got.offsets, want.offsets) || got.horizon != want.horizon {
				t.Fatalf("read %v, want %v", got, want)
			}
		}
		expect(n.unsettled, whole.unsettled)
		for i, d := range n.deferred {
			want := whole.deferred[i]
			expect(d.unsettled, want.unsettled)
			if d.strand != want.strand || d.left != want.left || d.oldest != want.oldest {
				t.Fatalf("read %+v, want %+v", d, want)
			}
		}
		if size == maxNote && len(whole.deferred) < 5 && n.unsettled.horizon != whole.unsettled.horizon && whole.unsettled.spread().bound() < 1000 {
			t.Fatalf("not all is said, and there is room")
		}
	})
}
