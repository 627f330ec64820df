package deadletter_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	saysTrouble = "level=ERROR msg=\"dead letters cannot be written, trying again until they can\""
	saysOver    = "level=INFO msg=\"dead letters are written again\""
)

func TestWhenAPartitionFailsOnlyItsLettersAreWrittenAgain(t *testing.T) {
	virtual(t, 4, nil, func(w *world) {
		w.RequireKfake(w.t).Fault(kfake.Fault{
			Keys: []kmsg.Key{kmsg.Produce}, Topic: w.topic, Partitions: []int32{2}, Err: kerr.NotEnoughReplicas, Count: 100,
		})
		all := letters(256, 100)
		w.write(all...)
		w.expectEachOnce(all)
		if n := w.log.count(saysTrouble); n < 5 || n > 10 { // 100 attempts, 5 s apart
			w.t.Errorf("the trouble was said %d times", n)
		}
		if n := w.log.count(saysOver); n != 1 {
			w.t.Errorf("its end was said %d times", n)
		}
	})
}

func TestATopicThatIsMissingIsWaitedFor(t *testing.T) {
	virtual(t, 0, nil, func(w *world) {
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(w.t.Context(), w.topic, letter("key", "value"))) }()
		time.Sleep(10*time.Minute + 30*time.Second)
		if !errors.Is(w.Err(), topic.ErrNoTopic) || !strings.Contains(w.Err().Error(), w.topic) {
			w.t.Errorf("Err says %v", w.Err())
		}
		if n := w.log.count(saysTrouble); n != 11 {
			w.t.Errorf("in ten minutes and a half it was said %d times", n)
		}
		w.create(1, nil)
		created := time.Now()
		if err := <-written; err != nil {
			w.t.Error(err)
		}
		if took := time.Since(created); took > 12*time.Second {
			w.t.Errorf("the topic was noticed after %v", took)
		}
		if w.Err() != nil {
			w.t.Errorf("Err says %v still", w.Err())
		}
		w.expectEachOnce([]deadletter.Letter{letter("key", "value")})
	})
}

func TestABrokerThatIsGoneForAnHourIsWaitedFor(t *testing.T) {
	virtual(t, 2, nil, func(w *world) {
		w.write(letter("before", "value"))
		w.Sever()
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(w.t.Context(), w.topic, letter("after", "value"))) }()
		time.Sleep(time.Hour)
		w.Restore()
		if err := <-written; err != nil {
			w.t.Error(err)
		}
		w.expectEachOnce([]deadletter.Letter{letter("before", "value"), letter("after", "value")})
	})
}

func TestErrTellsOfATopicInTroubleWhileOthersAreWritten(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		ctx, cancel := context.WithCancel(w.t.Context())
		written := make(chan error, 1)
		go func() { written <- fails(w.Write(ctx, w.topic+"-missing", letter("key", "value"))) }()
		for range 100 {
			time.Sleep(time.Second)
			w.write(letter("key", "value"))
			if !errors.Is(w.Err(), topic.ErrNoTopic) {
				w.t.Fatalf("Err says %v", w.Err())
			}
		}
		if n := w.log.count(saysTrouble); n != 2 {
			w.t.Errorf("in 100 seconds it was said %d times", n)
		}
		cancel()
		if err := <-written; !errors.Is(err, context.Canceled) || !errors.Is(err, topic.ErrNoTopic) {
			w.t.Errorf("got error %v", err)
		}
	})
}

func TestWriteReturnsAtOnceWhenItsContextEnds(t *testing.T) {
	for rule, prepare := range map[string]func(w *world){
		"while the topic is missing": func(w *world) { w.topic += "-missing" },
		"while no broker answers":    func(w *world) { w.Sever() },
		"while a broker takes its time": func(w *world) {
			w.RequireKfake(w.t).ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
				return nil, nil, true // never answered
			})
		},
	} {
		t.Run(rule, func(t *testing.T) {
			virtual(t, 1, nil, func(w *world) {
				prepare(w)
				ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Second)
				defer cancel()
				begin := time.Now()
				_, err := w.Write(ctx, w.topic, letter("key", "value"))
				if took := time.Since(begin); took != 5*time.Second {
					w.t.Errorf("it took %v", took)
				}
				if !errors.Is(err, context.DeadlineExceeded) {
					w.t.Errorf("got error %v", err)
				}
			})
		})
	}
}

func TestABrokerThatNeverAnswersDoesNotHoldALetterForEver(t *testing.T) {
	virtual(t, 1, nil, func(w *world) {
		w.RequireKfake(w.t).ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			return nil, nil, true // never answered, once
		})
		begin := time.Now()
		w.write(letter("key", "value"))
		if took := time.Since(begin); took > 11*time.Second {
			w.t.Errorf("it took %v", took)
		}
		w.expectEachOnce([]deadletter.Letter{letter("key", "value")})
	})
}
