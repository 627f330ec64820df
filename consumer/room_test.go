package consumer_test

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

// everyOther is not settled, in partition 0: so many that there is no room for them all in a note.
func everyOther(_ *consumer.Config, m *member) { m.held = isHeld }

func isHeld(r consumer.Record) bool { return r.Partition.ID == 0 && r.Offset%2 == 1 }

const (
	tooMany    = 30_000
	saysPauses = "partition pauses"
	saysGoesOn = "partition goes on"
)

// joinPaused has a member take of tooMany records as many as there is room for.
func (w *world) joinPaused() *member {
	w.t.Helper()
	w.publish(0, batch("", tooMany)...)
	m := w.join(everyOther)
	w.until("the partition pauses", func() bool { return w.log.count(saysPauses) == 1 })
	return m
}

// expectNoRepeats expects that the members took again only what was not settled.
func expectNoRepeats(t *testing.T, members ...*member) {
	t.Helper()
	seen := map[at]bool{}
	for _, m := range members {
		for _, r := range m.records() {
			k := placeOf(r)
			if seen[k] && !isHeld(r) {
				t.Fatalf("%s had been settled, and was taken again", k)
			}
			seen[k] = true
		}
	}
}

// settleHeld settles what is held of the records from one on.
func settleHeld(records []consumer.Record) {
	for _, r := range records {
		if isHeld(r) {
			r.Settle()
		}
	}
}

func TestAPartitionPausesBeforeMoreIsUnsettledThanCanBeNoted(t *testing.T) {
	t.Run("which a restart repeats nothing of", func(t *testing.T) {
		planned(t, 1, func(w *world) {
			first := w.joinPaused()
			first.stop()
			taken := len(first.records())
			if taken < 15_000 || taken == tooMany {
				w.t.Errorf("%d taken", taken)
			}
			if n := len(*w.fetchCommit(0).Metadata); n < 2000 || n > 4096 {
				w.t.Errorf("the metadata has %d characters", n)
			}
			second := w.join()
			w.untilCommitted(map[int32]int64{0: tooMany})
			if got, want := len(second.records()), tooMany-taken+taken/2; got != want {
				w.t.Errorf("the second took %d, want %d", got, want)
			}
			expectNoRepeats(w.t, first, second)
		})
	})
	t.Run("and goes on as they settle", func(t *testing.T) {
		virtual(t, 1, func(w *world) {
			m := w.joinPaused()
			w.publish(0, batch("", tooMany)...)
			settled := 0
			settle := func() {
				records := m.records()
				settleHeld(records[settled:])
				settled = len(records)
			}
			settle()
			w.until("it pauses again", func() bool { return w.log.count(saysPauses) == 2 && w.log.count(saysGoesOn) == 1 })
			for settled < 2*tooMany {
				settle()
				time.Sleep(time.Second)
			}
			w.untilCommitted(map[int32]int64{0: 2 * tooMany})
			if got := m.values(); !slices.Equal(got, append(batch("", tooMany), batch("", tooMany)...)) {
				w.t.Errorf("%d taken, not all in order", len(got))
			}
		})
	})
	t.Run("which slows no other", func(t *testing.T) {
		virtual(t, 2, func(w *world) {
			m := w.joinPaused()
			before := len(m.records())
			w.publish(1, batch("other ", 1000)...)
			began := time.Now()
			w.untilTaken(m, before+1000)
			if d := time.Since(began); d > time.Second {
				w.t.Errorf("the other partition waited for %v", d)
			}
		})
	})
	t.Run("and says so once a minute", func(t *testing.T) {
		virtual(t, 1, func(w *world) {
			m := w.joinPaused()
			records := m.records()
			for i := range 180 { // one settles each second
				records[1+2*i].Settle()
				time.Sleep(time.Second)
			}
			if pauses, on := w.log.count(saysPauses), w.log.count(saysGoesOn); pauses < 2 || pauses > 4 || on != 0 {
				w.t.Errorf("said %d times that it pauses, %d times that it goes on", pauses, on)
			}
			if more := len(m.records()) - len(records); more < 300 || more > 700 {
				w.t.Errorf("180 have settled, and %d more were taken", more)
			}
		})
	})
	t.Run("and is handed over in a rebalance", func(t *testing.T) {
		virtual(t, 2, func(w *world) {
			first := w.joinPaused()
			second := w.join()
			w.until("each has a partition", func() bool { return len(first.partitions()) == 1 && len(second.partitions()) == 1 })
			time.Sleep(time.Second)
			first.stop()
			w.until("the second has both", func() bool { return len(second.partitions()) == 2 })
			w.until("all is committed", func() bool { return w.Committed(w.t, w.group, w.topic)[0] == tooMany })
			expectNoRepeats(w.t, first, second)
		})
	})
	t.Run("and stays so in the next generation", func(t *testing.T) {
		virtual(t, 1, func(w *world) {
			first := w.joinPaused()
			before := first.records()
			second := w.join(everyOther) // one of them has nothing
			w.until("a generation for both", func() bool { return first.began() == 2 && second.began() == 1 })
			time.Sleep(10 * time.Second)
			after := append(first.records(), second.records()...)
			if got, want := len(after)-len(before), len(before)/2; got != want {
				w.t.Errorf("%d taken again, and %d had not settled", got, want)
			}
			if n := w.log.count(saysPauses); n != 2 {
				w.t.Errorf("said %d times, want once in each generation", n)
			}
			expectNoRepeats(w.t, first, second)
		})
	})
	t.Run("until its topic is made anew", func(t *testing.T) {
		virtual(t, 1, func(w *world) {
			m := w.joinPaused()
			before := m.records()
			w.recreate(1)
			w.publish(0, batch("new ", 100)...)
			time.Sleep(time.Second)
			settleHeld(before)
			settled := len(before)
			for w.log.count("msg=\""+saysMadeAnew+"\"") == 0 { // the rest of what was fetched before comes first
				records := m.records()
				settleHeld(records[settled:])
				settled = len(records)
				time.Sleep(time.Second)
			}
			time.Sleep(10 * time.Second)
			expectAll(w, "new ", 100, m)
		})
	})
}

// refuseMetadata has the brokers take no more characters of it with a commit, as offset.metadata.max.bytes does.
func (w *world) refuseMetadata(limit int) (refused *atomic.Int64) {
	refused = new(atomic.Int64)
	fake := w.RequireKfake(w.t)
	fake.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		req := r.(*kmsg.OffsetCommitRequest)
		res := req.ResponseKind().(*kmsg.OffsetCommitResponse)
		tooLarge := false
		for _, t := range req.Topics {
			topic := kmsg.NewOffsetCommitResponseTopic()
			topic.Topic = t.Topic
			for _, p := range t.Partitions {
				partition := kmsg.NewOffsetCommitResponseTopicPartition()
				partition.Partition = p.Partition
				if len(*p.Metadata) > limit {
					tooLarge, partition.ErrorCode = true, kerr.OffsetMetadataTooLarge.Code
				}
				topic.Partitions = append(topic.Partitions, partition)
			}
			res.Topics = append(res.Topics, topic)
		}
		if !tooLarge {
			return nil, nil, false
		}
		refused.Add(1)
		return res, nil, true
	})
	return refused
}

// What a broker takes of metadata is found out, and kept to.
func TestABrokerThatTakesLittleMetadataHasPartitionsPauseSooner(t *testing.T) {
	virtual(t, 1, func(w *world) {
		const limit = 700
		refused := w.refuseMetadata(limit)
		first := w.joinPaused()
		w.until("the size is known", func() bool { return w.log.count("offsets are committed again") == 1 })
		settleHeld(first.records()) // of which more were taken than such a note tells
		time.Sleep(time.Minute)
		if taken := len(first.records()); taken >= tooMany {
			w.t.Errorf("it does not pause: %d records are taken", taken)
		}
		first.stop()
		n := len(*w.fetchCommit(0).Metadata)
		if n < limit/4 || n > limit || refused.Load() == 0 {
			w.t.Errorf("the metadata has %d characters, %d were refused", n, refused.Load())
		}
		second := w.join()
		w.untilCommitted(map[int32]int64{0: tooMany})
		expectNoRepeats(w.t, first, second)
	})
}

// One record in retry: others are taken for as long as it takes.
func TestARecordThatDoesNotSettleStopsNothingBehindIt(t *testing.T) {
	virtual(t, 1, func(w *world) {
		const many = 270_000
		first := w.join(firstIsHeld)
		for range 10 {
			w.publish(0, make([]string, many/10)...)
		}
		w.untilTaken(first, many)
		first.stop()
		w.untilCommitted(map[int32]int64{0: 0})
		second := w.join()
		w.untilCommitted(map[int32]int64{0: many})
		if got := second.records(); len(got) != 1 || got[0].Offset != 0 {
			w.t.Errorf("the second took %d records", len(got))
		}
	})
}
