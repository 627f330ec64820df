package consumer

import (
	"reflect"
	"testing"
	"time"
)

func TestANoteTellsThoseWhoLookAtTheGroupWhatIsSettledBeyondItsOffset(t *testing.T) {
	t.Parallel()
	at, id := place{"c", "t", 3}, topicID{1, 2}
	plain := note{topic: id, epoch: 1, unsettled: unsettled{offsets: []int64{10, 15}, horizon: 30}}
	deferring := plain
	deferring.deferred = []deferredNote{{strand: 7, left: 5, oldest: 1_700_000_000_000, unsettled: unsettled{horizon: 12}}, {strand: 8, left: 1, unsettled: unsettled{horizon: 20}}}
	for rule, test := range map[string]struct {
		text   string
		place  place
		offset int64
		want   Noted
		ok     bool
	}{
		"what is unsettled before the horizon": {plain.encode(at, 10, maxNote), at, 10, Noted{TopicID: id, Horizon: 30, Unsettled: 2}, true},
		"what is deferred counts as well": {
			deferring.encode(at, 10, maxNote), at, 10,
			Noted{TopicID: id, Horizon: 30, Unsettled: 8, Deferred: []Deferral{{7, 5, time.UnixMilli(1_700_000_000_000)}, {8, 1, time.Time{}}}},
			true,
		},
		"nothing at another offset":   {plain.encode(at, 10, maxNote), at, 11, Noted{Horizon: 11}, false},
		"nothing in another cluster":  {plain.encode(at, 10, maxNote), place{"d", "t", 3}, 10, Noted{Horizon: 10}, false},
		"nothing if it is of another": {"made by hand", at, 10, Noted{Horizon: 10}, false},
		"nothing if there is none":    {"", at, 10, Noted{Horizon: 10}, false},
	} {
		got, ok := ReadNote(test.text, test.place.cluster, test.place.topic, test.place.partition, test.offset)
		if ok != test.ok || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v, want %+v", rule, got, ok, test.want)
		}
	}
}
