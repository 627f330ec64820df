package deadlettercmd

import (
	"errors"

	"github.com/twmb/franz-go/pkg/kerr"
)

// A fencedError is a [resolve.ErrFenced] in words for who has two terminals open.
type fencedError struct{ err error }

func (e *fencedError) Error() string {
	text := e.err.Error()
	if broker := new(kerr.Error); errors.As(e.err, &broker) {
		text = broker.Error()
	}
	return "another replay, discard or import of the same dead letters has begun, or this one took too long for Kafka: " +
		"the same command run again, when that has ended, does what is left (" + text + ")"
}

func (e *fencedError) Unwrap() error { return e.err }
