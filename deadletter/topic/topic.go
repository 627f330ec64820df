// Package topic reads, writes and keeps topics: those of dead letters and of what is
// done about them, above all. It knows nothing of letters.
//
// # Reading
//
// A [Reader] reads what is committed in a topic, from any offset: so a topic can be
// read from its newest record backwards, which consuming cannot. [Reader.Records]
// reads its partitions together, in the order of time as far as each has its records
// in that order, in some 32 MiB however large the topic is. What retention deletes
// meanwhile is passed over. Brokers that are gone in the middle of it are waited for,
// for [Patience].
//
// A topic that is deleted and made anew under its name is another one, whose offsets
// mean other records: to read on then is an [ErrRecreated], never a mixture of both
// ([Incarnation]). Brokers that are older than Kafka 2.8 do not tell them apart: there
// only a topic that has become shorter is found out.
//
// # Writing
//
// A [Producer] sends batches to one partition, each of which lies there once however
// often it was sent (Kafka's idempotent producer). A call is one attempt, and when to
// make another is for the caller to say. It promises nothing beyond the life of the
// producer.
//
// # Keeping
//
// [Ensure] creates a topic as safe as the cluster allows, and returns once each broker
// that answers knows it, or after ten seconds; [Mismatches] tells where one that is there
// is set so that records can be lost. Nothing else creates one: no question about a
// topic has a broker make it (Kafka 0.11 or newer).
package topic

import (
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
)

// What can be wrong with a topic. The errors that are returned wrap these and say
// which.
var (
	// ErrNoTopic: there is no such topic.
	ErrNoTopic = errors.New("there is no such topic")
	// ErrRecreated: it is another topic now that has the name, or none. Records of
	// the former are gone, and what is known of them means nothing for those that
	// now lie in their places.
	ErrRecreated = errors.New("has been deleted or made anew")
)

func noTopic(topic string) error { return fmt.Errorf("topic %s: %w", topic, ErrNoTopic) }

// Recreated is the [ErrRecreated] of a topic that is being read.
func Recreated(topic string) error {
	return fmt.Errorf("topic %s %w while it was read", topic, ErrRecreated)
}

// Oversized tells that a topic refuses a batch for its size: as more than
// max.message.bytes, or as more than fits into a segment.
func Oversized(err error) bool {
	return errors.Is(err, kerr.MessageTooLarge) || errors.Is(err, kerr.RecordListTooLarge)
}
