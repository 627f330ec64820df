// Package traffic makes battle-report events as game servers publish them: many players, both editions' shapes of a
// report (MSDK interface document, 3.4.2) mixed, and among them a share of bad ones of named kinds, each with the
// reason it must be dead-lettered for.
//
// Every event can be followed: it has a number of its own in the run, its player's running number, and an id made of
// the run's name and its number, which stands in the report itself (userdefined.event.value) and in a record header.
//
// The same configuration makes the same events. The package does no input or output, and measures no time.
package traffic

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// App is a game that events are made for.
type App struct {
	ID string
	// ScoreOnly says that its reports go out by the legacy score call, which passes nothing on but the player and
	// the score. Its scores therefore carry the event's number, which [ScoreNumber] reads.
	ScoreOnly bool
	// Weight is its share of the events, in proportion to the other apps'. 0 means 1.
	Weight int
}

// Config says what to make. Apps and Players are required.
type Config struct {
	Seed uint64
	// Run begins every event's id. Runs whose events may meet must differ in it.
	Run     string
	Apps    []App
	Players int
	// Bad is the share of bad events, 0 to 1.
	Bad float64
	// Kinds are the bad kinds that are mixed; none means [Kinds].
	Kinds []Kind
	// Size is about how many bytes a good event has; 0 means 350. What the report has to say is not cut to fit.
	Size int
	// Start is when the first round was played; the others follow by the millisecond.
	Start time.Time
}

// Event is one record to publish.
type Event struct {
	Number uint64 // in the run, from 1
	App    string // appid
	Player string // openid, which is also the record's key
	Round  uint32 // the player's running number in this app, from 1, bad events included

	Value   []byte // nil: a record without a value, as Kafka knows it
	Headers []Header

	Kind   Kind              // of a bad event; empty: good
	Reason deadletter.Reason // what a bad one must be dead-lettered for; empty: it is to be delivered
	Score  string            // what the platform is to see of a good event of a ScoreOnly app
}

// Header is a record header.
type Header struct {
	Key   string
	Value []byte
}

// The headers of an event.
const (
	HeaderID  = "event-id"
	HeaderApp = "appid"
)

// Generator makes events. It is not safe for concurrent use.
type Generator struct {
	cfg    Config
	random *rand.Rand
	apps   []int // indices of Config.Apps, each as often as it weighs
	kinds  [][]Kind
	number uint64
	rounds [][]uint32 // by app and player
	begun  int64      // Config.Start, Unix milliseconds
	second int64      // of the clock's text
	clock  []byte
}

// MaxSize is what Config.Size may be at most: since a size is met about, it leaves room below the 64 KiB that a good
// event must not have more than.
const MaxSize = 60_000

// defaultSize is about what a record has in production, in bytes.
const defaultSize = 350

// New checks cfg and returns a generator at its first event.
func New(cfg Config) (*Generator, error) {
	switch {
	case len(cfg.Apps) == 0:
		return nil, errors.New("traffic: no app")
	case cfg.Players < 1:
		return nil, fmt.Errorf("traffic: %d players, at least 1 is wanted", cfg.Players)
	case !(cfg.Bad >= 0 && cfg.Bad <= 1):
		return nil, fmt.Errorf("traffic: a share of %v bad events, 0 to 1 is wanted", cfg.Bad)
	}
	if cfg.Size == 0 {
		cfg.Size = defaultSize
	}
	if len(cfg.Kinds) == 0 {
		cfg.Kinds = Kinds()
	}
	g := &Generator{cfg: cfg, random: rand.New(rand.NewPCG(cfg.Seed, 0)), begun: cfg.Start.UnixMilli()}
	for i, app := range cfg.Apps {
		for range max(app.Weight, 1) {
			g.apps = append(g.apps, i)
		}
		g.rounds = append(g.rounds, make([]uint32, cfg.Players))
		var kinds []Kind
		for _, k := range cfg.Kinds {
			b, known := bad[k]
			if !known {
				return nil, fmt.Errorf("traffic: no kind %q", k)
			}
			if app.ScoreOnly || !b.scoreOnly {
				kinds = append(kinds, k)
			}
		}
		if len(kinds) == 0 {
			return nil, fmt.Errorf("traffic: none of the kinds %q fits app %s", cfg.Kinds, app.ID)
		}
		g.kinds = append(g.kinds, kinds)
	}
	return g, nil
}

// Next makes the next event. What it returns is the caller's own.
func (g *Generator) Next() Event {
	g.number++
	i := g.apps[g.random.IntN(len(g.apps))]
	app := g.cfg.Apps[i]
	player := g.random.IntN(g.cfg.Players)
	g.rounds[i][player]++
	ev := Event{
		Number: g.number,
		App:    app.ID,
		Player: g.Player(player),
		Round:  g.rounds[i][player],
	}
	id := g.appendID(nil, ev.Number)
	ev.Headers = append(make([]Header, 0, 3), Header{HeaderApp, []byte(app.ID)}, Header{HeaderID, id})
	r := g.report(&ev, app, id)
	if g.random.Float64() < g.cfg.Bad {
		kinds := g.kinds[i]
		ev.Kind = kinds[g.random.IntN(len(kinds))]
		b := bad[ev.Kind]
		ev.Reason = b.reason
		b.spoil(g, &ev, r)
		return ev
	}
	ev.Value = r.text(g.cfg.Size)
	if app.ScoreOnly {
		ev.Score = r.score
	}
	return ev
}

// Player is the openid of a player, counted from 0: 28 characters, like those of WeChat.
func (g *Generator) Player(i int) string {
	var id [18]byte
	binary.LittleEndian.PutUint64(id[:], mix(g.cfg.Seed+uint64(i))) // as mix is a bijection, no two are alike
	binary.LittleEndian.PutUint64(id[8:], mix(^uint64(i)))
	binary.LittleEndian.PutUint16(id[16:], uint16(mix(uint64(i)<<32)))
	return "o6_b" + base64.RawURLEncoding.EncodeToString(id[:])
}

// mix is the finaliser of SplitMix64.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
