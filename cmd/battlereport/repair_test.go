package main

import (
	"slices"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/deadletter"
)

// values makes letters of values, as many as there are.
func (p *post) values(t *testing.T, values ...string) {
	t.Helper()
	p.letters(t, len(values), func(i int, l *deadletter.Letter) {
		l.Key, l.Value = []byte("o1"), []byte(values[i])
		l.Reason, l.Detail, l.Violations = deadletter.InvalidJSON, "whatever it was", nil
	})
}

func TestARepairThatChangesNothingIsTold(t *testing.T) {
	t.Parallel()
	const (
		point, changed = `{"baseinfo": {"openid":"o1","platid":1},"battleinfo":{"score":4288625.0}}`, `{"baseinfo": {"openid":"o1","platid":1},"battleinfo":{"score":4288625}}`
		left           = `{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"score":7}} `
	)
	p := newPost(t, 1)
	p.values(t, point, left, left)
	args := []string{"--reason", "invalid_json", "--jq", ".battleinfo.score |= floor"}
	got := p.invoke(t, "", "replay", append(args, "--dry-run", "--diff")...)
	if got.code != exitDone ||
		!strings.Contains(got.stdout, "3 letters would be replayed to TOPIC.replay, 1 of them repaired, unchanged by the repair: 2; at 1,000 a second") ||
		!strings.Contains(got.stdout, "  -     \"score\": 4288625.0\n  +     \"score\": 4288625\n") || strings.Count(got.stdout, "  unchanged\n") != 2 {
		t.Errorf("%+v", got)
	}
	if r := reported(t, p.invoke(t, "", "replay", append(args, "--dry-run", "-o", "json")...)); r.Planned != 3 || r.Unchanged != 2 || r.Raw {
		t.Errorf("%+v", r)
	}
	got = p.invoke(t, "", "replay", append(args, "--yes")...)
	if got.code != exitDone || !strings.Contains(got.stdout, "replayed 3 letters, 1 of them repaired, to TOPIC.replay in ") || !strings.Contains(got.stdout, "\nunchanged by the repair: 2\n") {
		t.Errorf("%+v", got)
	}
	if got := p.replayed(t)["o1"]; !slices.Equal(got, []string{changed, left, left}) {
		t.Errorf("%q", got)
	}
	p.values(t, left)
	if got := p.invoke(t, "", "replay", "--reason", "invalid_json", "--yes"); got.code != exitDone || strings.Contains(got.stdout, "unchanged") {
		t.Errorf("nothing was to be repaired: %+v", got)
	}
	p.values(t, left, point)
	if r := reported(t, p.invoke(t, "", "replay", append(args, "--yes", "-o", "json")...)); r.Done != 2 || r.Repaired != 1 || r.Unchanged != 1 {
		t.Errorf("%+v", r)
	}
}

func TestWhatARepairDoesNotReplaceMustBeStrictJSON(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.values(t,
		`{"baseinfo":{"openid":"o1","platid":"1","gamename":"x\ud83d"},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"o1","platid":"1"},"battleinfo":{"score":1,"score":999}}`,
		`{"baseinfo":{"openid":"o1","platid":"0","platid":"1"},"battleinfo":{}}`,
	)
	got := p.invoke(t, "", "replay", "--reason", "invalid_json", "--yes", "--jq", ".baseinfo.platid |= tonumber")
	for _, want := range []string{
		"2  repair_failed  TOPIC.dlq/0/0: half of a surrogate pair at byte 53 (/baseinfo/gamename): repair that first",
		"TOPIC.dlq/0/1: key \"score\" stands twice in one object at byte 65 (/battleinfo/score): repair that first",
		"replayed 1 letter, 1 of them repaired,",
	} {
		if got.code != exitNo || !strings.Contains(got.stdout, want) {
			t.Errorf("%+v has no %q", got, want)
		}
	}
	got = p.invoke(t, "", "replay", "--reason", "invalid_json", "--yes", "-o", "json", "--where", ".value.battleinfo.score == 999", "--jq", ".")
	if got.code != exitNone || got.stderr != "" && !strings.Contains(got.stderr, "no pending letter matches") {
		t.Errorf("one of two scores is seen: %+v", got)
	}
	got = p.invoke(t, "", "replay", "--reason", "invalid_json", "--yes", "-o", "json", "--where", ".value == null",
		"--jq", `.baseinfo.platid |= tonumber | del(.baseinfo.gamename) | .battleinfo.score |= (. // 0)`)
	if r := reported(t, got); got.code != exitDone || r.Done != 2 || r.Repaired != 2 {
		t.Errorf("%+v", got)
	}
	want := []string{
		`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{}}`,
		`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"score":0}}`,
		`{"baseinfo":{"openid":"o1","platid":1},"battleinfo":{"score":999}}`,
	}
	if got := p.replayed(t)["o1"]; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}

func TestARawRepairIsForWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	const good = `{"baseinfo":{"openid":"o1","platid":1,"gamename":"三国战纪"},"battleinfo":{}}`
	p := newPost(t, 1)
	p.values(t, "\x00\x00\x00\x00\x01"+good, "\x00\x00\x01\x86\xa0"+good, good, "\x00{", "")
	got := p.invoke(t, "", "replay", "--reason", "invalid_json", "--dry-run", "--jq", ".")
	if got.code != exitNo || !strings.Contains(got.stdout, "; --raw repairs its text") {
		t.Errorf("%+v", got)
	}
	args := []string{"--reason", "invalid_json", "--raw", "--jq", `if startswith("\u0000") then .[5:] else . end`}
	got = p.invoke(t, "", "replay", append(args, "--dry-run", "--diff")...)
	if got.code != exitNo || !strings.Contains(got.stdout, "2  invalid_json  TOPIC.dlq/0/") || strings.Count(got.stdout, "\n  + "+good+"\n") != 2 {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, "", "replay", append(args, "--yes", "-o", "json")...)
	if r := reported(t, got); got.code != exitNo || r.Done != 3 || r.Repaired != 2 || r.Unchanged != 1 || !r.Raw || r.Left[0].Kind != "invalid_json" || r.Left[0].Letters != 2 {
		t.Errorf("%+v", got)
	}
	if got := p.replayed(t)["o1"]; !slices.Equal(got, []string{good, good, good}) {
		t.Errorf("%q", got)
	}
	got = p.invoke(t, "", "replay", "TOPIC.dlq/0/3", "--yes", "--raw", "--jq", `length`)
	if got.code != exitNo || !strings.Contains(got.stdout, `the result is no text: it is of the type number`) {
		t.Errorf("%+v", got)
	}
	got = p.invoke(t, "", "replay", "TOPIC.dlq/0/3", "--yes", "--raw")
	if got.code != exitCannot || !strings.Contains(got.stderr, "--raw: want --jq as well") {
		t.Errorf("%+v", got)
	}
}
