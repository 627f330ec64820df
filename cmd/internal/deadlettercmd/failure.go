package deadlettercmd

import (
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
)

// An unreachableError says that a broker could not be reached.
type unreachableError struct {
	brokers []string     // as configured
	dial    *net.OpError // which may be of another that these named
	err     error
}

func (e *unreachableError) Error() string {
	return fmt.Sprintf("Kafka at %s cannot be reached: %v", strings.Join(e.brokers, ","), e.dial)
}

func (e *unreachableError) Unwrap() error { return e.err }

// unreachable says of an error that is a failure to connect, however deep, that Kafka cannot be reached. Others are
// returned as they are.
func unreachable(brokers []string, err error) error {
	var dial *net.OpError
	if !errors.As(err, &dial) || dial.Op != "dial" || errors.As(err, new(*unreachableError)) {
		return err
	}
	return &unreachableError{brokers, dial, err}
}

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
