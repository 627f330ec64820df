package deadletter

import (
	"fmt"
	"time"
)

// trouble is that a topic cannot be written.
type trouble struct {
	err         error
	letters     map[int32]int // that wait, by partition
	began, said time.Time
}

// nowhere stands for the partition of letters of which none is known.
const nowhere = -1

// Err says why letters that wait to be written cannot be: the error of the last
// attempt, of some topic where it failed. It is nil when no Write is in trouble.
func (w *Writer) Err() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for topic, t := range w.trouble {
		return fmt.Errorf("write dead letters to %s: %w", topic, t.err)
	}
	return nil
}

// over ends the trouble of a partition.
func (w *Writer) over(topic string, partition int32, written bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.trouble[topic]
	if t == nil {
		return
	}
	if delete(t.letters, partition); len(t.letters) > 0 {
		return
	}
	delete(w.trouble, topic)
	if written {
		w.log.Info("dead letters are written again", "topic", topic, "after", time.Since(t.began).Round(time.Millisecond))
	}
}

// failed says so when it begins and once a minute while it lasts.
func (w *Writer) failed(topic string, partition int32, letters int, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	t := w.trouble[topic]
	if t == nil {
		t = &trouble{began: time.Now(), letters: map[int32]int{}}
		w.trouble[topic] = t
	}
	t.err = err
	t.letters[partition] = letters
	if time.Since(t.said) >= time.Minute {
		t.said = time.Now()
		waiting := 0
		for _, n := range t.letters {
			waiting += n
		}
		w.log.Error("dead letters cannot be written, trying again until they can",
			"topic", topic, "letters", waiting, "since", t.said.Sub(t.began).Round(time.Second), "error", err)
	}
}
