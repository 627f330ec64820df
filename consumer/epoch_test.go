package consumer_test

import (
	"encoding/binary"
	"testing"

	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire/wiretest"
)

// A batch may be the first that a leader wrote. What comes behind it is not of the epoch that was read last, and
// a broker says of who comes from that epoch that the log differs.
func TestABatchIsPassedThatIsTheFirstOfItsLeader(t *testing.T) {
	log := []struct {
		last  int64
		epoch int32
		bad   bool
	}{{0, 1, false}, {3, 1, true}, {4, 1, false}, {7, 2, true}, {9, 2, false}}
	encode := func(from int64) (all []byte) {
		first := int64(0)
		for _, b := range log {
			var offsets []int64
			for o := first; o <= b.last; o++ {
				offsets = append(offsets, o)
			}
			text := wiretest.Of(first, b.last, -1, false, offsets...).Encode()
			binary.BigEndian.PutUint32(text[12:], uint32(b.epoch)) // which the checksum is not about
			if b.bad {
				text[len(text)-1] ^= 1
			}
			if b.last >= from {
				all = append(all, text...)
			}
			first = b.last + 1
		}
		return all
	}
	for rule, order := range map[string][]int64{"where the group stands": {1, 5}, "when the group comes to it": {5, 1}} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, func(w *world) {
				w.publish(0, batch("", 10)...)
				fake := w.RequireKfake(w.t)
				fake.ControlKey(int16(kmsg.Fetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
					fake.KeepControl()
					req := r.(*kmsg.FetchRequest)
					asked := req.Topics[0].Partitions[0]
					if asked.FetchOffset >= 10 {
						return nil, nil, false
					}
					res := differs(req, 5)
					p := &res.Topics[0].Partitions[0]
					p.DivergingEpoch.Epoch = 1
					if asked.LastFetchedEpoch == 1 && asked.FetchOffset > 5 {
						return res, nil, true
					}
					p.DivergingEpoch.Epoch, p.DivergingEpoch.EndOffset = -1, -1
					p.HighWatermark, p.LastStableOffset, p.RecordBatches = 10, 10, encode(asked.FetchOffset)
					return res, nil, true
				})
				one := w.join()
				w.stuck(one, 1)
				w.skip(order[0])
				two := w.join()
				if order[0] == 1 {
					w.stuck(two, 5)
				} else {
					two.stop()
				}
				w.skip(order[1])
				three := w.join()
				w.untilCommitted(map[int32]int64{0: 10})
				if n := len(one.values()) + len(two.values()) + len(three.values()); n != 4 {
					w.t.Errorf("%d are taken", n)
				}
				if n := w.log.count(saysTruncated); n > 0 {
					w.t.Errorf("said %d times", n)
				}
			})
		})
	}
}
