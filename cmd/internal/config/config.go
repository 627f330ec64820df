// Package config reads the pipeline's YAML configuration into plain structs.
//
// Every key has one description: a field in the tree that func fields builds. Reading, the ranges a value may have,
// the commented example and the JSON Schema for editors all come from that tree, and every default stands in
// [Default], those of an app in defaultApp and the platform's in [msdkclient.DefaultConfig]. A file that does not fit is refused as a whole, with all its [Faults] at once, each with its line, its
// key's path, what stands there and what is wanted. Nothing is silently ignored: an unknown key, a key given twice, a
// TLS setting while TLS is off and a null are all faults.
//
// Any string may hold ${VAR}, an environment variable, in [ ] and { } too, or with a default or a message for where there
// is none: ${VAR:-default}, ${VAR:?message}. It is replaced after the YAML has been parsed, so that a variable's value
// cannot add keys, and it is not looked into again; but the brokers may be one text, with commas between them, and so one
// variable. $${ stands for a literal ${. A secret can be
// given as KEY_file instead: the file's content without one trailing newline. Files named in the configuration are taken
// relative to the directory of the configuration file. Those of certificates, authorities and secrets are meant to change
// while a program runs: see [Credential], [Kafka.Connection] and [Config.Files].
//
// Keys at the top that begin with x- are left alone, for anchors; << merges what they mark into another mapping.
//
// Secrets never appear in a fault, and a [Secret] prints as [redacted].
//
// The package does not connect to anything, reads no file but those named, and keeps no state beside a [Credential]'s.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
	"github.com/battlereport/battlereport/schema/plaintext"
)

// Config is the whole configuration. The meaning and the range of every field is what [Example] prints for its key.
type Config struct {
	Kafka      Kafka
	MSDK       MSDK
	Apps       []App
	Batch      Batch
	Delivery   Delivery
	DeadLetter DeadLetter
	HTTP       HTTP
	Telemetry  Telemetry
}

// Kafka says where records come from and dead letters go.
type Kafka struct {
	Brokers        []string // host:port
	Group          string
	Start          string // earliest or latest
	ClientID       string
	SessionTimeout time.Duration
	TLS            TLS
	SASL           SASL
}

// TLS secures the connections to the brokers. All else is empty unless Enabled.
type TLS struct {
	Enabled            bool
	CAFile             string
	CertFile           string // given together with KeyFile
	KeyFile            string
	ServerName         string // empty: the broker's host
	InsecureSkipVerify bool
}

// SASL authenticates to the brokers.
type SASL struct {
	Mechanism    string // none, plain, scram-sha-256, scram-sha-512 or oauthbearer
	Username     string
	Password     Secret
	PasswordFile string // empty unless Password is from it

	// Of oauthbearer alone, which takes the first or the third.
	Token        Secret // as it was read first
	TokenFile    string
	TokenCommand []string // a program and its arguments
	Extensions   []string // name=value
}

// MSDK is the platform's interface.
type MSDK struct {
	BaseURL     string // absolute, without a trailing slash
	Timeout     time.Duration
	ContentType string
	CAFile      string // empty unless BaseURL is https
}

// App is one game on the platform, and the topics its records come from.
type App struct {
	AppID        string
	AppKey       Secret
	AppKeyFile   string // empty unless AppKey is from it
	Encode       int    // 1: AppKey is the appkey, 2: it is the msdkkey
	Topics       []string
	Route        string // RouteBattleReport or RouteScore
	Schema       string // builtin:any, builtin:en, builtin:ja, or the path of a file
	ScoreExpires string // Unix seconds in digits, "0" for never; RouteScore only
}

// The routes of an app: the interface to which its reports are posted.
const (
	RouteBattleReport = "battle_report"
	RouteScore        = "wxscore"
)

// CallOverhead bounds the bytes that a call has beside its records: the names of the fields, the appid, and an openid of
// 128 characters that may all be escaped.
const CallOverhead = 1 << 10

// Batch bounds what is gathered into one call.
type Batch struct {
	MaxRecords int
	MaxBytes   int64
	Linger     time.Duration
}

// Delivery bounds memory, and says how long the pipeline tries.
type Delivery struct {
	MaxInFlight     int   // batches
	MaxPending      int   // records
	MaxPendingBytes int64 // bytes of record values
	Retry           Retry
	Breaker         Breaker
	MaxHold         time.Duration
	MaxAge          time.Duration // 0: no limit
	DrainTimeout    time.Duration
}

// Retry is the schedule of a batch's further attempts.
type Retry struct {
	Initial    time.Duration
	Max        time.Duration
	Multiplier float64
	Jitter     float64       // the part of a wait that is random, 0 to 1
	MaxElapsed time.Duration // never 0: that would be for ever
}

// Breaker stops calls for an app that fails alike again and again.
type Breaker struct {
	Failures int
	Cooldown time.Duration
}

// DeadLetter names the topics of dead letters and of their replays, with {topic} standing for the source topic.
type DeadLetter struct {
	Topic       string
	ReplayTopic string
}

// HTTP is the listener of probes, metrics and profiles.
type HTTP struct {
	Listen string // host:port; empty: none
}

// Telemetry shapes the log.
type Telemetry struct {
	LogLevel  string // debug, info, warn or error
	LogFormat string // json or text
}

// Default returns the value of every key that is not given. It has no apps: those have no default.
func Default() Config {
	platform := msdkclient.DefaultConfig()
	return Config{
		Kafka: Kafka{
			Brokers:        []string{"localhost:9092"},
			Group:          "battlereport",
			Start:          "earliest",
			ClientID:       "battlereport",
			SessionTimeout: 10 * time.Second,
			SASL:           SASL{Mechanism: "none"},
		},
		MSDK: MSDK{
			BaseURL:     platform.BaseURL,
			Timeout:     platform.Timeout,
			ContentType: platform.ContentType,
		},
		Batch: Batch{MaxRecords: 100, MaxBytes: 512 << 10, Linger: 200 * time.Millisecond},
		Delivery: Delivery{
			MaxInFlight:     32,
			MaxPending:      20_000,
			MaxPendingBytes: 64 << 20,
			Retry: Retry{
				Initial: 200 * time.Millisecond, Max: 30 * time.Second, Multiplier: 2, Jitter: 0.5,
				MaxElapsed: 5 * time.Minute,
			},
			Breaker:      Breaker{Failures: 20, Cooldown: 10 * time.Second},
			MaxHold:      time.Hour,
			DrainTimeout: 20 * time.Second,
		},
		DeadLetter: DeadLetter{Topic: "{topic}.dlq", ReplayTopic: "{topic}.replay"},
		HTTP:       HTTP{Listen: "127.0.0.1:9600"},
		Telemetry:  Telemetry{LogLevel: "info", LogFormat: "json"},
	}
}

// defaultApp is what an app is before its keys are read; Default's other half.
func defaultApp() App {
	return App{Encode: 1, Route: RouteBattleReport, Schema: "builtin:any", ScoreExpires: "0"}
}

// Load reads the file at path, of at most 4 MiB in UTF-8, with env looking up the variables (usually [os.LookupEnv]). A byte
// order mark before it is dropped. A file that cannot be read gives an error that wraps the reason, such as
// [fs.ErrNotExist], a [*plaintext.Error] or a [*plaintext.SizeError]; one that is not YAML gives the line and the parser's
// words, which quote nothing; any other gives [Faults] if it does not fit.
func Load(path string, env func(string) (string, bool)) (*Config, error) {
	data, err := plaintext.ReadFile(path, maxFile)
	if err != nil {
		return nil, fmt.Errorf("read configuration file %s: %w", path, reason(err))
	}
	return parse(path, data, filepath.Dir(path), env)
}

// Parse is [Load] for YAML in UTF-8 already in memory: dir is the directory that the file names in it are relative to.
func Parse(data []byte, dir string, env func(string) (string, bool)) (*Config, error) {
	return parse("", data, dir, env)
}

// SourceTopics returns the topics of all apps, each once, in the order of their first mention. It does not hold the
// topics of replays.
func (c *Config) SourceTopics() []string {
	var topics []string
	for _, app := range c.Apps {
		for _, topic := range app.Topics {
			if !slices.Contains(topics, topic) {
				topics = append(topics, topic)
			}
		}
	}
	return topics
}

// TopicFor returns the topic of dead letters for records that first came from source.
func (d *DeadLetter) TopicFor(source string) string {
	return strings.ReplaceAll(d.Topic, topicVariable, source)
}

// ReplayTopicFor returns the topic into which letters of records that first came from source are replayed.
func (d *DeadLetter) ReplayTopicFor(source string) string {
	return strings.ReplaceAll(d.ReplayTopic, topicVariable, source)
}

// reason drops the path from a file's error: it is in the message already, quoted there so that it stays on one line.
func reason(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}
