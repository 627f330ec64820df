package config_test

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/schema/plaintext"
)

// oneApp is the least a configuration must hold, on one line.
const oneApp = "apps: [{appid: wx1, appkey: k, topics: [a]}]\n"

func env(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// certificate is one in PEM.
func certificate(t *testing.T) string {
	t.Helper()
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw}))
}

func TestParseTakes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "key", "from file\n")
	write(t, dir, "crlf", "from windows\r\n")
	write(t, dir, "none", "from nowhere")
	write(t, dir, "ca.pem", "\ufeff"+certificate(t))
	write(t, dir, "schema.json", "{}")
	vars := env(map[string]string{"KEY": "k: [${NOT}]", "N": "7", "PORT": "9093", "EMPTY": "", "WAIT": "3s", "YES": "true"})

	tests := map[string]struct {
		yaml string
		want func(*config.Config)
	}{
		"what is not given has its default": {
			"", func(*config.Config) {},
		},
		"a variable's value is text, whatever YAML it looks like, and is not expanded again": {
			`apps: [{appid: wx1, appkey: "${KEY}", topics: [a]}]`,
			func(c *config.Config) { c.Apps[0].AppKey = "k: [${NOT}]" },
		},
		"a variable may be a part of a value, in a list too": {
			`kafka: {brokers: ["b:${PORT}", "c:${PORT}"], group: "a${EMPTY}b"}`,
			func(c *config.Config) { c.Kafka.Brokers, c.Kafka.Group = []string{"b:9093", "c:9093"}, "ab" },
		},
		"numbers, durations, sizes and booleans may be variables, quoted or not": {
			"batch:\n  max_records: ${N}\n  linger: ${WAIT}\n  max_bytes: ${N}MiB\nkafka: {tls: {enabled: '${YES}'}}\ndelivery: {retry: {multiplier: '${N}'}}",
			func(c *config.Config) {
				c.Batch = config.Batch{MaxRecords: 7, MaxBytes: 7 << 20, Linger: 3 * time.Second}
				c.Kafka.TLS.Enabled = true
				c.Delivery.Retry.Multiplier = 7
			},
		},
		"a batch of just the largest record": {
			"batch: {max_bytes: 65KiB}", func(c *config.Config) { c.Batch.MaxBytes = 65 << 10 },
		},
		"$${ is a literal ${, and a dollar sign elsewhere is itself": {
			`apps: [{appid: wx1, appkey: "a$$b$${N}$", topics: [a]}]`,
			func(c *config.Config) { c.Apps[0].AppKey = "a$$b${N}$" },
		},
		"a secret's file loses one line end": {
			`apps: [{appid: wx1, appkey_file: key, topics: [a]}, {appid: wx2, appkey_file: crlf, topics: [a]}, {appid: wx3, appkey_file: none, topics: [a]}]`,
			func(c *config.Config) {
				c.Apps[0].AppKey, c.Apps[0].AppKeyFile = "from file", filepath.Join(dir, "key")
				c.Apps = append(c.Apps, c.Apps[0], c.Apps[0])
				c.Apps[1].AppKeyFile, c.Apps[2].AppKeyFile = filepath.Join(dir, "crlf"), filepath.Join(dir, "none")
				c.Apps[1].AppID, c.Apps[1].AppKey = "wx2", "from windows"
				c.Apps[2].AppID, c.Apps[2].AppKey = "wx3", "from nowhere"
			},
		},
		"files are relative to the configuration's directory": {
			"kafka: {tls: {enabled: true, ca_file: key, cert_file: key, key_file: crlf}, sasl: {mechanism: plain, username: u, password_file: key}}\n" +
				"apps: [{appid: wx1, appkey: k, topics: [a], schema: schema.json}]",
			func(c *config.Config) {
				c.Kafka.TLS = config.TLS{Enabled: true, CAFile: filepath.Join(dir, "key"), CertFile: filepath.Join(dir, "key"), KeyFile: filepath.Join(dir, "crlf")}
				c.Kafka.SASL = config.SASL{Mechanism: "plain", Username: "u", Password: "from file", PasswordFile: filepath.Join(dir, "key")}
				c.Apps[0].Schema = filepath.Join(dir, "schema.json")
			},
		},
		"authorities are trusted from a file": {
			"msdk: {ca_file: ca.pem}",
			func(c *config.Config) { c.MSDK.CAFile = filepath.Join(dir, "ca.pem") },
		},
		"several apps may share a topic": {
			"apps: [{appid: wx1, appkey: k, topics: [a]}, {appid: wx2, appkey: k, topics: [b, a]}]",
			func(c *config.Config) {
				c.Apps = append(c.Apps, c.Apps[0])
				c.Apps[1].AppID, c.Apps[1].Topics = "wx2", []string{"b", "a"}
			},
		},
		"anchors stand for what they name": {
			"batch: {max_records: &n 50}\ndelivery: {max_in_flight: *n}",
			func(c *config.Config) { c.Batch.MaxRecords, c.Delivery.MaxInFlight = 50, 50 },
		},

		"a merged mapping gives what a mapping does not say itself, the earlier of two first, and what they merge": {
			"x-a: &a {initial: 1s, max: 9s}\nx-c: &c {jitter: 0.2, initial: 5s}\nx-b: &b {<<: *c, initial: 2s, multiplier: 3}\ndelivery: {retry: {max: 4s, <<: [*a, *b, {jitter: 0.1}]}}",
			func(c *config.Config) {
				c.Delivery.Retry.Initial, c.Delivery.Retry.Max, c.Delivery.Retry.Multiplier, c.Delivery.Retry.Jitter = time.Second, 4*time.Second, 3, 0.2
			},
		},

		"a file may be of Windows": {
			"\ufeffbatch:\r\n  max_records: 7\r\n",
			func(c *config.Config) { c.Batch.MaxRecords = 7 },
		},
		"the document may have its marks": {
			"%YAML 1.1\n--- # here\nbatch: {max_records: 7}\napps: [{appid: wx1, appkey: k, topics: [a]}]\n...\n",
			func(c *config.Config) { c.Batch.MaxRecords = 7 },
		},

		"sizes are binary, decimal or plain": {
			"batch: {max_bytes: 1MB}\ndelivery: {max_pending_bytes: 1048576}",
			func(c *config.Config) { c.Batch.MaxBytes, c.Delivery.MaxPendingBytes = 1e6, 1<<20 },
		},
		"a plain 0 is a duration": {
			"batch: {linger: 0}\ndelivery: {max_age: 0}",
			func(c *config.Config) { c.Batch.Linger = 0 },
		},
		"score_expires may be a number": {
			"apps: [{appid: wx1, appkey: k, topics: [a], route: wxscore, score_expires: 1767225600}]",
			func(c *config.Config) { c.Apps[0].Route, c.Apps[0].ScoreExpires = "wxscore", "1767225600" },
		},
		"one dead-letter topic and one replay topic may serve all": {
			"deadletter: {topic: lost, replay_topic: again}\napps: [{appid: wx1, appkey: k, topics: [a, b]}]",
			func(c *config.Config) {
				c.DeadLetter = config.DeadLetter{Topic: "lost", ReplayTopic: "again"}
				c.Apps[0].Topics = []string{"a", "b"}
			},
		},
		"the base URL loses its trailing slashes": {
			"msdk: {base_url: 'http://127.0.0.1:8080/sim//'}",
			func(c *config.Config) { c.MSDK.BaseURL = "http://127.0.0.1:8080/sim" },
		},
		"an empty http.listen is no listener": {
			"http: {listen: ''}",
			func(c *config.Config) { c.HTTP.Listen = "" },
		},
		"a broker's certificate may name another": {
			"kafka: {tls: {enabled: true, server_name: kafka.internal}}",
			func(c *config.Config) { c.Kafka.TLS.Enabled, c.Kafka.TLS.ServerName = true, "kafka.internal" },
		},
		"or an address": {
			"kafka: {tls: {enabled: true, server_name: '::1', insecure_skip_verify: true}}",
			func(c *config.Config) {
				c.Kafka.TLS = config.TLS{Enabled: true, ServerName: "::1", InsecureSkipVerify: true}
			},
		},
		"IPv6 addresses are hosts": {
			"kafka: {brokers: ['[::1]:9092']}\nhttp: {listen: '[::]:0'}",
			func(c *config.Config) { c.Kafka.Brokers, c.HTTP.Listen = []string{"[::1]:9092"}, "[::]:0" },
		},
	}
	for rule, test := range tests {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			text := takes(t, test.yaml, dir, vars, test.want)
			if err := validate(t, []byte(text)); err != nil {
				t.Errorf("the JSON Schema refuses what Parse takes: %#v", err)
			}
		})
	}
}

// takes parses what is before oneApp, unless there are apps in it, and returns the whole. want makes what is expected of
// the defaults.
func takes(t *testing.T, text, dir string, vars func(string) (string, bool), want func(*config.Config)) string {
	t.Helper()
	if !strings.Contains(text, "apps:") {
		text += "\n" + oneApp
	}
	expected := config.Default()
	expected.Apps = []config.App{{
		AppID: "wx1", AppKey: "k", Encode: 1, Topics: []string{"a"},
		Route: "battle_report", Schema: "builtin:any", ScoreExpires: "0",
	}}
	want(&expected)
	got, err := config.Parse([]byte(text), dir, vars)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(*got, expected) {
		t.Errorf("got  %+v\nwant %+v", reveal(*got), reveal(expected))
	}
	return text
}

// reveal is for the eyes of who reads a failed test.
func reveal(c config.Config) string {
	text := fmt.Sprintf("%+v", c)
	for _, app := range c.Apps {
		text += fmt.Sprintf(" %s=%q", app.AppID, app.AppKey.Reveal())
	}
	return text
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	_, err := config.Load(filepath.Join(dir, "none.yaml"), env(nil))
	if !errors.Is(err, fs.ErrNotExist) || strings.Count(err.Error(), "none.yaml") != 1 {
		t.Errorf("of a file that is not there: %v", err)
	}

	path := write(t, dir, "faulty.yaml", "kafka: {groop: x}\n"+oneApp)
	_, err = config.Load(path, env(nil))
	if want := path + ":1: kafka.groop: unknown key: want group"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}

	path = write(t, dir, "broken.yaml", "kafka: {\n"+oneApp)
	var faults config.Faults
	if _, err = config.Load(path, env(nil)); err == nil || errors.As(err, &faults) || !strings.Contains(err.Error(), path) {
		t.Errorf("of a file that is not YAML: %v", err)
	}

	write(t, dir, "key", "secret")
	path = write(t, dir, "good.yaml", "apps: [{appid: wx1, appkey_file: key, topics: [b, a, b2]}, {appid: wx2, appkey_file: key, topics: [a, c]}]")
	got, err := config.Load(path, env(nil))
	if err != nil {
		t.Fatal(err)
	}
	if key := got.Apps[0].AppKey.Reveal(); key != "secret" {
		t.Errorf("appkey_file beside the configuration: %q", key)
	}
	if topics := strings.Join(got.SourceTopics(), " "); topics != "b a b2 c" {
		t.Errorf("source topics: %s", topics)
	}
}

func TestAFileIsTextInUTF8AndNoLargerThanAnyConfiguration(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for rule, test := range map[string]struct{ text, says string }{
		"a byte order mark is dropped":    {"\ufeff" + oneApp, ""},
		"lines may end as on Windows":     {"\ufeff# c\r\n" + strings.ReplaceAll(oneApp, "\n", "\r\n"), ""},
		"and the last need not":           {strings.TrimSpace(oneApp), ""},
		"UTF-16 is named":                 {"\xff\xfea\x00p\x00", "it is UTF-16LE, and text in UTF-8 is wanted: convert it first, as with iconv -f UTF-16LE -t UTF-8"},
		"without a mark too":              {"\x00a\x00p\x00p", "it is UTF-16BE"},
		"so is what is packed":            {"\x1f\x8b\x08", "it is gzip"},
		"a zero byte is no text":          {oneApp + "# \x00\n", "control characters are not allowed"},
		"4 MiB are more than any has":     {oneApp + strings.Repeat("#", 4<<20), "more than the 4194304 bytes that are allowed"},
		"that is so of files it names":    {"kafka: {tls: {enabled: true, ca_file: large}}\n" + oneApp, `kafka.tls.ca_file: "large": want a file that can be read; "$DIR/large": more than the 4194304 bytes that are allowed`},
		"they are text in UTF-8, as keys": {"kafka: {tls: {enabled: true, ca_file: utf16}}\n" + oneApp, `"$DIR/utf16": it is UTF-16LE`},
		"and schemas":                     {"apps: [{appid: wx1, appkey: k, topics: [a], schema: utf16}]", `"$DIR/utf16": it is UTF-16LE`},
		"which may have a mark":           {"apps: [{appid: wx1, appkey: k, topics: [a], schema: marked}]", ""},
	} {
		write(t, dir, "large", strings.Repeat("x", 4<<20+1))
		write(t, dir, "utf16", "\xff\xfe-\x00")
		write(t, dir, "marked", "\ufeff{}")
		path := write(t, dir, "battlereport.yaml", test.text)
		_, err := config.Load(path, env(nil))
		if says := strings.ReplaceAll(test.says, "$DIR", dir); (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), path) || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", rule, err, says)
		}
	}
	if _, err := config.Load("/dev/zero", env(nil)); !errors.As(err, new(*plaintext.SizeError)) {
		t.Errorf("an endless file: %v", err)
	}
}

func TestDeadLetterTopics(t *testing.T) {
	t.Parallel()
	d := config.DeadLetter{Topic: "{topic}.dlq", ReplayTopic: "again"}
	if got := d.TopicFor("a"); got != "a.dlq" {
		t.Errorf("with {topic}: %s", got)
	}
	if got := d.ReplayTopicFor("a"); got != "again" {
		t.Errorf("fixed: %s", got)
	}
}

func TestASecretIsNeverPrinted(t *testing.T) {
	t.Parallel()
	secret := config.Secret("hunter2")
	holder := struct {
		Key  config.Secret
		Keys []config.Secret
		By   map[string]*config.Secret
	}{secret, []config.Secret{secret}, map[string]*config.Secret{"k": &secret}}

	var out strings.Builder
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T", "%t", "%c"} {
		fmt.Fprintf(&out, verb+" "+verb+"\n", secret, holder)
	}
	fmt.Fprintln(&out, secret, holder, secret.String())
	asJSON, err := json.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(holder)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(asJSON)
	out.Write(asYAML)
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("hello", "secret", secret, "holder", holder)
	}
	for _, trace := range []string{"hunter2", "68756e74657232"} {
		if strings.Contains(out.String(), trace) {
			t.Errorf("%s in:\n%s", trace, out.String())
		}
	}
	if secret.Reveal() != "hunter2" {
		t.Error("Reveal does not reveal")
	}
}
