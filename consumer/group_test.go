package consumer

import (
	"context"
	"testing"
	"time"
)

func TestWhenARequestGoesAndHowLongItWaits(t *testing.T) {
	t.Parallel()
	const longest = 500 * time.Millisecond
	now := time.Now()
	asked := func(left ...time.Duration) (all []*request) {
		for _, d := range left {
			all = append(all, &request{until: now.Add(d)})
		}
		return all
	}
	idle, behind := []*wish{{}}, []*wish{{}, {more: true}}
	for rule, test := range map[string]struct {
		group       *group
		wait, after time.Duration
	}{
		"nobody waits":                           {&group{}, 0, 0},
		"the first waits for long":               {&group{waiting: idle}, longest, 0},
		"others are waited for":                  {&group{waiting: idle, gather: now.Add(linger)}, 0, linger},
		"no longer than that":                    {&group{waiting: idle, gather: now}, longest, 0},
		"and not where there is more":            {&group{waiting: behind, gather: now.Add(linger)}, longest, 0},
		"a second waits for less":                {&group{waiting: idle, asked: asked(longest)}, shortWait, 0},
		"for more if there is nothing":           {&group{waiting: idle, asked: asked(longest), quiet: 2}, 4 * shortWait, 0},
		"up to this":                             {&group{waiting: idle, asked: asked(longest), quiet: 4}, longestWait, 0},
		"and comes back no later than the first": {&group{waiting: idle, asked: asked(2 * linger), quiet: 2}, 2 * linger, 0},
		"it does not go just before that":        {&group{waiting: idle, asked: asked(time.Millisecond)}, 0, time.Millisecond + linger},
		"nor just then":                          {&group{waiting: idle, asked: asked(0)}, 0, linger},
		"unless there is more":                   {&group{waiting: behind, asked: asked(time.Millisecond)}, shortWait, 0},
		"but where the first is late":            {&group{waiting: idle, asked: asked(-linger)}, shortWait, 0},
		"there is no third":                      {&group{waiting: behind, asked: asked(longest, longest)}, 0, 0},
		"nothing goes while there is silence":    {&group{waiting: behind, silent: now.Add(time.Second)}, 0, time.Second},
	} {
		test.group.g = &Generation{c: &Consumer{cfg: Config{FetchWait: longest}}}
		if wait, after := test.group.next(now); wait != test.wait || after != test.after {
			t.Errorf("%s: it waits %s, or looks again after %s; want %s, %s", rule, wait, after, test.wait, test.after)
		}
	}
}

func TestWhoHasHadNothingHoldsOnToNothingAndIsWaitedWith(t *testing.T) {
	t.Parallel()
	w := &wish{more: true, records: make([]Record, 9), looked: time.Now()}
	f := &group{}
	f.settle(&request{empty: []*wish{w}})
	if len(f.waiting) != 1 || w.more || w.records != nil {
		t.Errorf("%d wait, %+v", len(f.waiting), w)
	}
}

// A request goes by the ids of topics or by their names.
func TestPartitionsOfOneBrokerAreInOneGroupUnlessTheirTopicsHaveNoID(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := &Generation{}
	f := &fetcher{g: g, groups: map[groupKey][]*group{}}
	group := func(broker int32, topic topicID) *group {
		return f.join(ctx, keyOf(broker, &wish{from: position{topic: topic}}))
	}
	first := group(1, topicID{1})
	if group(1, topicID{2}) != first {
		t.Error("of one broker there are two")
	}
	if group(2, topicID{1}) == first {
		t.Error("of two brokers there is one")
	}
	byName := group(1, topicID{})
	if byName == first {
		t.Error("by id and by name there is one")
	}
	if group(1, topicID{}) != byName {
		t.Error("by name there are two")
	}
	cancel()
	g.fetching.Wait()
}

func TestAGroupHasRoomForSoManyAndForOthersOnceTheyLeave(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	g := &Generation{}
	f := &fetcher{g: g, groups: map[groupKey][]*group{}}
	var wishes []*wish
	for range groupSize + 1 {
		w := &wish{group: f.join(ctx, groupKey{})}
		wishes = append(wishes, w)
	}
	first, last := wishes[0].group, wishes[groupSize].group
	if first != wishes[groupSize-1].group || first == last {
		t.Errorf("of %d partitions the first is full, or another was opened before", groupSize)
	}
	f.leave(wishes[3])
	f.leave(wishes[3])
	if f.join(ctx, groupKey{}) != first || f.join(ctx, groupKey{}) != last {
		t.Error("who has left leaves no room for one, and for one alone")
	}
	cancel()
	g.fetching.Wait()
}
