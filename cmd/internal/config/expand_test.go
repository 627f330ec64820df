package config_test

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

var (
	expandVars = map[string]string{
		"EMPTY": "", "N": "7", "BROKERS": "a:1, b:2,c:3", "ONE": "a:1", "TAIL": "a:1,", "LIST": "[a:1,b:2]", "IN": "${ONE}", "GROUP": "g",
	}
	abc = []string{"a:1", "b:2", "c:3"}
)

func TestVariablesAndListsAreTakenAsPeopleWriteThem(t *testing.T) {
	t.Parallel()
	brokers := func(want ...string) func(*config.Config) {
		return func(c *config.Config) { c.Kafka.Brokers = want }
	}
	group := func(want string) func(*config.Config) {
		return func(c *config.Config) { c.Kafka.Group = want }
	}
	for rule, test := range map[string]struct {
		yaml   string
		want   func(*config.Config)
		editor bool // an editor reads it too: others want quotes in [ ] and { }
	}{
		"one variable may be all brokers":      {"kafka:\n  brokers: ${BROKERS}", brokers(abc...), true},
		"in [ ] too":                           {"kafka:\n  brokers: [${BROKERS}]", brokers(abc...), false},
		"in [ ] with quotes":                   {`kafka: {brokers: ["${BROKERS}"]}`, brokers(abc...), true},
		"among others":                         {"kafka:\n  brokers:\n  - ${BROKERS}\n  - d:4", brokers("a:1", "b:2", "c:3", "d:4"), true},
		"or one of them":                       {"kafka:\n  brokers: ${ONE}", brokers("a:1"), true},
		"a variable may be one between commas": {"kafka:\n  brokers: ${ONE},b:2", brokers("a:1", "b:2"), true},
		"brokers may be written so, with white space about commas": {"kafka:\n  brokers: a:1,b:2 ,  c:3", brokers(abc...), true},
		"over several lines":                          {"kafka:\n  brokers: >\n    a:1,\n    b:2,\n    c:3", brokers(abc...), true},
		"a default may be all brokers":                {"kafka:\n  brokers: ${NOT:-a:1,b:2,c:3}", brokers(abc...), true},
		"in [ ] and { }, and one of IPv6":             {"kafka: {brokers: [${NOT:-a:1,[::1]:2}], group: ${GROUP}}", func(c *config.Config) { c.Kafka.Brokers, c.Kafka.Group = []string{"a:1", "[::1]:2"}, "g" }, false},
		"a list may be an alias":                      {"x-b: &b ${BROKERS}\nkafka: {brokers: *b}", brokers(abc...), true},
		"a default counts where there is no variable": {"kafka:\n  group: a-${NOT:-x}-${NOT-y}", group("a-x-y"), true},
		"with a colon where it is empty":              {"kafka:\n  group: a-${EMPTY:-x}-${EMPTY-y}", group("a-x-"), true},
		"not where it is set":                         {"kafka:\n  group: a-${N:-x}-${N-y}", group("a-7-7"), true},
		"it may be empty":                             {"kafka:\n  group: a${NOT:-}${NOT-}", group("a"), true},
		"it may hold what YAML would take for something else": {"kafka: {sasl: {mechanism: plain, username: u, password: ${NOT:-a: [b], c #d:}}}", func(c *config.Config) {
			c.Kafka.SASL = config.SASL{Mechanism: "plain", Username: "u", Password: "a: [b], c #d:"}
		}, false},
		"a question mark may be its end":                           {"kafka: {group: ${NOT:-x?}, client_id: ${GROUP?}}", func(c *config.Config) { c.Kafka.Group, c.Kafka.ClientID = "x?", "g" }, false},
		"a dollar sign in it is itself, and it is not looked into": {"kafka:\n  group: ${NOT:-$N$}", group("$N$"), true},
		"numbers and durations may have defaults":                  {"batch:\n  max_records: ${NOT:-9}\n  linger: ${EMPTY:-3s}", func(c *config.Config) { c.Batch.MaxRecords, c.Batch.Linger = 9, 3*time.Second }, true},
		"a variable that must be set is":                           {"kafka:\n  group: ${GROUP:?say which}${EMPTY?say which}", group("g"), true},
		"$${ is literal before what would be a default":            {"kafka:\n  group: $${N:-x}", group("${N:-x}"), true},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			text := takes(t, test.yaml, "", env(expandVars), test.want)
			if !test.editor {
				return
			}
			if err := validate(t, []byte(text)); err != nil {
				t.Errorf("the JSON Schema refuses what Parse takes: %#v", err)
			}
		})
	}
}

func TestVariablesAndListsAreRefusedWithWhatIsWanted(t *testing.T) {
	t.Parallel()
	const broker = "host:port with a port from 1 to 65535"
	for rule, test := range map[string]struct{ yaml, want string }{
		"nothing is between two commas":                  {"kafka:\n  brokers: a:1,,b:2", `line 2: kafka.brokers[1]: nothing between two commas, or at an end, of "a:1,,b:2": want ` + broker},
		"nor behind the last":                            {"kafka:\n  brokers: [x:9, '${TAIL}']", `line 2: kafka.brokers[2]: nothing between two commas, or at an end, of "a:1,": want ` + broker},
		"nor is a list nothing":                          {"kafka: {brokers: '${EMPTY}'}", `line 1: kafka.brokers[0]: "": want ` + broker},
		"each of them is wrong by itself":                {"kafka:\n  brokers: a:1,b, c:0", "line 2: kafka.brokers[1]: \"b\": want " + broker + "\nline 2: kafka.brokers[2]: \"c:0\": want " + broker},
		"none is there twice":                            {"kafka:\n  brokers: [b:2, '${BROKERS}']", `line 2: kafka.brokers[2]: "b:2": want another; kafka.brokers[0] is the same`},
		"a variable is no YAML":                          {"kafka:\n  brokers: ${LIST}", "line 2: kafka.brokers[0]: \"[a:1\": want " + broker + "\nline 2: kafka.brokers[1]: \"b:2]\": want " + broker},
		"nor looked into":                                {"kafka:\n  brokers: ${IN}", `line 2: kafka.brokers[0]: "${ONE}": want ` + broker},
		"a password among them is not shown":             {"kafka:\n  brokers: a:1,u:hunter2@h:1,", "line 2: kafka.brokers[1]: \"[redacted]@h:1\": want " + broker + "\nline 2: kafka.brokers[2]: nothing between two commas, or at an end, of \"[redacted]@h:1,\": want " + broker},
		"a list of lists is none":                        {"x-b: &b [a:1]\nkafka: {brokers: [*b]}", "line 1: kafka.brokers[0]: a list: want " + broker},
		"a number is no broker":                          {"kafka: {brokers: 9092}", "line 1: kafka.brokers: a single value: want a list of brokers, at least one, each " + broker},
		"a variable must be set":                         {"kafka: {brokers: ['${NOT}', 'a']}", "line 1: kafka.brokers[0]: ${NOT}: want the environment variable NOT to be set\nline 1: kafka.brokers[1]: \"a\": want " + broker},
		"an app's topics are a list":                     {"apps: [{appid: wx1, appkey: k, topics: '${GROUP}'}]", "line 1: apps[0].topics: a single value: want a list of topics, at least one, each a topic name of 1 to 249 letters, digits, dots, underscores and hyphens"},
		"a message says what to do":                      {"kafka: {group: '${NOT:?see the  wiki}'}", "line 1: kafka.group: ${NOT}: want the environment variable NOT to be set and not empty: see the wiki"},
		"it may say nothing":                             {"kafka: {group: '${NOT?}'}", "line 1: kafka.group: ${NOT}: want the environment variable NOT to be set"},
		"with a colon it must hold something":            {"kafka: {group: '${EMPTY:?}'}", "line 1: kafka.group: ${EMPTY}: want the environment variable EMPTY to be set and not empty"},
		"of a secret it may be one by a slip":            {"kafka: {sasl: {mechanism: plain, username: u, password: '${NOT:?hunter2}'}}", "line 1: kafka.sasl.password: ${NOT}: want the environment variable NOT to be set and not empty"},
		"a default is not looked into":                   {"kafka: {group: '${NOT:-${N}}'}", `line 1: kafka.group: "${NOT:-${N}}": want no { between ${NOT:- and its }: variables are not replaced there`},
		"and may have no braces":                         {"deadletter:\n  topic: '${NOT-{topic}.dlq}'", `line 2: deadletter.topic: "${NOT-{topic}.dlq}": want no { between ${NOT- and its }: variables are not replaced there`},
		"it ends":                                        {"kafka: {group: '${NOT:-x'}", `line 1: kafka.group: "${NOT:-x": want a } at the end of ${NOT:-…`},
		"there are forms that a shell has and we do not": {"kafka: {group: '${N:+x}', client_id: '${N=x}'}", "line 1: kafka.client_id: \"${N=x}\": want ${NAME}, ${NAME:-default} or ${NAME:?message} for a variable, with or without the colon, or $${ for a literal ${\nline 1: kafka.group: \"${N:+x}\": want ${NAME}, ${NAME:-default} or ${NAME:?message} for a variable, with or without the colon, or $${ for a literal ${"},
		"a default is checked like a value":              {"batch:\n  max_records: ${NOT:-many}", `line 2: batch.max_records: "many": want an integer from 1 to 10000`},
		"that of a secret is not shown":                  {"kafka: {sasl: {mechanism: plain, username: u, password: '${NOT:-hunter2 }'}}", "line 1: kafka.sasl.password: [redacted] of ${NOT:-…} ends in white space: want printable text without white space at its ends"},
		"nor is it where it does not end":                {"kafka: {sasl: {mechanism: plain, username: u, password: '${NOT:-hunter2'}}", "line 1: kafka.sasl.password: [redacted]: want a } at the end of ${NOT:-…"},
		"nor where it holds braces":                      {"kafka: {sasl: {mechanism: plain, username: u, password: '${NOT:-{hunter2}}'}}", "line 1: kafka.sasl.password: [redacted]: want no { between ${NOT:- and its }: variables are not replaced there"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			text := test.yaml
			if !strings.Contains(text, "apps:") {
				text += "\n" + oneApp
			}
			_, err := config.Parse([]byte(text), "", env(expandVars))
			var faults config.Faults
			if !errors.As(err, &faults) || err.Error() != test.want {
				t.Errorf("got\n%v\nwant\n%s", err, test.want)
			}
		})
	}
}

// What a shell makes of the same text is what people expect.
func TestVariablesAreThoseOfAShell(t *testing.T) {
	t.Parallel()
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	for _, vars := range []map[string]string{{}, {"A": ""}, {"A": "a b"}} {
		for _, text := range []string{"x${A:-d}y", "x${A-d}y", "x${A:-}y", "x${A-}y", "x${A:-a:1,b:2}y", "x${A:?gone}y", "x${A?gone}y", "x${A:-d}${A-e}y"} {
			cmd := exec.Command(shell, "-c", `printf %s "`+text+`"`)
			for name, value := range vars {
				cmd.Env = append(cmd.Env, name+"="+value)
			}
			want, refused := cmd.Output()
			got, err := config.Parse([]byte(oneApp+"kafka: {sasl: {mechanism: plain, username: u, password: '"+text+"'}}"), "", env(vars))
			if (err != nil) != (refused != nil) || err == nil && got.Kafka.SASL.Password.Reveal() != string(want) {
				t.Errorf("%s with %q: %v, want %q, %v", text, vars, err, want, refused)
			}
		}
	}
}

// Anchors, merges and x- keys as Compose files have them.
func TestMergesAreThoseOfYAML(t *testing.T) {
	t.Parallel()
	app := func(id string, change func(*config.App)) config.App {
		a := config.App{AppID: id, AppKey: "k", Encode: 1, Topics: []string{"a"}, Route: "battle_report", Schema: "builtin:any", ScoreExpires: "0"}
		change(&a)
		return a
	}
	old := func(a *config.App) { a.Encode, a.Route = 2, "wxscore" }
	for rule, test := range map[string]struct {
		yaml string
		want func(*config.Config)
	}{
		"an app merges another": {
			"apps:\n  - &a {appid: wx1, appkey: k, topics: [a], route: wxscore, encode: 2}\n  - {<<: *a, appid: wx2, topics: [b]}",
			func(c *config.Config) {
				c.Apps = []config.App{app("wx1", old), app("wx2", func(a *config.App) { old(a); a.Topics = []string{"b"} })}
			},
		},
		"one block serves several": {
			"x-app: &d {route: wxscore, encode: 2}\napps:\n  - {<<: *d, appid: wx1, appkey: k, topics: [a]}\n  - {<<: *d, appid: wx2, appkey: k, topics: [a]}",
			func(c *config.Config) { c.Apps = []config.App{app("wx1", old), app("wx2", old)} },
		},
		"what a mapping says itself goes first, wherever the merge stands": {
			"x-app: &d {route: wxscore, encode: 2}\napps:\n  - {appid: wx1, appkey: k, topics: [a], encode: 1, <<: *d}\n  - {<<: *d, appid: wx2, appkey: k, topics: [a], encode: 1}",
			func(c *config.Config) {
				score := func(a *config.App) { a.Route = "wxscore" }
				c.Apps = []config.App{app("wx1", score), app("wx2", score)}
			},
		},
		"a block may be a list, of which each is marked": {
			"x-apps:\n  - &new {route: battle_report, encode: 2}\n  - &old {route: wxscore}\napps: [{<<: [*old, *new], appid: wx1, appkey: k, topics: [a]}]",
			func(c *config.Config) { c.Apps = []config.App{app("wx1", old)} },
		},
		"a block may be a value or a list, used twice": {
			"x-key: &k k\nx-topics: &t [a]\napps: [{appid: wx1, appkey: *k, topics: *t}, {appid: wx2, appkey: *k, topics: *t}]",
			func(c *config.Config) {
				c.Apps = []config.App{app("wx1", func(*config.App) {}), app("wx2", func(*config.App) {})}
			},
		},
		"a merge may be in a merged mapping, at any depth": {
			"x-a: &a {initial: 1s}\nx-b: &b {<<: *a, max: 9s}\nx-c: &c {<<: *b, multiplier: 3}\ndelivery: {retry: {<<: *c}}",
			func(c *config.Config) {
				c.Delivery.Retry.Initial, c.Delivery.Retry.Max, c.Delivery.Retry.Multiplier = time.Second, 9*time.Second, 3
			},
		},
		"mappings in what is merged are replaced, not merged": {
			"x-d: &d {retry: {initial: 1s, max: 9s}, max_in_flight: 3}\ndelivery: {<<: *d, retry: {max: 8s}}",
			func(c *config.Config) { c.Delivery.MaxInFlight, c.Delivery.Retry.Max = 3, 8*time.Second },
		},
		"the document merges too, and x- keys in what it merges are left alone": {
			"x-all: &all {batch: {max_records: 7}, x-more: {groop: 1}}\n<<: *all",
			func(c *config.Config) { c.Batch.MaxRecords = 7 },
		},
		"what is merged may hold variables, with defaults": {
			"x-k: &k\n  brokers: ${BROKERS}\n  group: ${NOT:-g}\nkafka: {<<: *k, client_id: c}",
			func(c *config.Config) { c.Kafka.Brokers, c.Kafka.Group, c.Kafka.ClientID = abc, "g", "c" },
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			text := takes(t, test.yaml, "", env(expandVars), test.want)
			if err := validate(t, []byte(text)); err != nil {
				t.Errorf("the JSON Schema refuses what Parse takes: %#v", err)
			}
		})
	}
}

// A fault in what several merge is told of each, where it stands.
func TestAFaultInAMergedBlockIsToldOfEachThatMergesIt(t *testing.T) {
	t.Parallel()
	_, err := config.Parse([]byte("x-app: &d\n  route: ${NOT:?which}\napps:\n- {<<: *d, appid: wx1, appkey: k, topics: [a]}\n- {<<: *d, appid: wx2, appkey: k, topics: [a]}"), "", env(nil))
	const fault = "line 2: apps[%d].route: ${NOT}: want the environment variable NOT to be set and not empty: which"
	if want := fmt.Sprintf(fault+"\n"+fault, 0, 1); err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}
