// Package kafkafault calls by its cause what is wrong between a client and Kafka, says what to do about it, and tells
// what may pass from what will not. It is one function of an error, for all commands: it asks no broker, goes by the
// types and codes of errors and never by their text, and knows no password. It reads no file but our certificate's, for its
// expiry.
package kafkafault

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter/resolve"
)

// A Kind is what is wrong.
type Kind string

// The kinds. Those that pass, or may, are waited for.
const (
	Unreachable    Kind = "unreachable"     // nobody is found at any address that is configured; passes
	Advertised     Kind = "advertised"      // nor at one that a broker has given for another, or for itself; passes
	HungUp         Kind = "hung up"         // somebody is, and hangs up; may pass
	NotKafka       Kind = "not Kafka"       // or is something else
	SpeaksTLS      Kind = "speaks TLS"      // and we do not
	SpeaksPlain    Kind = "speaks plain"    // and we speak TLS
	Certificate    Kind = "certificate"     // of the broker, which we do not take
	OurCertificate Kind = "our certificate" // which the broker does not take
	Credentials    Kind = "credentials"
	Mechanism      Kind = "mechanism" // of SASL, which the broker does not offer
	Denied         Kind = "denied"
	Refused        Kind = "refused" // a topic as we would create it
	NoTransactions Kind = "no transactions"
	TooFewBrokers  Kind = "too few brokers" // for the replicas; passes
	TooOld         Kind = "too old"
	NoToken        Kind = "no token"      // a command gives none; passes
	TokenExpired   Kind = "token expired" // passes, as another may come
	NoCommand      Kind = "no command"    // that could give a token
)

// A Fault is an error with its cause. It says it in one line; the error that was is wrapped.
type Fault struct {
	Kind Kind
	text string
	err  error
}

func (f *Fault) Error() string { return f.text }

// Unwrap returns the error whose cause it is.
func (f *Fault) Unwrap() error { return f.err }

// Passes tells whether it may help to wait.
func (f *Fault) Passes() bool {
	return slices.Contains([]Kind{Unreachable, Advertised, HungUp, TooFewBrokers, NoToken, TokenExpired}, f.Kind)
}

// Stays tells that an error has a cause with which to try again is in vain.
func Stays(err error) bool {
	f := new(Fault)
	return errors.As(err, &f) && !f.Passes()
}

// Explain returns the [Fault] that is in an error of a client that is configured so; an error that says all there is to
// say as it is, nil included.
func Explain(k *config.Kafka, err error) error {
	if err == nil || errors.As(err, new(*Fault)) {
		return err
	}
	kind, text := (&client{k}).diagnose(err)
	if kind == "" {
		return err
	}
	return &Fault{kind, text, err}
}

// client is whose errors they are.
type client struct{ *config.Kafka }

func (c *client) diagnose(err error) (Kind, string) {
	is := func(code *kerr.Error) bool { return errors.Is(err, code) || errors.Is(err, kafka.Error(code.Code)) }
	open, denied := new(consumer.OpenError), new(consumer.DeniedError)
	token, refused := new(config.TokenError), new(consumer.TokenRefusedError)
	switch {
	case errors.Is(err, resolve.ErrNoTransactions):
		return NoTransactions, fmt.Sprintf("%v; replay, discard and import need Kafka's transactions: "+
			"on the brokers, transaction.state.log.replication.factor and transaction.state.log.min.isr must not be more than there are brokers", err)
	case errors.As(err, &denied):
		return Denied, c.denied(err, denied.Right)
	case is(kerr.GroupAuthorizationFailed):
		return Denied, c.denied(err, consumer.Right{Operation: "Read", Resource: consumer.Group, Name: c.Group})
	case consumer.IsDenied(err):
		return Denied, fmt.Sprintf("%v; an ACL for %s has to allow it", err, c.user())
	case errors.As(err, &token):
		kind, what := NoToken, "see what it says when it is run as this user"
		if token.Missing() {
			kind, what = NoCommand, "name a program that is there and may be run"
		}
		return kind, fmt.Sprintf("there is no token for Kafka at %s: %v; %s", c.all(), token, what)
	case errors.As(err, &refused):
		kind, what := Credentials, "see whether it is for these brokers, and its audience, issuer and scope"
		if refused.Expired() {
			kind, what = TokenExpired, "see what renews it"
		}
		return kind, fmt.Sprintf("Kafka at %s: %v: %s (kafka.sasl.%s)", c.all(), refused, what, c.tokenKey())
	case is(kerr.SaslAuthenticationFailed):
		return Credentials, fmt.Sprintf("Kafka at %s refuses the %s (SASL mechanism %s): see the username and password of kafka.sasl",
			c.all(), c.user(), c.SASL.Mechanism)
	case is(kerr.UnsupportedSaslMechanism):
		text := fmt.Sprintf("Kafka at %s does not offer the SASL mechanism %s", c.all(), c.SASL.Mechanism)
		if m := new(consumer.MechanismError); errors.As(err, &m) && len(m.Offered) > 0 {
			text += ", but " + strings.ToLower(strings.Join(m.Offered, ", "))
		}
		return Mechanism, text + ": see kafka.sasl.mechanism, or sasl.enabled.mechanisms of the broker"
	case is(kerr.IllegalSaslState):
		return Mechanism, fmt.Sprintf("Kafka at %s takes no SASL at this port: set kafka.sasl.mechanism to none, or name the port that does", c.all())
	case is(kerr.InvalidReplicationFactor):
		return TooFewBrokers, fmt.Sprintf("%v; fewer brokers are there than the topic is to have replicas", err)
	case is(kerr.PolicyViolation), is(kerr.InvalidConfig), is(kerr.InvalidTopicException), is(kerr.InvalidPartitions):
		return Refused, fmt.Sprintf("%v; create it yourself as the brokers want it", err)
	case is(kerr.UnsupportedVersion):
		return TooOld, fmt.Sprintf("%v: the brokers at %s are too old for that", err, c.all())
	case errors.As(err, &open):
		return c.open(open)
	case errors.As(err, new(*kgo.ErrFirstReadEOF)):
		reason := "it is about to restart"
		if c.withoutSASL() {
			reason = "it wants SASL (kafka.sasl), or is about to restart"
		}
		return HungUp, fmt.Sprintf("Kafka at %s hangs up on the first question: %s", c.all(), reason)
	}
	return "", ""
}

// denied names the right, and the command that gives it.
func (c *client) denied(err error, r consumer.Right) string {
	on := map[string]string{
		consumer.Topic: "--topic " + r.Name, consumer.Group: "--group " + r.Name, consumer.Cluster: "--cluster",
		consumer.TransactionalID: "--transactional-id " + r.Name,
	}
	text := fmt.Sprintf("%v; this takes %v, which an ACL gives to the %s: kafka-acls.sh --add --allow-principal User:%s --operation %s %s",
		err, r, c.user(), c.principal(), r.Operation, on[r.Resource])
	if r.Operation == "Create" {
		text += "; or create it yourself"
	}
	return text
}

// principal is the user as ACLs have it, as far as the configuration tells.
func (c *client) principal() string {
	if c.SASL.Username != "" {
		return c.SASL.Username
	}
	if c.bearer() {
		return "..." // the subject of the token
	}
	if c.TLS.CertFile != "" {
		return "CN=..." // the subject of the certificate
	}
	return "ANONYMOUS"
}

func (c *client) user() string {
	if c.SASL.Username != "" {
		return "user " + c.SASL.Username
	}
	if c.bearer() {
		return "owner of the token of kafka.sasl." + c.tokenKey()
	}
	if c.TLS.CertFile != "" {
		return "owner of " + c.TLS.CertFile
	}
	return "user ANONYMOUS"
}

// bearer tells that it shows a token, and no user.
func (c *client) bearer() bool { return c.SASL.TokenFile != "" || len(c.SASL.TokenCommand) > 0 }

// tokenKey is where the token is from.
func (c *client) tokenKey() string {
	if len(c.SASL.TokenCommand) > 0 {
		return "token_command"
	}
	return "token_file"
}

// all names the addresses configured.
func (c *client) all() string { return strings.Join(c.Brokers, ",") }
