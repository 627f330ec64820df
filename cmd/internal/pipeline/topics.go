package pipeline

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const (
	topicPause   = time.Second      // between attempts while the brokers cannot be reached
	missingPause = 10 * time.Second // between looks for topics that do not exist
)

// provisioner sees to it that the topics exist which the pipeline writes to.
type provisioner struct {
	cfg  *config.Config
	conn consumer.Connection
	log  *slog.Logger
}

// provideAll creates the dead-letter and replay topics of the sources that
// exist, and returns the other sources. What a broker refuses for good is an
// error; anything else is waited out.
func (p *provisioner) provideAll(ctx context.Context, sources []string) (missing []string, err error) {
	client, err := topic.NewClient(p.conn, kgo.RetryTimeout(topicPause)) // persist tries for longer, and says so
	if err != nil {
		return nil, fmt.Errorf("make a Kafka client: %w", err)
	}
	defer client.Close()
	for _, source := range sources {
		exists, err := p.provide(ctx, client, source)
		if err != nil {
			return nil, err
		}
		if !exists {
			missing = append(missing, source)
		}
	}
	return missing, nil
}

// await goes on for the sources that did not exist, until all do or ctx
// ends. (The consumer finds new topics by itself.)
func (p *provisioner) await(ctx context.Context, missing []string) {
	var said time.Time
	for len(missing) > 0 && ctx.Err() == nil {
		if time.Since(said) >= sayAgain {
			said = time.Now()
			p.log.Warn("topics do not exist, or this client may not see them: waiting for them", "topics", missing)
		}
		pause(ctx, missingPause)
		left, err := p.provideAll(ctx, missing)
		if err != nil && ctx.Err() == nil {
			p.log.Error("dead letters of a new topic cannot be provided for", "error", err)
			continue
		}
		missing = left
	}
}

// provide creates the source's dead-letter and replay topics and that of the
// letters' resolutions, if the source exists, and says where those that are there
// are set so that letters can be lost.
func (p *provisioner) provide(ctx context.Context, client *kgo.Client, source string) (exists bool, err error) {
	err = p.persist(ctx, "topic "+source, func(ctx context.Context) (err error) {
		if exists, err = topic.Exists(ctx, client, source); err == nil {
			err = topic.Allowed(ctx, client, source, "Read")
		}
		return err
	})
	if err != nil || !exists {
		return exists, err
	}
	letters := p.cfg.DeadLetter.TopicFor(source)
	for _, t := range []struct {
		name     string
		settings []topic.Setting
		right    string // without which there is nothing to do
	}{
		{letters, deadletter.LetterSettings(), "Write"},
		{p.cfg.DeadLetter.ReplayTopicFor(source), deadletter.LetterSettings(), "Read"}, // letters again
		{deadletter.ResolutionTopic(letters), deadletter.ResolutionSettings(), ""},
	} {
		err := p.persist(ctx, "topic "+t.name, func(ctx context.Context) error {
			if t.right != "" {
				if err := topic.Allowed(ctx, client, t.name, t.right); err != nil {
					return err // rather than that it may not be created, if it is not even seen
				}
			}
			created, err := topic.Ensure(ctx, client, t.name, source, t.settings...)
			if created {
				p.log.Info("topic created", "topic", t.name)
			}
			return err
		})
		switch {
		case err == nil:
			p.sayMismatches(ctx, client, t.name, t.settings)
		case t.right != "" || ctx.Err() != nil:
			return true, err
		default:
			p.log.Warn("letters cannot be replayed or discarded before this topic exists", "topic", t.name, "error", err)
		}
	}
	return true, nil
}

// sayMismatches warns of settings with which letters can be lost, and tells of those with
// which more is read than need be. A client that may not read the settings does without.
func (p *provisioner) sayMismatches(ctx context.Context, client *kgo.Client, name string, settings []topic.Setting) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	mismatches, err := topic.Mismatches(ctx, client, name, settings)
	if err != nil {
		p.log.Debug("the settings of a topic are not known", "topic", name, "error", err)
	}
	for _, m := range mismatches {
		level, what := slog.LevelWarn, "with this setting letters can be lost"
		if m.Stays {
			level, what = slog.LevelInfo, "with this setting what was done about letters that are gone is read for longer than need be"
		}
		p.log.Log(ctx, level, what, "topic", m.Topic, "setting", m.Setting, "is", m.Is, "want", m.Want, "do", m.Remedy)
	}
}

// persist tries until it succeeds, ctx ends, or the trouble is of a kind that stays.
func (p *provisioner) persist(ctx context.Context, what string, try func(context.Context) error) error {
	var began, said time.Time
	for {
		attempt, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := try(attempt)
		cancel()
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		}
		if err = kafkafault.Explain(&p.cfg.Kafka, err); kafkafault.Stays(err) {
			return err
		}
		now := time.Now()
		if began.IsZero() {
			began = now
		}
		if now.Sub(said) >= sayAgain {
			said = now
			p.log.Warn("waiting for Kafka", "brokers", p.cfg.Kafka.Brokers, "for", what, "since", now.Sub(began).Round(time.Second), "error", err)
		}
		pause(ctx, topicPause)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
