package pipeline

import (
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// Replayed letters ask for no members. A member that holds nothing else knows so after a while, as one knows it of an
// idle topic; one that has found none of its partitions yet knows nothing.
func TestAMemberLearnsWhatItHasToDoAlsoOfReplaysAlone(t *testing.T) {
	t.Parallel()
	replays := []partitionSighting{{Backlog: consumer.Backlog{Topic: "t.replay", End: 1000, Unread: 1000}, apps: []int{0}, replayed: true}}
	records := []partitionSighting{{Backlog: consumer.Backlog{Topic: "t", End: 1000}, apps: []int{0}}}
	for rule, test := range map[string]struct {
		held       int
		partitions []partitionSighting
		span       time.Duration
		want       float64
	}{
		"replays alone, at first":             {1, replays, learning - lookEvery, 1},
		"replays alone":                       {1, replays, learning, idleMember},
		"replays beside an idle topic":        {2, append(records, replays...), learning, idleMember},
		"partitions that are not located yet": {1, nil, learning, 1},
	} {
		w, e, now := newWorkload(1), new(engine), time.Now()
		for d := time.Duration(0); d <= test.span; d += lookEvery {
			w.look(sighting{at: now.Add(d), engine: e, apps: []appSighting{{}}, held: test.held, partitions: test.partitions, inHand: inHand{ofApps: []int{0}}})
		}
		if _, members := w.tells(); members != test.want {
			t.Errorf("%s: %v members are wanted, want %v", rule, members, test.want)
		}
	}
}
