package skipcmd

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// A skip finds a batch, says what would be done, and does it. It is for one goroutine.
type skip struct {
	place

	cmd               *cobra.Command
	cfg               *config.Config
	file              string
	dryRun, yes, json bool

	client *kgo.Client        // asks whether this may be done, and says for how long brokers may take
	group  *consumer.Consumer // no member of it
}

func (s *skip) do(ctx context.Context) error {
	conn, err := kafkafault.Connection(&s.cfg.Kafka, nil, func(err error) { cli.Complain(s.cmd, err.Error()) })
	if err != nil {
		return err
	}
	if s.client, err = topic.NewClient(conn); err != nil {
		return err
	}
	defer s.client.Close()
	if err := s.allowed(ctx, conn.Brokers); err != nil {
		return err
	}
	cfg := consumer.Config{
		Connection: conn, Group: s.cfg.Kafka.Group, Topics: []string{s.topic},
		FetchBytes: 64 << 10, // it is about one batch, which is sent whole: what else comes counts against a quota
		Logger:     slog.New(slog.DiscardHandler),
	}
	if !slices.Contains(s.cfg.SourceTopics(), s.topic) {
		cfg.Once = cfg.Topics // it is of replays
	}
	if s.group, err = consumer.New(cfg); err != nil {
		return err
	}
	defer s.group.Close()

	var found *consumer.Unreadable
	err = s.patiently(ctx, func(ctx context.Context) (err error) {
		found, err = s.group.Unreadable(ctx, s.topic, s.partition, s.offset)
		return err
	})
	if err != nil {
		return s.refused(err)
	}
	r := s.report(found)
	if !s.json {
		fmt.Fprint(s.cmd.OutOrStdout(), r.plan())
	}
	if s.dryRun {
		return s.finish(r, nil)
	}
	if !s.yes {
		question := fmt.Sprintf("Move the group %s past the record batch at %d?", s.cfg.Kafka.Group, found.Begin)
		if err := cli.Consent(ctx, s.cmd, question); err != nil {
			if s.json {
				return s.finish(r, err)
			}
			return err
		}
	}
	if err := keep(s.file, found.Bytes); err != nil {
		return s.finish(r, err)
	}
	r.Kept = s.file
	err = s.refused(s.patiently(ctx, func(ctx context.Context) error { return s.group.Skip(ctx, found) }))
	r.Skipped = err == nil
	return s.finish(r, err)
}

// allowed asks whether this client may read the topic, and whether there is one. The rights on the group are asked for
// as they are used.
func (s *skip) allowed(ctx context.Context, brokers []string) error {
	var exists bool
	err := s.patiently(ctx, func(ctx context.Context) (err error) {
		if err = topic.Allowed(ctx, s.client, s.topic, "Read"); err == nil {
			exists, err = topic.Exists(ctx, s.client, s.topic)
		}
		return err
	})
	if err == nil && !exists {
		return fmt.Errorf("there is no topic %s at %s, or this client may not see it", s.topic, strings.Join(brokers, ","))
	}
	return err
}

// patiently tries until it succeeds, is refused, or fails for what does not pass.
func (s *skip) patiently(ctx context.Context, try func(context.Context) error) error {
	var stays error
	err := topic.ClockOf(s.client).Patiently(ctx, func(ctx context.Context) error {
		err := kafkafault.Explain(&s.cfg.Kafka, try(ctx))
		if errors.As(err, new(*consumer.RefusedError)) || kafkafault.Stays(err) {
			stays = err
			return nil
		}
		return err
	})
	return cmp.Or(stays, kafkafault.Explain(&s.cfg.Kafka, err))
}

// refused says what a refusal means to a person, and what is to be done about it. Another error is returned as it is.
func (s *skip) refused(err error) error {
	occupied := new(consumer.OccupiedError)
	switch {
	case !errors.As(err, new(*consumer.RefusedError)):
		return err
	case errors.As(err, &occupied):
		text := fmt.Sprintf("the group %s has %s, and Kafka has only them move it; stop run everywhere, as by scaling it to 0, and run the same command again:",
			occupied.Group, words.Number(len(occupied.Members), "member"))
		for _, m := range occupied.Members {
			text += fmt.Sprintf("\n  %s at %s (%s)", words.Visible(m.ClientID), words.Visible(strings.TrimPrefix(m.Host, "/")), words.Visible(m.ID))
		}
		return errors.New(text)
	case errors.Is(err, consumer.ErrPast), errors.Is(err, consumer.ErrReadable):
		fmt.Fprintln(s.cmd.ErrOrStderr(), words.Fit(fmt.Sprintf("%v: nothing is to be passed: %v", s.place, err), cli.Columns(s.cmd.ErrOrStderr())))
		return cli.ErrNone
	case errors.Is(err, consumer.ErrMoved):
		return fmt.Errorf("%v: %w: the same command, run again, looks anew", s.place, err)
	case errors.Is(err, consumer.ErrNoEnd):
		return fmt.Errorf("%v: %w; it cannot be passed without what follows: have another replica lead the partition, which may have it unharmed", s.place, err)
	}
	return fmt.Errorf("%v: group %s: %w", s.place, s.cfg.Kafka.Group, err)
}

// finish says what became of it, which err may have ended.
func (s *skip) finish(r *report, err error) error {
	if !s.json {
		if !s.dryRun {
			fmt.Fprint(s.cmd.OutOrStdout(), r.result())
		}
		return err
	}
	if err != nil {
		r.Error = err.Error()
	}
	encoder := json.NewEncoder(s.cmd.OutOrStdout())
	encoder.SetEscapeHTML(false)
	return cmp.Or(err, encoder.Encode(r))
}
