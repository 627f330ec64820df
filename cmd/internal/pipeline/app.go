package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient"
)

// The routes of the configuration.
const (
	routeBattleReport = "battle_report"
	routeScore        = "wxscore"
)

// app is a configured app, with what is known of it across generations. All
// but the first group of fields belong to the engine's loop.
type app struct {
	config.App
	identity msdkclient.App
	checker  *Checker

	breaker   *breaker
	named     *named
	throttled throttle

	lastSuccess time.Time
}

// apps finds the app of a record.
type apps struct {
	list    []*app
	byID    map[string]*app
	byTopic map[string][]*app // source topics
	replays map[string]string // replay topics, with a source topic each
}

func newApps(cfg *config.Config) (*apps, error) {
	a := &apps{byID: map[string]*app{}, byTopic: map[string][]*app{}, replays: map[string]string{}}
	for _, c := range cfg.Apps {
		checker, err := NewChecker(cfg, c)
		if err != nil {
			return nil, err
		}
		app := &app{
			App:      c,
			identity: msdkclient.App{ID: c.AppID, Key: c.AppKey.Reveal(), Encode: c.Encode},
			checker:  checker,
			breaker:  newBreaker(cfg.Delivery.Breaker),
			named:    newNamed(),
		}
		a.list = append(a.list, app)
		a.byID[c.AppID] = app
		for _, topic := range c.Topics {
			a.byTopic[topic] = append(a.byTopic[topic], app)
		}
	}
	for _, topic := range cfg.SourceTopics() {
		if replay := cfg.DeadLetter.ReplayTopicFor(topic); a.replays[replay] == "" {
			a.replays[replay] = topic
		}
	}
	return a, nil
}

// topics are all topics to read.
func (a *apps) topics() []string {
	return append(slices.Sorted(maps.Keys(a.byTopic)), a.replayTopics()...)
}

// replayTopics are those of them that hold replayed letters.
func (a *apps) replayTopics() []string { return slices.Sorted(maps.Keys(a.replays)) }

// HeaderAppID picks the app of a record in a topic of several.
const HeaderAppID = "appid"

// identify sets the event's app and home, or says why it has no app.
func (a *apps) identify(ev *event) (why string) {
	r := &ev.record
	ev.home = r.Partition.Topic
	if source, replayed := a.replays[ev.home]; replayed {
		ev.home, ev.replayed = source, true
		origin, ok := deadletter.OriginOf(r.Headers)
		if !ok || a.byTopic[origin.Source.Topic] == nil {
			return fmt.Sprintf("a record in the replay topic %s that is not a replayed letter of a configured topic", r.Partition.Topic)
		}
		ev.home, ev.origin = origin.Source.Topic, &origin
	}
	candidates := a.byTopic[ev.home]
	header, count := "", 0
	for _, h := range r.Headers {
		if h.Key == HeaderAppID {
			header = string(h.Value)
			count++
		}
	}
	switch {
	case count > 1:
		return fmt.Sprintf("the header %s is there %d times", HeaderAppID, count)
	case count == 0 && len(candidates) == 1:
		ev.app = candidates[0]
		return ""
	case count == 0:
		return fmt.Sprintf("topic %s serves %d apps and the record has no header %s", ev.home, len(candidates), HeaderAppID)
	}
	i := slices.IndexFunc(candidates, func(c *app) bool { return c.AppID == header })
	if i < 0 {
		return fmt.Sprintf("the header %s says %.64q, which is not configured for topic %s", HeaderAppID, header, ev.home)
	}
	ev.app = candidates[i]
	return ""
}
