package deadlettercmd

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/triage"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/topic"
)

// parseNames reads the names of letters, each of which may be given once.
func parseNames(cmd *cobra.Command, args []string) ([]deadletter.Name, error) {
	names := make([]deadletter.Name, 0, len(args))
	seen := map[deadletter.Name]bool{}
	for _, text := range args {
		name, err := deadletter.ParseName(text)
		if err != nil {
			return nil, cli.Usage(cmd, err)
		}
		if seen[name] {
			return nil, cli.Usage(cmd, fmt.Errorf("%s is named twice", name))
		}
		seen[name] = true
		names = append(names, name)
	}
	return names, nil
}

// openNamed opens the dead-letter topics of names, which must be what the configuration calls one: others have records
// that nobody may resolve.
func openNamed(cmd *cobra.Command, cfg *config.Config, conn consumer.Connection, names []deadletter.Name) (*letterbox, error) {
	for _, name := range names {
		if !isLetterTopic(cfg, name.Topic) {
			meant := name
			meant.Topic = cfg.DeadLetter.TopicFor(name.Topic)
			return nil, cli.Usage(cmd, fmt.Errorf("%s: %s is no dead-letter topic of the configuration, which calls them %s; did you mean %s?",
				name, name.Topic, cfg.DeadLetter.TopicFor("TOPIC"), meant))
		}
	}
	return openTopics(cfg, conn, topicsOf(names))
}

// isLetterTopic reports whether a topic could be that of dead letters of some source.
func isLetterTopic(cfg *config.Config, topic string) bool {
	return letterTopics(cfg).MatchString(topic)
}

// sourceOf returns the source topic whose dead letters lie in a topic, if that can be told from its name.
func sourceOf(cfg *config.Config, topic string) (source string, ok bool) {
	parts := letterTopics(cfg).FindStringSubmatch(topic)
	if len(parts) < 2 || cfg.DeadLetter.TopicFor(parts[1]) != topic {
		return "", false
	}
	return parts[1], true
}

// letterTopics matches the names that the configuration gives to dead-letter topics.
func letterTopics(cfg *config.Config) *regexp.Regexp {
	const anything = "\x00"
	parts := strings.Split(cfg.DeadLetter.TopicFor(anything), anything)
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("^" + strings.Join(parts, "(.+)") + "$")
}

// topicsOf returns the dead-letter topics of names, each once, in order.
func topicsOf(names []deadletter.Name) (topics []string) {
	for _, name := range names {
		topics = append(topics, name.Topic)
	}
	slices.Sort(topics)
	return slices.Compact(topics)
}

// compareNames orders names as they lie in their topics.
func compareNames(a, b deadletter.Name) int {
	return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
}

// absent says what is wrong with a name that no letter has, without the name. Another error is returned as it is.
func absent(err error) (*triage.Obstacle, error) {
	var expired *deadletter.ExpiredError
	switch {
	case errors.As(err, &expired):
		return &triage.Obstacle{
			Kind: triage.ObstacleExpired, Detail: fmt.Sprintf("it is no longer kept: its partition now begins at offset %d", expired.First),
		}, nil
	case errors.Is(err, topic.ErrRecreated):
		return &triage.Obstacle{Kind: triage.ObstacleExpired, Detail: "it is gone: its topic " + topic.ErrRecreated.Error()}, nil
	case errors.Is(err, deadletter.ErrNotFound):
		return &triage.Obstacle{Kind: triage.ObstacleMissing, Detail: deadletter.ErrNotFound.Error()}, nil
	case errors.Is(err, topic.ErrNoTopic):
		return &triage.Obstacle{Kind: triage.ObstacleMissing, Detail: err.Error()}, nil
	}
	return nil, err
}
