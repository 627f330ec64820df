package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v5"
	"go.yaml.in/yaml/v3"

	"github.com/battlereport/battlereport/cmd/internal/config"
)

var editorSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("config.json", bytes.NewReader(config.JSONSchema())); err != nil {
		return nil, err
	}
	return compiler.Compile("config.json")
})

// validate checks YAML against the JSON Schema, as an editor does.
func validate(t *testing.T, text []byte) error {
	t.Helper()
	schema, err := editorSchema()
	if err != nil {
		t.Fatalf("compile the JSON Schema: %v", err)
	}
	var value any
	if err := yaml.Unmarshal(text, &value); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(bytes.NewReader(asJSON))
	decoder.UseNumber()
	if err := decoder.Decode(&value); err != nil {
		t.Fatal(err)
	}
	return schema.Validate(value)
}

func TestTheExampleIsTheDefault(t *testing.T) {
	t.Parallel()
	got, err := config.Parse(config.Example(), "", env(map[string]string{"MSDK_APPKEY": "k"}))
	if err != nil {
		t.Fatal(err)
	}
	want := config.Default()
	want.Apps = []config.App{{
		AppID: "wxcde873f99466f74a", AppKey: "k", Encode: 1, Topics: []string{"battle-reports"},
		Route: "battle_report", Schema: "builtin:any", ScoreExpires: "0",
	}}
	if !reflect.DeepEqual(*got, want) {
		t.Errorf("got  %+v\nwant %+v", *got, want)
	}
	if err := validate(t, config.Example()); err != nil {
		t.Errorf("the JSON Schema refuses the example: %#v", err)
	}
}

// The contract with everyone who has a configuration: these keys, these defaults.
const contract = `
kafka:
  brokers: [localhost:9092]
  group: battlereport
  start: earliest
  client_id: battlereport
  session_timeout: 10s
  tls: {enabled: false, ca_file: "", cert_file: "", key_file: "", server_name: "", insecure_skip_verify: false}
  sasl: {mechanism: none, username: "", password: ""}
msdk:
  base_url: https://msdk.tencent-cloud.net
  timeout: 5s
  content_type: application/x-www-form-urlencoded
  ca_file: ""
apps:
  - appid: wxcde873f99466f74a
    appkey: ${MSDK_APPKEY}
    encode: 1
    topics: [battle-reports]
    route: battle_report
    schema: builtin:any
    score_expires: "0"
batch: {max_records: 100, max_bytes: 512KiB, linger: 200ms}
delivery:
  max_in_flight: 32
  max_pending: 20000
  max_pending_bytes: 64MiB
  retry: {initial: 200ms, max: 30s, multiplier: 2, jitter: 0.5, max_elapsed: 5m}
  breaker: {failures: 20, cooldown: 10s}
  max_hold: 1h
  max_age: 0
  drain_timeout: 20s
deadletter:
  topic: "{topic}.dlq"
  replay_topic: "{topic}.replay"
http: {listen: 127.0.0.1:9600}
telemetry: {log_level: info, log_format: json}
`

func TestTheExampleHoldsEveryKeyOfTheContract(t *testing.T) {
	t.Parallel()
	var got, want any
	if err := errors.Join(yaml.Unmarshal(config.Example(), &got), yaml.Unmarshal([]byte(contract), &want)); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	for line := range strings.Lines(string(config.Example())) {
		if len(line) > 101 {
			t.Errorf("a line of %d columns: %s", len(line), line)
		}
	}
}

func TestTheJSONSchemaRefuses(t *testing.T) {
	t.Parallel()
	tests := map[string]string{
		"an unknown key":            "kafka: {groop: x}\n" + oneApp,
		"no apps":                   "kafka: {group: x}\n",
		"a missing key":             "apps: [{appid: wx1, appkey: k}]",
		"a secret from two sources": "apps: [{appid: wx1, appkey: k, appkey_file: f, topics: [a]}]",
		"a secret from none":        "apps: [{appid: wx1, topics: [a]}]",
		"a number out of range":     "batch: {max_records: 0}\n" + oneApp,
		"a number in quotes":        "batch: {max_records: '5'}\n" + oneApp,
		"a duration without unit":   "batch: {linger: 5}\n" + oneApp,
		"a size of no unit":         "batch: {max_bytes: 5kb}\n" + oneApp,
		"a choice that is not one":  "kafka: {start: begin}\n" + oneApp,
		"an unknown built-in":       "apps: [{appid: wx1, appkey: k, topics: [a], schema: 'builtin:zh'}]",
		"the same topic twice":      "apps: [{appid: wx1, appkey: k, topics: [a, a]}]",
	}
	for what, text := range tests {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			if validate(t, []byte(text)) == nil {
				t.Errorf("taken: %s", text)
			}
		})
	}
}
