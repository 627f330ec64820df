package triage

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/battlereport/battlereport/cmd/internal/admission"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

// Replays decides whether and how letters are replayed. Safe for concurrent use.
type Replays struct {
	cfg       *config.Config
	directory *admission.Directory

	Repair     *deadletter.Repair // nil: none
	MaxReplays int                // letters that were replayed as often stay
	To         string             // the topic they are replayed to; empty: the replay topic of each
	Drop       []string           // names of headers that they go without
}

// NewReplays loads the schemas of the configuration.
func NewReplays(cfg *config.Config) (*Replays, error) {
	directory, err := admission.New(cfg)
	if err != nil {
		return nil, err
	}
	return &Replays{cfg: cfg, directory: directory}, nil
}

// Reads reports whether the pipeline reads a topic, as a source topic or as one of replays.
func (r *Replays) Reads(topic string) bool { return r.directory.Feed(topic) != nil }

// Of returns the replay of a letter, its value repaired, or what stands against it. Where the pipeline reads the topic that
// it is replayed to, it is checked as the pipeline will: one that it would refuse would only come back.
func (r *Replays) Of(ctx context.Context, e *deadletter.Entry) (resolve.Replay, *Obstacle) {
	if o := r.against(e, e.Letter.Omitted.Value); o != nil {
		return resolve.Replay{}, o
	}
	value := e.Letter.Value
	if r.Repair != nil {
		repaired, err := r.Repair.Apply(ctx, value)
		if err != nil {
			return resolve.Replay{}, &Obstacle{ObstacleRepair, repairFault(err)}
		}
		value = repaired
	}
	return r.checked(e, value)
}

// repairFault says why a repair does not work on a value.
func repairFault(err error) string {
	text := err.Error()
	if errors.Is(err, deadletter.ErrNotJSON) {
		text += "; --raw repairs its text"
	}
	return text
}

// With returns the replay of a letter with a value that was edited, or found, elsewhere, or what stands against it.
func (r *Replays) With(e *deadletter.Entry, value []byte) (resolve.Replay, *Obstacle) {
	if o := r.against(e, e.Letter.Omitted.Value && value == nil); o != nil {
		return resolve.Replay{}, o
	}
	return r.checked(e, value)
}

// against returns what stands against a replay whatever the value.
func (r *Replays) against(e *deadletter.Entry, noValue bool) *Obstacle {
	if o := Before(e); o != nil {
		return o
	}
	switch {
	case e.Foreign != "":
		return &Obstacle{ObstacleForeign, "it is no letter of this program, and nobody knows where it should go: " + e.Foreign}
	case noValue, e.Letter.Omitted.Key, e.Letter.Omitted.Headers:
		return &Obstacle{ObstacleOmitted, "a part of it was omitted for its size; the record is at " + SourceOf(&e.Letter)}
	case e.Letter.Replays >= r.MaxReplays:
		return &Obstacle{ObstacleReplays, "it has been replayed " + words.Number(e.Letter.Replays, "time") + " and came back"}
	case r.goesRound() && !slices.Contains(r.cfg.SourceTopics(), e.Letter.Source.Topic):
		return &Obstacle{ObstacleTopic, fmt.Sprintf("its source topic %s is not configured any more", e.Letter.Source.Topic)}
	}
	return nil
}

// goesRound reports whether letters go to topics of replays, where the pipeline takes them for what they first were.
func (r *Replays) goesRound() bool {
	return r.To == "" || r.Reads(r.To) && r.directory.Feed(r.To).Replayed
}

// checked is the replay with a value, unless the pipeline will read it and not take it.
func (r *Replays) checked(e *deadletter.Entry, value []byte) (resolve.Replay, *Obstacle) {
	replay := resolve.Replay{Entry: *e, Topic: cmp.Or(r.To, r.cfg.DeadLetter.ReplayTopicFor(e.Letter.Source.Topic))}
	replay.Entry.Letter.Headers = r.kept(e.Letter.Headers)
	feed := r.directory.Feed(r.To)
	if r.goesRound() {
		feed = r.directory.Feed(e.Letter.Source.Topic)
	}
	if feed != nil {
		if o := refusal(feed, &replay.Entry.Letter, value); o != nil {
			return resolve.Replay{}, o
		}
	}
	if !bytes.Equal(value, e.Letter.Value) {
		replay.Value, replay.Repaired = value, true
	}
	return replay, nil
}

// refusal is why the pipeline would refuse a letter with a value in a topic; nil: it would not.
func refusal(feed *admission.Feed, l *deadletter.Letter, value []byte) *Obstacle {
	app, why := feed.App(l.Headers)
	if why != "" {
		return &Obstacle{ObstacleApp, why}
	}
	if _, refusal := app.Admit(l.Key, value, l.Headers, consumer.Excess{}); refusal != nil {
		return &Obstacle{string(refusal.Reason), "the pipeline would refuse it: " + refusal.Detail}
	}
	return nil
}

// kept are the headers that a record goes with.
func (r *Replays) kept(headers []consumer.Header) []consumer.Header {
	if len(r.Drop) == 0 {
		return headers
	}
	return slices.DeleteFunc(slices.Clone(headers), func(h consumer.Header) bool { return slices.Contains(r.Drop, h.Key) })
}
