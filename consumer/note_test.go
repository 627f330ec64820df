package consumer

import (
	"encoding/base64"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestANoteMeansNothing(t *testing.T) {
	t.Parallel()
	whole := note{topic: thisOne, epoch: 4, ahead: ahead{{102, 104}}}
	text := whole.encode(here, 100)
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
		"if it is of a version to come":                 {"battlereport/2:AAAA", here, 100, errForeignNote},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			n, err := decodeNote(test.text, test.at, test.offset)
			if !errors.Is(err, test.want) || n.topic != (topicID{}) || n.epoch != unknownEpoch || n.ahead != nil {
				t.Errorf("read %+v, error %v", n, err)
			}
		})
	}
	t.Run("but beside its offset it says all", func(t *testing.T) {
		t.Parallel()
		n, err := decodeNote(text, here, 100)
		if err != nil || n.topic != thisOne || n.epoch != 4 || len(n.ahead) != 1 || n.ahead[0] != (span{102, 104}) {
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
		text := note{topic: thisOne, epoch: 1, ahead: ahead{{12, 14}, {20, 21}}}.encode(here, 10)
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
	f.Add([]byte{1, 2, 2, 6, 1}, int64(10))
	f.Add([]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 1}, int64(1))
	f.Fuzz(func(t *testing.T, body []byte, offset int64) {
		if offset < 0 {
			return
		}
		// What bears the right seal may still be anything, of a program with a fault.
		b := append(thisOne[:], body...)
		b = append(seal(here, offset, b), b...)
		n, err := decodeNote(notePrefix+base64.RawStdEncoding.EncodeToString(b), here, offset)
		at := offset
		for _, s := range n.ahead {
			if s.from < at || s.to <= s.from {
				t.Fatalf("%x gives the range %v after %d, error %v", body, s, at, err)
			}
			at = s.to
		}
	})
}
