package pipeline

import (
	"fmt"
	"maps"
	"slices"
	"sync/atomic"
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

	deferralSaid atomic.Int64 // safe for concurrent use

	breaker   *breaker
	named     *named
	throttled throttle

	succeeded time.Time // when the latest call that succeeded had begun
	failing   float64   // see condition
	swept     time.Time // when events were last looked at for being held too long
}

// memory is how many calls it takes, about, until an app's share of failing
// calls has followed a change.
const memory = 32

// called takes in how a call of a batch went. What suspects meet, and single
// users, is no measure of the others.
func (a *app) called(b *batch, err *msdkclient.Error) {
	if b.suspect || err != nil && err.Ret == retOneUser {
		return
	}
	share := 0.0
	if err != nil && err.Class != msdkclient.Record {
		share = 1
	}
	a.failing += (share - a.failing) / memory
}

// condition is what the app has met, with a single record of the user counted as
// refused, for [judge].
func (a *app) condition(now time.Time, user string) condition {
	c := a.breaker.condition(user)
	c.succeeded, c.failing, c.proven = a.succeeded, a.failing, now.Sub(a.succeeded) < lately
	return c
}

// apps finds the app of a record.
type apps struct {
	list  []*app
	byID  map[string]*app
	feeds map[string]*feed // by topic
}

// feed is what the records of a topic are.
type feed struct {
	source   string // the topic in whose dead letters they belong; of a replay topic it is one of them
	replayed bool   // they are replayed letters
	apps     []*app // whose records these may be

	strands map[uint64]*app // by the number that their records have, see [apps.strand]
}

func newApps(cfg *config.Config) (*apps, error) {
	a := &apps{byID: map[string]*app{}, feeds: map[string]*feed{}}
	for _, c := range cfg.Apps {
		checker, err := NewChecker(c)
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
			if a.feeds[topic] == nil {
				a.feeds[topic] = &feed{source: topic}
			}
			a.feeds[topic].apps = append(a.feeds[topic].apps, app)
		}
	}
	for _, topic := range cfg.SourceTopics() {
		replay, source := cfg.DeadLetter.ReplayTopicFor(topic), a.feeds[topic]
		if a.feeds[replay] == nil {
			a.feeds[replay] = &feed{source: topic, replayed: true, strands: map[uint64]*app{}}
		}
		source.strands = map[uint64]*app{}
		for _, app := range source.apps {
			source.strands[strandOf("", app.AppID)] = app
			a.feeds[replay].add(topic, app)
		}
		if len(source.apps) == 1 { // its records need not say of which app they are
			a.feeds[replay].strands[strandOf(topic, "")] = source.apps[0]
		}
	}
	return a, nil
}

// add adds an app to those whose replayed letters there may be, of a source topic.
func (f *feed) add(source string, app *app) {
	f.strands[strandOf(source, app.AppID)] = app
	if !slices.Contains(f.apps, app) {
		f.apps = append(f.apps, app)
	}
}

// topics are all topics to read.
func (a *apps) topics() []string { return slices.Sorted(maps.Keys(a.feeds)) }

// replayTopics are those of them that hold replayed letters.
func (a *apps) replayTopics() []string {
	return slices.DeleteFunc(a.topics(), func(topic string) bool { return !a.feeds[topic].replayed })
}

// HeaderAppID picks the app of a record in a topic of several.
const HeaderAppID = "appid"

// identify sets the event's app and home, or says why it has no app.
func (a *apps) identify(ev *event) (why string) {
	r, from := &ev.record, ev.feed
	ev.home, ev.replayed = from.source, from.replayed
	if from.replayed {
		origin, ok := deadletter.OriginOf(r.Headers)
		if ok {
			from = a.feeds[origin.Source.Topic]
		}
		if !ok || from == nil || from.replayed {
			return fmt.Sprintf("a record in the replay topic %s that is not a replayed letter of a configured topic", r.Partition.Topic)
		}
		ev.home, ev.origin = from.source, &origin
	}
	candidates := from.apps
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
