package consumer_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer"
)

func TestSettledOffsetsAreCommittedByTime(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(holdAll, func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = 10 * time.Second })
		w.publish(0, "a", "b", "c")
		w.untilTaken(m, 3)
		time.Sleep(11 * time.Second)
		w.expectCommitted(0)
		m.records()[0].Settle()
		m.records()[2].Settle() // after a gap
		time.Sleep(5 * time.Second)
		w.expectCommitted(0)
		time.Sleep(6 * time.Second)
		w.expectCommitted(1)
	})
}

func TestSettledOffsetsAreCommittedByCount(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join(holdAll, func(cfg *consumer.Config, _ *member) {
			cfg.CommitInterval = time.Hour
			cfg.CommitRecords = 3
		})
		w.publish(0, "a", "b", "c")
		w.untilTaken(m, 3)
		m.records()[0].Settle()
		m.records()[1].Settle()
		time.Sleep(time.Minute)
		w.expectCommitted(0)
		m.records()[2].Settle()
		time.Sleep(time.Second)
		w.expectCommitted(3)
	})
}

func TestSettledOffsetsAreCommittedAtTheEnd(t *testing.T) {
	planned(t, 1, func(w *world) {
		m := w.join(func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = time.Hour })
		w.publish(0, "a", "b", "c")
		w.untilTaken(m, 3)
		m.stop()
		w.expectCommitted(3)
	})
}

// expectCommitted checks the offset committed for partition 0, of which 0 may also be none.
func (w *world) expectCommitted(want int64) {
	w.t.Helper()
	if got := w.Committed(w.t, w.group, w.topic)[0]; got != want {
		w.t.Errorf("committed %d, want %d", got, want)
	}
}

func TestACommitThatFailsIsSaidAndTriedAgain(t *testing.T) {
	virtual(t, 1, func(w *world) {
		m := w.join()
		w.until("joined", m.Joined)
		time.Sleep(2 * time.Second)
		fault := w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		w.publish(0, "a")
		w.untilTaken(m, 1)
		time.Sleep(5*time.Minute + 30*time.Second)
		w.expectCommitted(0)
		if n := w.log.count("offsets cannot be committed, trying again"); n != 6 {
			w.t.Errorf("said %d times in five minutes and a half", n)
		}
		fault.Remove()
		time.Sleep(2 * time.Second)
		w.expectCommitted(1)
		if n := w.log.count("offsets are committed again"); n != 1 {
			w.t.Errorf("the end was said %d times", n)
		}
		if m.began() != 1 {
			w.t.Errorf("there were %d generations", m.began())
		}
	})
}

func TestTheLastCommitIsTriedForSeconds(t *testing.T) {
	for rule, test := range map[string]struct {
		err       *kerr.Error
		count     int
		committed int64
		lost      int
	}{
		"a coordinator that is back soon gets it":                     {kerr.NotCoordinator, 8, 1, 0},
		"so does the one that comes after a crash":                    {kerr.NotCoordinator, 104, 1, 0}, // 13 s: four attempts a second, each asks twice
		"one that stays away is given up, and said":                   {kerr.NotCoordinator, -1, 0, 1},
		"a member that the group has put out gives up at once":        {kerr.UnknownMemberID, 2, 0, 1},
		"and so does one whose generation is not the group's anymore": {kerr.IllegalGeneration, 2, 0, 1},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				m := w.join(func(cfg *consumer.Config, _ *member) { cfg.CommitInterval = time.Hour })
				w.publish(0, "a")
				w.untilTaken(m, 1)
				w.RequireKfake(w.t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Err: test.err, Count: test.count})
				begin := time.Now()
				m.stop()
				if took := time.Since(begin); took > 22*time.Second {
					w.t.Errorf("it took %v", took)
				}
				w.expectCommitted(test.committed)
				if n := w.log.count("level=ERROR msg=\"settled offsets could not be committed"); n != test.lost {
					w.t.Errorf("a loss was said %d times", n)
				}
			})
		})
	}
}

func TestAnOutageRepeatsNothingThatWasSettled(t *testing.T) {
	virtual(t, 2, func(w *world) {
		m := w.join(func(cfg *consumer.Config, m *member) {
			cfg.CommitInterval = time.Hour // nothing is committed when the broker goes
			m.held = func(r consumer.Record) bool { return string(r.Value) == "held" }
		})
		w.publish(0, "a", "b")
		w.publish(1, "c", "held", "d")
		w.untilTaken(m, 5)
		w.Sever()
		time.Sleep(10 * time.Minute)
		w.Restore()
		w.publish(0, "e")
		w.untilTaken(m, 7)
		if got := strings.Join(m.values(), " "); got != "a b e c held d held" {
			w.t.Errorf("taken %s", got)
		}
		w.untilCommitted(map[int32]int64{0: 2, 1: 1}) // by the new generation, when it began
		m.stop()
		w.untilCommitted(map[int32]int64{0: 3, 1: 1})
	})
}

func TestAMemberPutOutOfTheGroupDoesNotCommit(t *testing.T) {
	virtual(t, 1, func(w *world) {
		w.publish(0, "a", "b")
		first := w.join(holdAll, func(_ *consumer.Config, m *member) {
			m.drain = func() {
				time.Sleep(90 * time.Second) // far longer than it may
				m.settleAll()
			}
		})
		w.untilTaken(first, 2)
		second := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 1 }
		})
		w.untilTaken(second, 2)
		w.untilCommitted(map[int32]int64{0: 1})
		w.until("the first has given up", func() bool { return w.log.count("settled offsets could not be committed") == 1 })
		w.untilCommitted(map[int32]int64{0: 1})
		// What it settled meanwhile does not count any more: the other has the say.
		second.stop()
		w.untilTaken(first, 3)
		if got := strings.Join(first.values(), " "); got != "a b b" {
			w.t.Errorf("the first has taken %s", got)
		}
	})
}

func TestWhatSettlesAfterTheEndHasNoEffectAndIsTakenAgain(t *testing.T) {
	planned(t, 1, func(w *world) {
		w.publish(0, "a", "b")
		first := w.join(func(_ *consumer.Config, m *member) {
			m.held = func(r consumer.Record) bool { return r.Offset == 1 }
		})
		w.untilTaken(first, 2)
		first.stop()
		first.records()[1].Settle()
		w.expectCommitted(1)
		if n := w.log.count("level=INFO msg=\"generation over, the records not settled are left to whoever comes next\""); n != 1 {
			w.t.Errorf("said %d times", n)
		}
		second := w.join()
		w.untilTaken(second, 1)
		w.untilCommitted(map[int32]int64{0: 2})
		if got := second.values(); !slices.Equal(got, []string{"b"}) {
			w.t.Errorf("taken %v", got)
		}
	})
}
