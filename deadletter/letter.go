// Package deadletter says what a dead letter is, and writes them: records that cannot
// be delivered, to a dead-letter topic, unchanged and explained. Package store finds
// them there, package resolve sends them on their way again, each once; package topic
// reads and keeps the topics that both stand on.
//
//	Writer ──► pending ──┬─ replay ──► replayed ──► the record once more: should it fail
//	              ▲      │                 │        again, a new letter, with replays + 1
//	              │      └─ discard ─► discarded
//	              │                        │
//	              └───── taken back ───────┘
//
// What is promised: a record that is given up becomes one letter, a letter becomes one
// record for who reads what is committed in the replay topic, and is in one state at a
// time. What is not: any order among letters; that a replayed record is delivered, which
// is its reader's business; and that letters last, which the topic's retention deletes
// ([Retention]). A Write costs a request for each partition that its letters go to, and
// the wait for all in-sync replicas. It takes the brokers that package consumer takes.
//
// # Letters
//
// A letter is the record itself, key, value and headers as they came, with
// headers of the form deadletter.* that say what happened. [Writer.Write]
// returns once all in-sync replicas have a letter, so that the record's offset
// may be committed. It writes each once, as Kafka's idempotent producers do; but a
// process that is killed in the middle and the one that takes over may each write a
// letter. Such twins have the same deadletter.source.* and deadletter.replays: they
// count as one, and are resolved as one ([Identity]).
//
// A letter's name is TOPIC/PARTITION/OFFSET in the dead-letter topic ([Name]). As it is
// read back it is an [Entry], which a [Filter] selects or not, a [Where] among its
// conditions, and whose value a [Repair] changes.
//
// # Resolutions
//
// What has been done about the letters of topic T lies in the compacted topic
// T.resolutions and nowhere else. A letter that has no record there, or a
// tombstone, is pending. The key is the letter's name; the value is JSON, to
// which fields may be added:
//
//	{"state": "replayed", "time": "2026-01-02T03:04:05.678Z", "by": "ann", "run": "7f3a",
//	 "topic_id": "q83vEjRWeJCrze8SNFZ4kA", "replay_topic": "battle-reports.replay", "repaired": true,
//	 "source": {"topic": …, "partition": …, "offset": …, "timestamp": …}, "replays": 1}
//	{"state": "discarded", "time": "2026-01-02T03:04:05.678Z", "by": "ann", "run": "7f3a",
//	 "topic_id": "q83vEjRWeJCrze8SNFZ4kA", "because": "test players", "source": …}
//
// "repaired" says that the value was changed on the way, and "replays" how often
// the letter had been replayed before; they are left out otherwise. "source" is
// where it first came from: with "replays" it says which other letters are this
// one's twins.
//
// A name means a place in a topic, and a topic is its id, which Kafka gives it
// when it is made, as kafka-topics.sh --describe shows it: if T is deleted and
// made anew, other letters get the same names. A resolution with the id of
// another topic than the one that is there is as none. One that has no "topic_id"
// counts for its name: an older version wrote it, or the brokers are older than
// Kafka 2.8 and know no ids; there, whoever makes T anew must do the same with
// T.resolutions.
//
// # Replays
//
// The replayed record has the letter's key, its own headers, and deadletter.source.*,
// deadletter.replays (one more than the letter's) and deadletter.previous (the
// letter's name), which [OriginOf] reads.
package deadletter

import (
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// Reason says why a record was given up.
type Reason string

// The reasons there are.
const (
	InvalidJSON     Reason = "invalid_json"     // not JSON as every parser reads it
	SchemaViolation Reason = "schema_violation" // JSON, but not what the app's schema asks for
	TooLarge        Reason = "too_large"        // larger than a record may be
	UnknownApp      Reason = "unknown_app"      // no app is configured for it
	Rejected        Reason = "rejected"         // the platform refused this very record
	Exhausted       Reason = "exhausted"        // retries, or the hold of its app, used up
	Expired         Reason = "expired"          // older than the configured age
)

// Reasons lists all of them.
func Reasons() []Reason {
	return []Reason{InvalidJSON, SchemaViolation, TooLarge, UnknownApp, Rejected, Exhausted, Expired}
}

// Delivery says whether the platform may have the record all the same.
type Delivery string

// What is known of the delivery.
const (
	None      Delivery = "none"      // it does not have it
	Uncertain Delivery = "uncertain" // a call ended without a readable answer
)

// Violation is one way in which a value breaks its schema.
type Violation struct {
	Instance string `json:"instance"` // JSON Pointer into the value
	Keyword  string `json:"keyword"`  // JSON Pointer into the schema
	Message  string `json:"message"`
}

// Source is where a record first came from, replays included.
type Source struct {
	Topic     string
	Partition int
	Offset    int64
	Time      time.Time // the record's timestamp, in milliseconds; zero: it has none
}

// Omitted says which parts of a record its letter goes without.
type Omitted struct{ Value, Key, Headers bool }

// Letter is a record that was given up, and why.
type Letter struct {
	Key, Value []byte // nil and empty are not the same
	Headers    []consumer.Header
	Omitted    Omitted // which of these it goes without: they were too large

	Reason     Reason
	Detail     string      // for a person; line breaks are taken out
	Violations []Violation // as many of the first as fit into 64 KiB are written
	Ret        *int        // the platform's last answer, if it gave one
	HTTPStatus int         // 0: none
	Attempts   int         // calls made with this record in them
	Delivery   Delivery
	AppID      string // empty: unknown
	Route      string
	Source     Source
	Time       time.Time // when it was given up; zero: not known
	Replays    int       // how often it has been replayed already
	Previous   Name      // the letter that it was before it was replayed; zero: none
}
