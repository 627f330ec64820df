package traffic

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
)

// idMember is how the id stands in a report; the id and "}" follow.
const idMember = `"event":{"name":"event","value":"`

func (g *Generator) appendID(to []byte, number uint64) []byte {
	to = append(to, g.cfg.Run...)
	to = append(to, '-')
	return strconv.AppendUint(to, number, 10)
}

// Number reads an event's number off its id, if it is an event of the run.
func Number(id []byte, run string) (number uint64, ok bool) {
	digits, ok := strings.CutPrefix(string(id), run+"-")
	if !ok {
		return 0, false
	}
	number, err := strconv.ParseUint(digits, 10, 64)
	return number, err == nil && number > 0
}

// ReportNumber reads an event's number off a report, if it is one of the run.
func ReportNumber(report []byte, run string) (number uint64, ok bool) {
	_, rest, ok := bytes.Cut(report, []byte(idMember))
	if !ok {
		return 0, false
	}
	id, _, ok := bytes.Cut(rest, []byte(`"`))
	if !ok {
		return 0, false
	}
	return Number(id, run)
}

// A score of a ScoreOnly app is SSS...CCCNNNNNNNNN: some score, at least 1; a check by which the run is known; and the
// event's number.
const (
	scoreNumbers = 1_000_000_000
	scoreChecks  = 1_000
)

func (g *Generator) appendScore(to []byte, score, number uint64) []byte {
	number %= scoreNumbers
	return strconv.AppendUint(to, (score*scoreChecks+check(g.cfg.Run, number))*scoreNumbers+number, 10)
}

// ScoreNumber reads score and event's number off the body of a legacy score call, if it is about an event of the run;
// one in a thousand calls about others passes for one, too.
func ScoreNumber(body []byte, run string) (score string, number uint64, ok bool) {
	var call struct {
		Score string `json:"score"`
	}
	if json.Unmarshal(body, &call) != nil {
		return "", 0, false
	}
	n, err := strconv.ParseUint(call.Score, 10, 64)
	number = n % scoreNumbers
	ok = err == nil && number > 0 && n >= scoreNumbers*scoreChecks && n/scoreNumbers%scoreChecks == check(run, number)
	return call.Score, number, ok
}

// check is three digits that say of which run a number is.
func check(run string, number uint64) uint64 {
	h := number
	for i := range len(run) {
		h = mix(h ^ uint64(run[i]))
	}
	return h % scoreChecks
}
