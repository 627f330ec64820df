package pipeline_test

import (
	"testing"
	"time"
)

func TestTopicsOfLettersAreProvidedForAndLookedAt(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		if err := w.CreateTopic(w.t.Context(), w.topic+".dlq", 4, map[string]string{"cleanup.policy": "compact", "retention.ms": "3600000"}); err != nil {
			w.t.Fatal(err)
		}
		_, stop := w.start()
		w.until("it has begun", time.Minute, func() bool { return w.log.contains("generation begun") })
		stop()
		for _, said := range []string{
			"topic=" + w.topic + ".dlq setting=cleanup.policy is=compact want=delete",
			"topic=" + w.topic + ".dlq setting=retention.ms is=3600000 want=2592000000",
			"topic=" + w.topic + `.dlq setting=min.insync.replicas is=1 want=2 do="kafka-configs.sh --alter --entity-type topics --entity-name ` + w.topic + `.dlq --add-config min.insync.replicas=2"`,
			`msg="topic created" topic=` + w.topic + ".replay\n",
			`msg="topic created" topic=` + w.topic + ".dlq.resolutions\n",
		} {
			if !w.log.contains(said) {
				w.t.Errorf("not said: %s", said)
			}
		}
		if w.log.contains("topic=" + w.topic + ".dlq.resolutions setting=") {
			w.t.Error("complains of the topic it has made itself")
		}
	})
}
