package traffic

import (
	"slices"
	"strconv"
	"time"
)

// report is the parts of a report, each the JSON text of a member's value or of several members.
type report struct {
	base, battle, user []byte // the members inside, without braces
	score              string
	battleFirst        bool // key order says nothing to JSON, and must survive
}

// The games of the sample data: names that go out as they are, and one that is escaped.
var games = []string{"Sky Arena", "三国战纪", "ロイヤルバトル", `Ninja \u201cGo\u201d`}

// report makes the parts of a good report.
func (g *Generator) report(ev *Event, app App, id []byte) *report {
	random := g.random.Uint64()
	pick := func(n uint64) uint64 { v := random % n; random /= n; return v }
	r := &report{battleFirst: pick(8) == 0}
	newer := pick(2) == 0

	b := append(make([]byte, 0, 192), `"openid":"`...)
	b = append(b, ev.Player...)
	b = append(b, `","gamename":"`...)
	b = append(b, games[pick(uint64(len(games)))]...)
	b = append(b, `","platid":`...)
	b = strconv.AppendUint(b, pick(2), 10)
	zone := 1 + pick(40)
	if newer {
		b = append(b, `,"partitionid":"`...)
		b = strconv.AppendUint(b, zone, 10)
		b = append(b, '"')
	} else {
		b = append(b, `,"partitionid":`...)
		b = strconv.AppendUint(b, zone, 10)
	}
	if role := pick(3); role > 0 {
		b = append(b, `,"roleid":"`...)
		if role > 1 { // beyond 2^53, where a float would lose digits
			b = strconv.AppendUint(b, 9007199254740993+pick(1<<20), 10)
		}
		b = append(b, '"')
	}
	b = append(b, `,"level":`...)
	r.base = strconv.AppendUint(b, 1+pick(80), 10)

	r.score = g.scoreOf(ev, app)
	b = append(make([]byte, 0, 128), `"score":`...)
	b = append(b, r.score...)
	if newer {
		b = append(b, `,"iswin":`...)
		b = strconv.AppendBool(b, pick(2) == 0)
	} else {
		b = append(b, `,"modeid":`...)
		b = strconv.AppendUint(b, 1+pick(3), 10)
		b = append(b, `,"acttime":"`...)
		b = append(b, g.time(ev.Number)...)
		b = append(b, '"')
	}
	r.battle = b

	b = append(make([]byte, 0, 256), idMember...)
	b = append(b, id...)
	b = append(b, `"},"round":{"name":"round","value":`...)
	b = strconv.AppendUint(b, uint64(ev.Round), 10)
	r.user = append(b, '}')
	return r
}

// scoreOf is the round's score. High ones are rare, so that a leaderboard moves and settles.
func (g *Generator) scoreOf(ev *Event, app App) string {
	score := g.random.ExpFloat64() * 12_000
	if app.ScoreOnly {
		return string(g.appendScore(nil, 1+uint64(score/1000), ev.Number))
	}
	return strconv.FormatUint(1000+uint64(score), 10)
}

// time is when the event's round was played.
func (g *Generator) time(number uint64) []byte {
	at := g.begun + int64(number-1)
	if second := at / 1000; g.clock == nil || second != g.second {
		g.second, g.clock = second, time.Unix(second, 0).UTC().AppendFormat(nil, time.DateTime)
	}
	return g.clock
}

// text puts the parts together, and adds data of the game's own up to about size bytes.
func (r *report) text(size int) []byte {
	const frame = len(`{"baseinfo":{},"battleinfo":{},"userdefined":{}}`)
	length := frame + len(r.base) + len(r.battle) + len(r.user)
	text := make([]byte, 0, max(length, size)+64)
	text = append(text, '{')
	if r.battleFirst {
		text = r.appendBattle(text)
		text = append(text, ',')
		text = r.appendBase(text)
	} else {
		text = r.appendBase(text)
		text = append(text, ',')
		text = r.appendBattle(text)
	}
	text = append(text, `,"userdefined":{`...)
	text = append(text, r.user...)
	for i := 1; len(text)+2 < size-20; i++ { // 20: about half of what a round adds
		text = append(text, `,"item`...)
		text = strconv.AppendInt(text, int64(i), 10)
		text = append(text, `":{"name":"item","value":`...)
		text = strconv.AppendInt(text, int64(i*i), 10)
		text = append(text, '}')
	}
	return append(text, "}}"...)
}

func (r *report) appendBase(to []byte) []byte {
	to = append(to, `"baseinfo":{`...)
	return append(append(to, r.base...), '}')
}

func (r *report) appendBattle(to []byte) []byte {
	to = append(to, `"battleinfo":{`...)
	return append(append(to, r.battle...), '}')
}

// with is a part with more members.
func with(part []byte, members string) []byte { return slices.Concat(part, []byte(","+members)) }
