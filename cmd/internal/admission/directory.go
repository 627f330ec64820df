package admission

import (
	"fmt"
	"maps"
	"slices"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
)

// Directory is the configured apps, and what the records of each topic are.
type Directory struct {
	Apps  []*App // in the order of the configuration
	feeds map[string]*Feed
}

// Feed is what the records of a topic are.
type Feed struct {
	Topic    string
	Source   string // the topic in whose dead letters they belong; of a replay topic it is one of them
	Replayed bool   // they are replayed letters
	Apps     []*App // whose records these may be

	sources map[string]*Feed // of all source topics, by their names
	strands map[uint64]*App  // see [Feed.Strand]
}

// New loads the schemas of all apps.
func New(cfg *config.Config) (*Directory, error) {
	d, sources := &Directory{feeds: map[string]*Feed{}}, map[string]*Feed{}
	for _, c := range cfg.Apps {
		app, err := NewApp(c)
		if err != nil {
			return nil, err
		}
		app.Index = len(d.Apps)
		d.Apps = append(d.Apps, app)
		for _, topic := range c.Topics {
			if sources[topic] == nil {
				sources[topic] = newFeed(topic, topic, false, sources)
				d.feeds[topic] = sources[topic]
			}
			sources[topic].add("", app)
		}
	}
	for _, topic := range cfg.SourceTopics() {
		replay := cfg.DeadLetter.ReplayTopicFor(topic)
		if d.feeds[replay] == nil {
			d.feeds[replay] = newFeed(replay, topic, true, sources)
		}
		d.feeds[replay].replays(topic, sources[topic])
	}
	return d, nil
}

func newFeed(topic, source string, replayed bool, sources map[string]*Feed) *Feed {
	return &Feed{Topic: topic, Source: source, Replayed: replayed, sources: sources, strands: map[uint64]*App{}}
}

// add adds an app to those whose records there may be; source is the topic in which these were before.
func (f *Feed) add(source string, app *App) {
	f.strands[strandOf(source, app.AppID)] = app
	if !slices.Contains(f.Apps, app) {
		f.Apps = append(f.Apps, app)
	}
}

// replays adds a source topic to those whose letters are replayed here.
func (f *Feed) replays(topic string, source *Feed) {
	for _, app := range source.Apps {
		f.add(topic, app)
	}
	if len(source.Apps) == 1 { // its records need not say of which app they are
		f.strands[strandOf(topic, "")] = source.Apps[0]
	}
}

// Feed is that of a topic; nil: the topic is not in the configuration.
func (d *Directory) Feed(topic string) *Feed { return d.feeds[topic] }

// Topics are all topics that are read, in the order of their names.
func (d *Directory) Topics() []string { return slices.Sorted(maps.Keys(d.feeds)) }

// ReplayTopics are those of them that hold replayed letters.
func (d *Directory) ReplayTopics() []string {
	return slices.DeleteFunc(d.Topics(), func(topic string) bool { return !d.feeds[topic].Replayed })
}

// identify finds out whose a record is, or says why it is nobody's.
func (f *Feed) identify(headers []consumer.Header) (a Admission, why string) {
	a = Admission{Home: f.Source, Replayed: f.Replayed}
	from := f
	if f.Replayed {
		origin, ok := deadletter.OriginOf(headers)
		if from = f.sources[origin.Source.Topic]; !ok || from == nil {
			return a, fmt.Sprintf("a record in the replay topic %s that is not a replayed letter of a configured topic", f.Topic)
		}
		a.Home, a.Origin = from.Source, &origin
	}
	a.App, why = from.App(headers)
	return a, why
}

// App finds the app of a record in a source topic by its headers, or says why it is nobody's.
func (f *Feed) App(headers []consumer.Header) (app *App, why string) {
	id, count := "", 0
	for _, h := range headers {
		if h.Key == HeaderAppID {
			id = string(h.Value)
			count++
		}
	}
	switch {
	case count > 1:
		return nil, fmt.Sprintf("the header %s is there %d times", HeaderAppID, count)
	case count == 0 && len(f.Apps) == 1:
		return f.Apps[0], ""
	case count == 0:
		return nil, fmt.Sprintf("topic %s serves %d apps and the record has no header %s", f.Source, len(f.Apps), HeaderAppID)
	}
	i := slices.IndexFunc(f.Apps, func(app *App) bool { return app.AppID == id })
	if i < 0 {
		return nil, fmt.Sprintf("the header %s says %.64q, which is not configured for topic %s", HeaderAppID, id, f.Source)
	}
	return f.Apps[i], ""
}
