package topic

import (
	"context"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/sasl"
)

// A MechanismError says that a broker does not offer a SASL mechanism, but another. It wraps
// kerr.UnsupportedSaslMechanism.
type MechanismError struct{ Wanted, Offered string }

func (e *MechanismError) Error() string {
	return fmt.Sprintf("the broker does not offer the SASL mechanism %s, but %s", e.Wanted, e.Offered)
}

// Unwrap returns what the broker has answered.
func (e *MechanismError) Unwrap() error { return kerr.UnsupportedSaslMechanism }

// alternatives are the mechanisms of Kafka's that a client does not mean: the one of them
// that the broker offers is chosen to say so.
func alternatives(wanted string) []sasl.Mechanism {
	var all []sasl.Mechanism
	for _, name := range []string{"SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN", "OAUTHBEARER", "GSSAPI", "AWS_MSK_IAM"} {
		if name != wanted {
			all = append(all, alternative{name, wanted})
		}
	}
	return all
}

type alternative struct{ name, wanted string }

func (a alternative) Name() string { return a.name }

func (a alternative) Authenticate(context.Context, string) (sasl.Session, []byte, error) {
	return nil, nil, &MechanismError{a.wanted, a.name}
}
