package consumer

import (
	"errors"
	"fmt"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
)

// The resources of rights that stand in the code.
const (
	Topic           = "Topic"
	Group           = "Group"
	Cluster         = "Cluster"
	TransactionalID = "TransactionalId"
)

// A Right is what Kafka's access control lists allow: an operation on a resource, in
// Kafka's words, such as Read on the Topic battle-reports.
type Right struct{ Operation, Resource, Name string }

func (r Right) String() string {
	if r.Resource == Cluster {
		return r.Operation + " on the Cluster"
	}
	return fmt.Sprintf("%s on the %s %s", r.Operation, r.Resource, r.Name)
}

// A DeniedError says which right the brokers deny to this client.
type DeniedError struct {
	Right Right
	Err   error // what they answer
}

func (e *DeniedError) Error() string { return e.Err.Error() }

// Unwrap returns what the brokers answer.
func (e *DeniedError) Unwrap() error { return e.Err }

// Needed returns a [DeniedError] for an error with which brokers deny the right to what
// was asked for, and any other as it is. One that has the right to describe the same
// thing is changed: who may do more with it may do that.
func (r Right) Needed(err error) error {
	denied := new(DeniedError)
	switch {
	case !IsDenied(err):
	case !errors.As(err, &denied):
		return &DeniedError{r, err}
	case denied.Right == Right{"Describe", r.Resource, r.Name}:
		denied.Right = r
	}
	return err
}

// IsDenied tells whether brokers deny a right.
func IsDenied(err error) bool {
	for _, code := range []*kerr.Error{
		kerr.TopicAuthorizationFailed, kerr.GroupAuthorizationFailed, kerr.ClusterAuthorizationFailed,
		kerr.TransactionalIDAuthorizationFailed, kerr.DelegationTokenAuthorizationFailed,
	} {
		if errors.Is(err, code) || errors.Is(err, kafka.Error(code.Code)) {
			return true
		}
	}
	return false
}
