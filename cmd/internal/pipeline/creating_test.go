package pipeline_test

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// onEach runs a test in virtual time, and on the cluster that the environment names, if it does: on a fake one the half
// minutes that a group waits would be waited out.
func onEach(t *testing.T, test func(w *world)) {
	t.Parallel()
	if os.Getenv(kafkatest.BrokersVariable) != "" {
		test(real(t))
		return
	}
	oftenVirtual(t, test)
}

// expectTopics checks which topics there are of those that begin with the name.
func (w *world) expectTopics(name string, suffixes ...string) {
	w.t.Helper()
	var want []string
	for _, s := range suffixes {
		want = append(want, name+s)
	}
	if got := w.Topics(w.t, name); !slices.Equal(got, want) {
		w.t.Errorf("there are the topics %q, want %q", got, want)
	}
}

// The brokers, as is their default, create each topic that a client asks about in the way that most do.
func TestATopicThatDoesNotExistIsNotCreatedButSaidAndWaitedFor(t *testing.T) {
	onEach(t, func(w *world) {
		misspelt := kafkatest.Name(w.t)
		w.addApp(otherApp, misspelt)
		p, stop := w.start()
		w.publishMany("before", 10)
		w.settled(p, 10, 5*time.Minute)
		w.until("it is said", 5*time.Minute, func() bool {
			return w.log.contains(`msg="topics do not exist, or this client may not see them: waiting for them" topics=[` + misspelt + "]")
		})
		w.expectTopics(misspelt)
		stop()
		w.expectTopics(misspelt)

		p, stop = w.start()
		w.publishMany("again", 10)
		w.settled(p, 10, 5*time.Minute)
		if err := w.CreateTopic(w.t.Context(), misspelt, 4, nil); err != nil {
			w.t.Fatal(err)
		}
		w.produceMany(misspelt, "first", 50)
		w.settled(p, 60, 5*time.Minute)
		w.expectTopics(misspelt, "", ".dlq", ".dlq.resolutions", ".replay")
		stop()
	})
}

func TestATopicDeletedWhileItIsReadDoesNotComeBackByItself(t *testing.T) {
	onEach(t, func(w *world) {
		p, stop := w.start()
		w.publishMany("old", 20)
		w.settled(p, 20, 5*time.Minute)
		for _, topic := range []string{w.topic, w.topic + ".replay"} {
			if err := w.DeleteTopic(w.t.Context(), topic); err != nil {
				w.t.Fatal(err)
			}
		}
		w.until("it is said", 5*time.Minute, func() bool { return w.log.contains("topic is gone") })
		_, stopOther := w.start() // at a rebalance the leader asks about all topics
		w.until("both are in the group", 5*time.Minute, func() bool { return strings.Count(w.log.text(), "partitions=map[]") >= 2 })
		w.expectTopics(w.topic, ".dlq", ".dlq.resolutions")
		stopOther()
		w.expectTopics(w.topic, ".dlq", ".dlq.resolutions")

		if err := w.CreateTopic(w.t.Context(), w.topic, 4, nil); err != nil {
			w.t.Fatal(err)
		}
		w.publishMany("new", 30)
		w.settled(p, 50, 5*time.Minute)
		stop()
		w.once("old", 20)
		w.once("new", 30)
	})
}
