package main

import (
	"strings"
	"testing"
)

func TestTheCommandLineOfDeadLettersIsChecked(t *testing.T) {
	t.Parallel()
	path := write(t, "battlereport.yaml", "apps: [{appid: wx1, appkey: k, topics: [t]}]")
	for rule, test := range map[string]struct {
		args []string
		want string // in standard error
	}{
		"a configuration is needed":                   {[]string{"stats"}, "which configuration? -c FILE is needed"},
		"a reason is one of a few":                    {[]string{"list", "--reason", "rejectd"}, `--reason "rejectd": want invalid_json, schema_violation, too_large, unknown_app, rejected, exhausted, expired, foreign; did you mean rejected?`},
		"an answer is a number":                       {[]string{"list", "--ret", "x"}, `--ret "x": want a number, such as -1011`},
		"a time is one":                               {[]string{"list", "--since", "yesterday"}, `--since "yesterday": want how long ago, such as 30m, 2h or 3d, or a time`},
		"a span is not negative":                      {[]string{"list", "--since", "-2h"}, `--since "-2h"`},
		"a span of time goes forward":                 {[]string{"list", "--since", "2h", "--until", "3h"}, `--until "3h": is not after --since 2h`},
		"partitions are not negative":                 {[]string{"list", "--partition", "-1"}, "--partition \"-1\": partitions count from 0"},
		"nor are offsets":                             {[]string{"list", "--offset", "-1"}, "--offset \"-1\": offsets count from 0"},
		"a place is a pointer":                        {[]string{"list", "--violation", "baseinfo"}, `--violation "baseinfo": want a JSON Pointer`},
		"a delivery is one of two":                    {[]string{"list", "--delivery", "maybe"}, "want none or uncertain"},
		"a state is one of a few":                     {[]string{"list", "--state", "lost"}, "want pending or replayed or discarded or all"},
		"a condition must be jq":                      {[]string{"list", "--where", ".["}, "--where: "},
		"a limit is not negative":                     {[]string{"list", "--limit", "-1"}, "--limit -1: want 0 or more"},
		"a letter must be named to be shown":          {[]string{"show"}, "which letter? Its name is needed"},
		"a name has three parts":                      {[]string{"show", "t.dlq/3"}, `"t.dlq/3" is not the name of a letter: want TOPIC/PARTITION/OFFSET`},
		"each once":                                   {[]string{"show", "t.dlq/3/1", "t.dlq/3/1"}, "t.dlq/3/1 is named twice"},
		"nothing is replayed by accident":             {[]string{"replay"}, "which letters? Name them, or select them by a filter"},
		"all that is pending is no choice":            {[]string{"replay", "--state", "pending", "--yes"}, "which letters? Name them, or select them by a filter"},
		"what is done is not replayed":                {[]string{"replay", "--state", "replayed"}, "--state replayed: only pending letters can be replayed"},
		"nor discarded":                               {[]string{"discard", "--because", "x", "--state", "all"}, "--state all: only pending letters can be discarded"},
		"names and filters are two things":            {[]string{"replay", "t.dlq/3/1", "--reason", "rejected"}, "letters are named or selected by filters, not both"},
		"a repair must be jq":                         {[]string{"replay", "t.dlq/3/1", "--jq", ".["}, "--jq: "},
		"a rate is a number":                          {[]string{"replay", "t.dlq/3/1", "--rate", "fast"}, "want a number of letters, such as 500/s, 30000/m or 0"},
		"in a time that is known":                     {[]string{"replay", "t.dlq/3/1", "--rate", "5/day"}, "want a number of letters"},
		"that is not negative":                        {[]string{"replay", "t.dlq/3/1", "--rate", "-5"}, "want a number of letters"},
		"a number of letters is not negative":         {[]string{"replay", "t.dlq/3/1", "--max", "-5"}, "--max -5: want 0 or more"},
		"nor is one of replays":                       {[]string{"replay", "t.dlq/3/1", "--max-replays", "-1"}, "--max-replays -1: want 0 or more"},
		"of an import either":                         {[]string{"import", "-", "--max-replays", "-1"}, "--max-replays -1: want 0 or more"},
		"somebody did it":                             {[]string{"replay", "t.dlq/3/1", "--by", " "}, "--by: want a name"},
		"a discard has a reason":                      {[]string{"discard", "t.dlq/3/1"}, "why? --because TEXT is needed"},
		"an import has a file":                        {[]string{"import"}, "which file? FILE is needed, or - for standard input"},
		"that is there":                               {[]string{"import", "/none.jsonl"}, "open /none.jsonl: no such file or directory"},
		"a file to export to can be written":          {[]string{"export", "--out", "/none/x.jsonl"}, "battlereport: write /none/x.jsonl: no such file or directory\n"},
		"what a command does not take is not ignored": {[]string{"stats", "t.dlq/3/1"}, `unexpected argument "t.dlq/3/1"`},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			args := append([]string{"deadletter"}, test.args...)
			if rule != "a configuration is needed" {
				args = append(args, "-c", path)
			}
			if got := invoke(t, "", args...); got.code != exitCannot || got.stdout != "" || !strings.Contains(got.stderr, test.want) {
				t.Errorf("got  %+v\nwant %s", got, test.want)
			}
		})
	}
}

// TestAFilterWithoutAValueSelectsNothing: what a script's unset variable leaves is no filter, and must not select all.
func TestAFilterWithoutAValueSelectsNothing(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 2)
	for _, flag := range []string{"reason", "app", "ret", "since", "until", "openid", "topic", "partition", "offset", "violation", "delivery", "where"} {
		for _, command := range [][]string{{"discard", "--because", "x", "--yes"}, {"replay", "--yes"}, {"list"}, {"stats"}, {"export"}} {
			if got := p.invoke(t, "", command[0], append(command[1:], "--"+flag, "")...); got.code != exitCannot || !strings.Contains(got.stderr, "--"+flag) && !strings.Contains(got.stderr, `"--`+flag) {
				t.Errorf("%s --%s '': %+v", command[0], flag, got)
			}
		}
	}
	if got := p.invoke(t, "", "discard", "--because", "x", "--yes", "--app", "wx1,"); got.code != exitCannot {
		t.Errorf("a list with an empty element: %+v", got)
	}
	if got := p.invoke(t, "", "stats", "-o", "json"); !strings.Contains(got.stdout, `"letters": 2,`) {
		t.Errorf("not both are pending: %s", got.stdout)
	}
}
