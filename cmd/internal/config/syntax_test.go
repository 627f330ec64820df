package config_test

import (
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

// What other readers of YAML refuse, an editor's too, is written by people all the same.
func TestParseTakesWhatIsNoYAMLToOthers(t *testing.T) {
	t.Parallel()
	vars := env(map[string]string{"KEY": "k: [${NOT}]", "N": "7", "PORT": "9093", "WAIT": "3s", "A": "a", "HOST": "c:1"})
	for rule, test := range map[string]struct {
		yaml string
		want func(*config.Config)
	}{
		"a variable in [ ] and { } needs no quotes, and stays one value": {
			"kafka: {brokers: [b:${PORT}, ${HOST}], group: ${A}-${A}, client_id: $${A}}\napps: [{appid: wx1, appkey: ${KEY}, topics: [${A}]}]",
			func(c *config.Config) {
				c.Kafka.Brokers, c.Kafka.Group, c.Kafka.ClientID = []string{"b:9093", "c:1"}, "a-a", "${A}"
				c.Apps[0].AppKey, c.Apps[0].Topics = "k: [${NOT}]", []string{"a"}
			},
		}, "a variable in [ ] may be a number": {
			"batch: {max_records: ${N}, linger: ${WAIT}}",
			func(c *config.Config) { c.Batch.MaxRecords, c.Batch.Linger = 7, 3*time.Second },
		}, "a variable has no meaning to YAML beside characters for private use": {
			"# \ue000\nkafka: {group: ${A}, sasl: {mechanism: plain, username: \ue000\ue001\ue003, password: ${A}}}",
			func(c *config.Config) {
				c.Kafka.Group, c.Kafka.SASL = "a", config.SASL{Mechanism: "plain", Username: "\ue000\ue001\ue003", Password: "a"}
			},
		}, "keys at the top that begin with x- are the user's": {
			"x-: 1\nx-a: &a [{b: *a, appkey: 1}]\nx-b: &b\n  x-c: ${NOT}\nx-c: ${",
			func(*config.Config) {},
		}, "a merge may lead back to where it began": {
			"batch: &b {<<: *b, max_records: 7}",
			func(c *config.Config) { c.Batch.MaxRecords = 7 },
		}, "a text may say that it is one": {
			"kafka: {group: !!str 7, client_id: !!str ${N}}",
			func(c *config.Config) { c.Kafka.Group, c.Kafka.ClientID = "7", "7" },
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			takes(t, test.yaml, "", vars, test.want)
		})
	}
}

func TestWhatIsNoYAMLIsToldWithItsLineAndNotQuoted(t *testing.T) {
	t.Parallel()
	const before = "# a comment\r\n---\r\nhttp: {}\r\n"
	for rule, test := range map[string]struct {
		yaml string // after three lines
		want string
	}{
		"braces are closed":            {"kafka: {sasl: {password: ${P}}\n", "line 4: did not find expected ',' or '}'"},
		"brackets are closed":          {"apps:\n- {topics: [${T}}\n", "line 5: did not find expected ',' or ']'"},
		"a list may go on":             {"a: [1,\n  2,\n  {hunter2: 3]\n", "line 6: did not find expected ',' or '}'"},
		"quotes are closed":            {"a: 1\nb: 'hunter2\n\n\n", "line 5: found unexpected end of stream"},
		"a value is one":               {"a: 1\nb: 2\nc: hunter2: hunter2\n", "line 6: mapping values are not allowed in this context"},
		"quotes end a value":           {"a: 1\nb: 'hunter2'hunter2'\nc: 2\n", "line 5: did not find expected key"},
		"a list stands below its key":  {"a: 1\nb: - hunter2\n", "line 5: block sequence entries are not allowed in this context"},
		"blanks indent":                {"a:\n\tb: hunter2\n", "line 5: found character that cannot start any token; YAML indents by blanks, and this line by a tab"},
		"some signs go in quotes":      {"a: 1\nb: @hunter2\n", "line 5: found character that cannot start any token; a value that begins with @, `, % or * goes in quotes"},
		"braces in a value go too":     {"deadletter:\n  topic: {topic}.dlq\n", "line 5: did not find expected key; a value with {topic} in it goes in quotes"},
		"in braces as well":            {"deadletter: {topic: {topic}.dlq}\n", "line 4: did not find expected ',' or '}'; a value with {topic} in it goes in quotes"},
		"an anchor is there":           {"a: 1\nb: [*hunter2]\nc: 3\n", "line 5: unknown anchor '…' referenced; a value that begins with @, `, % or * goes in quotes"},
		"an escape is known":           {`a: "\hunter2"`, "line 4: found unknown escape character"},
		"a control character is none":  {"a: 1\nb: hunter2\x01\nc: 1", "line 5: control characters are not allowed"},
		"a text is UTF-8":              {"a: 1\nb: hunter2\xff\nc: 1", "line 5: invalid leading UTF-8 octet"},
		"the second document is known": {"---\na: [\n", "line 5: did not find expected node content"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			_, err := config.Parse([]byte(before+test.yaml), "", env(nil))
			if want := "read configuration as YAML: " + test.want; err == nil || err.Error() != want {
				t.Errorf("got  %v\nwant %s", err, want)
			}
		})
	}
}

// Each mapping merges the one before it twice: followed blindly, the last would be read some 2^64 times.
func TestATowerOfMergesIsRead(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	text.WriteString("x-a0: &a0 {max_records: 7}\n")
	names := "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
	for i := 1; i < len(names); i++ {
		before, at := names[i-1:i], names[i:i+1]
		text.WriteString("x-a" + at + ": &a" + at + " {<<: [*a" + before + ", *a" + before + "]}\n")
	}
	got, err := config.Parse([]byte(text.String()+"batch: {<<: [*aZ, *aZ]}\n"+oneApp), "", env(nil))
	if err != nil || got.Batch.MaxRecords != 7 {
		t.Errorf("%+v, %v", got, err)
	}
}
