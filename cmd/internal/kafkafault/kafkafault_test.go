package kafkafault_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/kafkafault"
	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/topic"
)

const password = "correct-horse"

var (
	plain   = config.Kafka{Brokers: []string{"a:9092", "b:9092"}, Group: "g", SASL: config.SASL{Mechanism: "none"}}
	tlsOn   = config.Kafka{Brokers: plain.Brokers, TLS: config.TLS{Enabled: true}, SASL: config.SASL{Mechanism: "none"}}
	ours    = config.Kafka{Brokers: plain.Brokers, TLS: config.TLS{Enabled: true, CertFile: "client.pem"}, SASL: config.SASL{Mechanism: "none"}}
	bearer  = config.Kafka{Brokers: plain.Brokers, Group: "g", SASL: config.SASL{Mechanism: "oauthbearer", TokenFile: "token"}}
	command = config.Kafka{Brokers: plain.Brokers, Group: "g", SASL: config.SASL{Mechanism: "oauthbearer", TokenCommand: []string{"gcloud"}}}
	user    = config.Kafka{Brokers: plain.Brokers, Group: "g", SASL: config.SASL{Mechanism: "scram-sha-512", Username: "ada", Password: password}}
)

var (
	refused = &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}
	noName  = &net.OpError{Op: "dial", Net: "tcp", Err: &net.DNSError{Err: "no such host", Name: "nosuch.invalid", IsNotFound: true}}
)

// at is the error of an address, as a client of Kafka wraps it.
func at(address string, why ...error) error {
	return fmt.Errorf("unable to dial: %w", &consumer.OpenError{Address: address, Broker: -1, Err: errors.Join(why...)})
}

func handshake(why error) error { return fmt.Errorf("%w: %w", consumer.ErrHandshake, why) }

func TestAFaultIsCalledByItsCauseAndSaysWhatToDo(t *testing.T) {
	t.Parallel()
	certificate := &x509.Certificate{DNSNames: []string{"kafka.internal"}}
	verification := func(why error) error { return handshake(&tls.CertificateVerificationError{Err: why}) }
	right := func(operation, resource, name string, code error) error {
		return fmt.Errorf("ask: %w", consumer.Right{Operation: operation, Resource: resource, Name: name}.Needed(code))
	}
	for rule, test := range map[string]struct {
		of     config.Kafka
		err    error
		kind   kafkafault.Kind
		passes bool
		want   []string
	}{
		"nobody is at the only address tried": {plain, at("a:9092", refused), kafkafault.Unreachable, true, []string{"Kafka at a:9092 cannot be reached: dial tcp: connect: connection refused"}},
		"somebody may be, and says nothing": {
			plain, &consumer.OpenError{Address: "a:9092", Broker: -1, Err: consumer.ErrSilent, Answered: []string{"b:9092"}}, kafkafault.Unreachable, true,
			[]string{"Kafka at a:9092 does not answer: is it there, and does a firewall let packets through? It answers at b:9092"},
		},
		"nobody is at any, each for its own reason": {
			plain, &consumer.OpenError{Address: "b:9092", Broker: -1, Err: noName, Others: []consumer.OpenError{{Address: "a:9092", Err: refused}}},
			kafkafault.Unreachable, true,
			[]string{"Kafka cannot be reached at a:9092 (dial tcp: connect: connection refused) nor at b:9092 (dial tcp: lookup nosuch.invalid: no such host)"},
		},
		"a broker answers and gives an address at which nobody is": {
			plain, &consumer.OpenError{Address: "nosuch.invalid:9092", Broker: 1, Err: noName, Answered: []string{"b:9092"}},
			kafkafault.Advertised, true,
			[]string{"Kafka at b:9092 answers and calls broker 1 nosuch.invalid:9092, which cannot be reached from here (dial tcp: lookup nosuch.invalid: no such host): see advertised.listeners of the broker"},
		},
		"likewise where its number is not known": {plain, at("10.0.0.7:9092", refused), kafkafault.Advertised, true, []string{"Kafka at a:9092,b:9092 answers and calls one of its brokers 10.0.0.7:9092"}},
		"a broker that is configured is not the one that answers, if it is gone as well": {
			plain, &consumer.OpenError{Address: "c:9092", Broker: 3, Err: refused, Others: []consumer.OpenError{{Address: "a:9092", Err: refused}}},
			kafkafault.Advertised, true,
			[]string{"Kafka at b:9092 answers and calls broker 3 c:9092"},
		},
		"when none that is configured answers any more, it is these that cannot be reached": {
			plain, &consumer.OpenError{Address: "c:9092", Broker: 3, Err: refused, Others: []consumer.OpenError{{Address: "a:9092", Err: refused}, {Address: "b:9092", Err: noName}}},
			kafkafault.Unreachable, true,
			[]string{"Kafka cannot be reached at a:9092 (", " nor at b:9092 ("},
		},

		"TLS is spoken to who does not":            {tlsOn, at("a:9092", handshake(tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"})), kafkafault.SpeaksPlain, false, []string{"a:9092 does not speak TLS", "kafka.tls.enabled"}},
		"who hangs up in the handshake may not":    {tlsOn, at("a:9092", handshake(fmt.Errorf("%w: %w", consumer.ErrHungUp, io.EOF))), kafkafault.HungUp, true, []string{"a:9092 hangs up in the TLS handshake", "about to restart", "kafka.tls.enabled"}},
		"who speaks TLS is spoken to in the clear": {plain, at("a:9092", consumer.ErrSpeaksTLS), kafkafault.SpeaksTLS, false, []string{"a:9092 speaks TLS", "kafka.tls.enabled is false"}},
		"who is no Kafka":                          {plain, at("a:9092", consumer.ErrNotKafka), kafkafault.NotKafka, false, []string{"what answers at a:9092 is not Kafka"}},
		"a certificate of an unknown authority":    {tlsOn, at("a:9092", verification(x509.UnknownAuthorityError{Cert: certificate})), kafkafault.Certificate, false, []string{"Kafka at a:9092", "not signed by an authority that is trusted", "kafka.tls.ca_file"}},
		"a certificate for another name":           {tlsOn, at("a:9092", verification(x509.HostnameError{Certificate: certificate, Host: "a"})), kafkafault.Certificate, false, []string{"for another name", "kafka.internal", "kafka.tls.server_name"}},
		"that of a broker at an address that others give": {
			tlsOn, &consumer.OpenError{Address: "10.0.0.7:9092", Broker: 2, Err: verification(x509.HostnameError{Certificate: certificate, Host: "10.0.0.7"})},
			kafkafault.Certificate, false,
			[]string{"broker 2 at 10.0.0.7:9092, as its advertised.listeners have it", "for another name"},
		},
		"a certificate that has expired":                      {tlsOn, at("a:9092", verification(x509.CertificateInvalidError{Cert: certificate, Reason: x509.Expired})), kafkafault.Certificate, false, []string{"not valid at this time", "renew it"}},
		"a certificate with something else":                   {tlsOn, at("a:9092", verification(x509.CertificateInvalidError{Cert: certificate, Reason: x509.IncompatibleUsage})), kafkafault.Certificate, false, []string{"a:9092 cannot be verified"}},
		"a certificate of ours that is wanted":                {tlsOn, at("a:9092", handshake(&net.OpError{Op: "remote error", Err: tls.AlertError(116)})), kafkafault.OurCertificate, false, []string{"kafka.tls.cert_file"}},
		"a certificate of ours that is not taken":             {ours, at("a:9092", handshake(&net.OpError{Op: "remote error", Err: tls.AlertError(42)})), kafkafault.OurCertificate, false, []string{"client.pem", "signed"}},
		"a handshake that takes too long":                     {tlsOn, at("a:9092", handshake(os.ErrDeadlineExceeded)), kafkafault.Unreachable, true, []string{"Kafka at a:9092 cannot be reached"}},
		"a connection that is closed before anything is said": {plain, at("a:9092", consumer.ErrHungUp, io.EOF), kafkafault.HungUp, true, []string{"a:9092 hangs up before it answers: it is about to restart, or wants TLS (kafka.tls), or wants SASL (kafka.sasl)"}},
		"by who is given TLS":                                 {tlsOn, at("a:9092", consumer.ErrHungUp, io.EOF), kafkafault.HungUp, true, []string{"about to restart, or wants SASL (kafka.sasl), or wants a certificate (kafka.tls.cert_file)"}},
		"by who is given a user":                              {user, at("a:9092", consumer.ErrHungUp, io.EOF), kafkafault.HungUp, true, []string{"about to restart, or wants TLS (kafka.tls)"}},
		"or after its first answer":                           {plain, fmt.Errorf("describe: %w", &kgo.ErrFirstReadEOF{}), kafkafault.HungUp, true, []string{"Kafka at a:9092,b:9092 hangs up on the first question: it wants SASL (kafka.sasl), or is about to restart"}},

		"a wrong password":                 {user, fmt.Errorf("look: %w", kerr.SaslAuthenticationFailed), kafkafault.Credentials, false, []string{"Kafka at a:9092,b:9092 refuses the user ada (SASL mechanism scram-sha-512)", "kafka.sasl"}},
		"the same in the consumer's words": {user, fmt.Errorf("join: %w", kafka.SASLAuthenticationFailed), kafkafault.Credentials, false, []string{"refuses the user ada"}},
		"a mechanism that is not offered":  {user, &consumer.MechanismError{Wanted: "SCRAM-SHA-512", Offered: []string{"PLAIN"}}, kafkafault.Mechanism, false, []string{"does not offer the SASL mechanism scram-sha-512, but plain", "kafka.sasl.mechanism"}},
		"nor is said what else is":         {user, kafka.UnsupportedSASLMechanism, kafkafault.Mechanism, false, []string{"does not offer the SASL mechanism scram-sha-512: see kafka.sasl.mechanism"}},
		"SASL at a port that has none":     {user, kerr.IllegalSaslState, kafkafault.Mechanism, false, []string{"takes no SASL at this port", "kafka.sasl.mechanism to none"}},

		"a right on a topic":                          {user, right("Read", consumer.Topic, "t", kerr.TopicAuthorizationFailed), kafkafault.Denied, false, []string{"ask: TOPIC_AUTHORIZATION_FAILED", "this takes Read on the Topic t, which", "ACL", "--allow-principal User:ada --operation Read --topic t"}},
		"a right on the group":                        {user, fmt.Errorf("join: %w", kafka.GroupAuthorizationFailed), kafkafault.Denied, false, []string{"this takes Read on the Group g", "--operation Read --group g"}},
		"a right on the cluster":                      {user, right("IdempotentWrite", consumer.Cluster, "", kerr.ClusterAuthorizationFailed), kafkafault.Denied, false, []string{"IdempotentWrite on the Cluster", "--operation IdempotentWrite --cluster"}},
		"a right on a transactional id":               {user, right("Write", consumer.TransactionalID, "t.dlq.resolutions", kerr.TransactionalIDAuthorizationFailed), kafkafault.Denied, false, []string{"--operation Write --transactional-id t.dlq.resolutions"}},
		"a right on something else":                   {user, kerr.DelegationTokenAuthorizationFailed, kafkafault.Denied, false, []string{"DELEGATION_TOKEN_AUTHORIZATION_FAILED", "an ACL for user ada has to allow it"}},
		"a right to create a topic, which others may": {plain, right("Create", consumer.Topic, "t.dlq", kerr.TopicAuthorizationFailed), kafkafault.Denied, false, []string{"User:ANONYMOUS --operation Create --topic t.dlq; or create it yourself"}},
		"a topic that a policy does not want":         {plain, fmt.Errorf("create topic t: %w", kerr.PolicyViolation), kafkafault.Refused, false, []string{"create topic t: POLICY_VIOLATION", "create it yourself"}},

		"fewer brokers than replicas": {plain, fmt.Errorf("create topic t: %w", kerr.InvalidReplicationFactor), kafkafault.TooFewBrokers, true, []string{"create topic t: INVALID_REPLICATION_FACTOR", "fewer brokers"}},
		"no transactions": {
			plain, fmt.Errorf("take over: %w: %w", resolve.ErrNoTransactions, kerr.CoordinatorNotAvailable), kafkafault.NoTransactions, false,
			[]string{"need Kafka's transactions", "transaction.state.log.replication.factor", "transaction.state.log.min.isr"},
		},
		"a token that is refused":  {bearer, fmt.Errorf("ask: %w", &consumer.TokenRefusedError{Status: "invalid_token"}), kafkafault.Credentials, false, []string{"refuses the token (invalid_token): see whether it is for these brokers", "(kafka.sasl.token_file)"}},
		"a token that has expired": {bearer, &consumer.TokenRefusedError{Expires: time.Unix(1e9, 0)}, kafkafault.TokenExpired, true, []string{"which has expired at 2001-09-09T01:46:40Z: see what renews it"}},
		"a command without a token": {
			command, at("a:9092", &config.TokenError{Command: "gcloud", Err: errors.New("fails (exit status 1)")}), kafkafault.NoToken, true,
			[]string{`there is no token for Kafka at a:9092,b:9092: kafka.sasl.token_command: "gcloud" fails (exit status 1); see what it says`},
		},
		"a right of a token's":     {bearer, right("Read", consumer.Topic, "t", kerr.TopicAuthorizationFailed), kafkafault.Denied, false, []string{"the owner of the token of kafka.sasl.token_file", "--allow-principal User:..."}},
		"brokers that are too old": {plain, fmt.Errorf("ask: %w", kerr.UnsupportedVersion), kafkafault.TooOld, false, []string{"a:9092,b:9092 are too old"}},
	} {
		err := kafkafault.Explain(&test.of, test.err)
		var fault *kafkafault.Fault
		if !errors.As(err, &fault) || fault.Kind != test.kind || fault.Passes() != test.passes || kafkafault.Stays(err) == test.passes || !errors.Is(err, test.err) {
			t.Errorf("%s: %#v", rule, err)
			continue
		}
		for _, want := range test.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v\nlacks %q", rule, err, want)
			}
		}
		if strings.Contains(err.Error(), password) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v", rule, err)
		}
		if again := kafkafault.Explain(&test.of, fmt.Errorf("again: %w", err)); again.Error() != "again: "+err.Error() {
			t.Errorf("%s: is explained twice: %v", rule, again)
		}
	}
}

func TestOurCertificateIsSaidToHaveExpiredWhenItHas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	authority := kafkatest.NewAuthority(t, "authority")
	for life, expired := range map[time.Duration]bool{-time.Second: true, time.Hour: false} {
		k := ours
		k.TLS.CertFile, k.TLS.KeyFile = filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key")
		c := authority.Issue(t, "client", life)
		c.Write(t, k.TLS.CertFile)
		c.WriteKey(t, k.TLS.KeyFile)
		err := kafkafault.Explain(&k, at("a:9092", handshake(&net.OpError{Op: "remote error", Err: tls.AlertError(46)})))
		said := strings.Contains(err.Error(), "our certificate "+k.TLS.CertFile+" has expired at "+c.Leaf.NotAfter.UTC().Format(time.RFC3339))
		var fault *kafkafault.Fault
		if said != expired || !errors.As(err, &fault) || fault.Kind != kafkafault.OurCertificate {
			t.Errorf("of one that is good for %v: %v", life, err)
		}
	}
}

// What a broker says of a certificate comes when TLS 1.3 takes the handshake to be over, and of TLS 1.2 amid it.
func TestABrokerThatWantsAnotherCertificateIsUnderstood(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	dir := t.TempDir()
	expired := s.Authority(t).Issue(t, "client", -time.Minute)
	expired.Write(t, filepath.Join(dir, "client.pem"))
	expired.WriteKey(t, filepath.Join(dir, "client.key"))
	for rule, test := range map[string]struct {
		cert, key string
		want      string
	}{
		"none is shown":        {"", "", "it may want a certificate of this client's"},
		"one that has expired": {filepath.Join(dir, "client.pem"), filepath.Join(dir, "client.key"), "has expired at"},
	} {
		for _, newest := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
			k := config.Kafka{Brokers: s.TLSAddrs, TLS: config.TLS{Enabled: true, CAFile: s.CAFile, CertFile: test.cert, KeyFile: test.key}}
			conn, err := kafkafault.Connection(&k, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			conn.TLS.MaxVersion = newest
			_, err = conn.Opener()(t.Context(), "tcp", consumer.Bootstrap)
			err = kafkafault.Explain(&k, err)
			var fault *kafkafault.Fault
			if !errors.As(err, &fault) || fault.Kind != kafkafault.OurCertificate || !strings.Contains(err.Error(), test.want) {
				t.Errorf("%s, %s: %v", rule, tls.VersionName(newest), err)
			}
		}
	}
}

func TestAnErrorThatSaysAllStaysAsItIs(t *testing.T) {
	t.Parallel()
	for _, err := range []error{nil, io.EOF, kerr.NotLeaderForPartition, topic.ErrNoTopic, topic.ErrRecreated, kafka.RebalanceInProgress} {
		if got := kafkafault.Explain(&plain, err); got != err || kafkafault.Stays(got) {
			t.Errorf("%v has become %v", err, got)
		}
	}
}

func TestALogSaysTheCause(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := kafkafault.Logger(&plain, slog.New(slog.NewTextHandler(&out, nil))).With("topic", "t").WithGroup("g")
	log.Warn("waiting", "n", 1, "error", at("10.0.0.7:9092", refused))
	if got := out.String(); !strings.Contains(got, "topic=t g.n=1 g.error=\"Kafka at a:9092,b:9092 answers and calls one of its brokers 10.0.0.7:9092") {
		t.Error(got)
	}
}

// Each client of a process finds it out by itself.
func TestASilentAddressIsWarnedOfOnceAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var said []string
		warn := kafkafault.Warner(&plain, func(err error) { said = append(said, err.Error()) })
		for range 3 {
			for _, address := range []string{"a:9092", "b:9092"} {
				warn(at(address, consumer.ErrSilent))
			}
			time.Sleep(31 * time.Minute)
		}
		if len(said) != 4 || !strings.HasPrefix(said[0], "Kafka at a:9092 does not answer") || !strings.HasPrefix(said[3], "Kafka at b:9092 does not answer") {
			t.Error(said)
		}
	})
}
