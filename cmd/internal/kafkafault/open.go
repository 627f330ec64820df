package kafkafault

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/battlereport/battlereport/consumer"
)

// open says why there is nobody to talk to at an address.
func (c *client) open(e *consumer.OpenError) (Kind, string) {
	switch {
	case errors.Is(e.Err, consumer.ErrSpeaksTLS):
		return SpeaksTLS, c.who(e) + " speaks TLS, and kafka.tls.enabled is false: set it to true, or name a port without TLS"
	case errors.Is(e.Err, consumer.ErrNotKafka):
		return NotKafka, fmt.Sprintf("what answers at %s is not Kafka: another service has that port", e.Address)
	case errors.Is(e.Err, consumer.ErrHandshake):
		return c.handshake(e)
	case errors.Is(e.Err, consumer.ErrHungUp):
		return HungUp, c.who(e) + " hangs up before it answers: " + c.wanted()
	}
	return c.unreachable(e)
}

// handshake says why TLS was not agreed upon.
func (c *client) handshake(e *consumer.OpenError) (Kind, string) {
	var (
		plain     tls.RecordHeaderError
		name      x509.HostnameError
		authority x509.UnknownAuthorityError
		invalid   x509.CertificateInvalidError
	)
	alert := consumer.Alert(e.Err)
	switch {
	case errors.As(e.Err, &plain):
		return SpeaksPlain, c.who(e) + " does not speak TLS: set kafka.tls.enabled to false, or name the port that does"
	case errors.As(e.Err, &name):
		return Certificate, fmt.Sprintf("the certificate of %s is for another name (%v): name it in kafka.brokers as the certificate does, or set kafka.tls.server_name", c.who(e), name)
	case errors.As(e.Err, &authority):
		return Certificate, fmt.Sprintf("the certificate of %s is not signed by an authority that is trusted (%v): kafka.tls.ca_file has to name it", c.who(e), authority)
	case errors.As(e.Err, &invalid) && invalid.Reason == x509.Expired:
		return Certificate, fmt.Sprintf("the certificate of %s is not valid at this time (%v): renew it, or set the clock", c.who(e), invalid)
	case errors.As(e.Err, new(*tls.CertificateVerificationError)):
		return Certificate, fmt.Sprintf("the certificate of %s cannot be verified (%v)", c.who(e), e.Err)
	case alert != nil && c.TLS.CertFile == "":
		return OurCertificate, fmt.Sprintf("%s ends the handshake (%v): it may want a certificate of this client's, kafka.tls.cert_file and key_file", c.who(e), alert)
	case alert != nil && c.expired() != nil:
		return OurCertificate, fmt.Sprintf("%s ends the handshake (%v): our certificate %s has expired at %s: renew it",
			c.who(e), alert, c.TLS.CertFile, c.expired().NotAfter.UTC().Format(time.RFC3339))
	case alert != nil:
		return OurCertificate, fmt.Sprintf("%s ends the handshake (%v): see whether its authorities have signed %s, and until when", c.who(e), alert, c.TLS.CertFile)
	case errors.Is(e.Err, consumer.ErrHungUp):
		return HungUp, c.who(e) + " hangs up in the TLS handshake: it is about to restart, or does not speak TLS (kafka.tls.enabled)"
	}
	return c.unreachable(e)
}

// expired is our certificate if it has, or that of those which lead from it to an authority which has.
func (c *client) expired() *x509.Certificate {
	if first, err := c.TLS.FirstToExpire(); err == nil && first != nil && time.Now().After(first.NotAfter) {
		return first
	}
	return nil
}

// wanted says why a broker may hang up before it has answered.
func (c *client) wanted() string {
	reasons := []string{"it is about to restart"}
	if !c.TLS.Enabled {
		reasons = append(reasons, "wants TLS (kafka.tls)")
	}
	if c.withoutSASL() {
		reasons = append(reasons, "wants SASL (kafka.sasl)")
	} else if c.bearer() {
		reasons = append(reasons, "does not take the token (kafka.sasl."+c.tokenKey()+")")
	} else {
		reasons = append(reasons, "does not take the user or the password (kafka.sasl)")
	}
	if c.TLS.Enabled && c.TLS.CertFile == "" {
		reasons = append(reasons, "wants a certificate (kafka.tls.cert_file)")
	}
	return strings.Join(reasons, ", or ")
}

func (c *client) withoutSASL() bool { return c.SASL.Mechanism == "" || c.SASL.Mechanism == "none" }

// unreachable says where nobody is found. An address that is not configured is known from a broker that has answered.
func (c *client) unreachable(e *consumer.OpenError) (Kind, string) {
	failed := []consumer.OpenError{{Address: e.Address, Err: e.Err}}
	for _, other := range e.Others {
		if slices.Contains(c.Brokers, other.Address) {
			failed = append(failed, other)
		}
	}
	answering := slices.DeleteFunc(slices.Clone(c.Brokers), func(address string) bool {
		return slices.ContainsFunc(failed, func(f consumer.OpenError) bool { return f.Address == address })
	})
	if c.advertised(e) && len(answering) > 0 {
		if known := slices.DeleteFunc(slices.Clone(answering), func(a string) bool { return !slices.Contains(e.Answered, a) }); len(known) > 0 {
			answering = known
		}
		return Advertised, fmt.Sprintf("Kafka at %s answers and calls %s %s, which cannot be reached from here (%v): see advertised.listeners of the broker",
			strings.Join(answering, ","), number(e), e.Address, e.Err)
	}
	failed = slices.DeleteFunc(failed, func(f consumer.OpenError) bool { return c.advertised(&f) && len(failed) > 1 })
	switch {
	case len(failed) == 1 && errors.Is(e.Err, consumer.ErrSilent):
		text := fmt.Sprintf("Kafka at %s does not answer: is it there, and does a firewall let packets through?", e.Address)
		if len(e.Answered) > 0 {
			text += " It answers at " + strings.Join(e.Answered, ",")
		}
		return Unreachable, text
	case len(failed) == 1:
		return Unreachable, fmt.Sprintf("Kafka at %s cannot be reached: %v", failed[0].Address, failed[0].Err)
	}
	slices.SortFunc(failed, func(a, b consumer.OpenError) int {
		return slices.Index(c.Brokers, a.Address) - slices.Index(c.Brokers, b.Address)
	})
	each := make([]string, len(failed))
	for i, f := range failed {
		each[i] = fmt.Sprintf("%s (%v)", f.Address, f.Err)
	}
	return Unreachable, "Kafka cannot be reached at " + strings.Join(each, " nor at ")
}

// advertised tells that an address is one that brokers give, and not the configuration.
func (c *client) advertised(e *consumer.OpenError) bool {
	return len(c.Brokers) > 0 && !slices.Contains(c.Brokers, e.Address)
}

// number names the broker whose address it is said to be.
func number(e *consumer.OpenError) string {
	if e.Broker < 0 {
		return "one of its brokers"
	}
	return fmt.Sprintf("broker %d", e.Broker)
}

// who names who is at an address, and where the address comes from if not from the configuration.
func (c *client) who(e *consumer.OpenError) string {
	if c.advertised(e) {
		return fmt.Sprintf("%s at %s, as its advertised.listeners have it,", number(e), e.Address)
	}
	return "Kafka at " + e.Address
}
