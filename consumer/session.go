package consumer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// session is a connection to a broker that has answered and let us in.
type session struct {
	net.Conn
	address string
	renew   time.Time // from when on another is to take its place; zero: never
	ends    time.Time // when the broker hangs up at what is sent
}

// A MechanismError says that a broker does not offer a SASL mechanism, but others. It
// wraps [kerr.UnsupportedSaslMechanism].
type MechanismError struct {
	Wanted  string
	Offered []string // may be empty
}

func (e *MechanismError) Error() string {
	if len(e.Offered) == 0 {
		return fmt.Sprintf("the broker does not offer the SASL mechanism %s", e.Wanted)
	}
	return fmt.Sprintf("the broker does not offer the SASL mechanism %s, but %s", e.Wanted, strings.Join(e.Offered, ", "))
}

// Unwrap returns what the broker has answered.
func (e *MechanismError) Unwrap() error { return kerr.UnsupportedSaslMechanism }

// isAnswer tells whether an error is a broker's answer.
func isAnswer(err error) bool { return errors.As(err, new(*kerr.Error)) }

// begin opens a session with the broker at an address, whose every step takes no longer
// than step.
func (c Connection) begin(ctx context.Context, network, address string, step time.Duration) (s *session, err error) {
	conn, err := c.reach(ctx, network, address, step)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_ = conn.Close()
		}
	}()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(0, 1)) })
	defer stop()
	g := &greeting{conn: conn, ctx: ctx, clientID: c.ClientID, step: step}
	newest, err := g.versions()
	if err != nil {
		return nil, err
	}
	s = &session{Conn: conn, address: address}
	if c.SASL != nil {
		lifetime, err := g.authenticate(c.SASL, newest[int16(kmsg.SASLAuthenticate)])
		if err != nil {
			return nil, err
		}
		s.last(lifetime)
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, err
	}
	if !stop() {
		return nil, ctx.Err()
	}
	return s, nil
}

// last notes for how long the session is to last; 0: for ever. It is renewed when from
// eight to nine tenths of the time are over, so that not all are renewed at once.
func (s *session) last(lifetime time.Duration) {
	if lifetime > 0 {
		now := time.Now()
		s.ends = now.Add(lifetime)
		s.renew = now.Add(time.Duration((0.8 + 0.1*chance().Float64()) * float64(lifetime)))
	}
}

// longestSession bounds what a broker may say of one.
const longestSession = 365 * 24 * time.Hour

// greeting is what is said before anything else.
type greeting struct {
	conn     net.Conn
	ctx      context.Context
	clientID string
	step     time.Duration // that an answer may take
}

// versions asks which versions of each API the broker speaks. Each answers that, before
// it knows whom (KIP-43), so that one that does not is none, or does nothing.
func (g *greeting) versions() (newest map[int16]int16, err error) {
	res := kmsg.NewPtrApiVersionsResponse()
	if err := g.ask(kmsg.NewPtrApiVersionsRequest(), 0, res); err != nil {
		return nil, err
	}
	newest = map[int16]int16{}
	for _, k := range res.ApiKeys {
		newest[k.ApiKey] = k.MaxVersion
	}
	return newest, kerr.ErrorForCode(res.ErrorCode)
}

// authenticate has the broker let us in, and returns for how long (KIP-368).
func (g *greeting) authenticate(mechanism sasl.Mechanism, newest int16) (lifetime time.Duration, err error) {
	const (
		framed = 1 // the handshake after which the exchange goes in requests (KIP-152)
		lasts  = 1 // the exchange whose answer says how long a session lasts
	)
	shake := kmsg.NewPtrSASLHandshakeRequest()
	shake.Mechanism = mechanism.Name()
	shaken := kmsg.NewPtrSASLHandshakeResponse()
	if err := g.ask(shake, framed, shaken); err != nil {
		return 0, err
	}
	switch err := kerr.ErrorForCode(shaken.ErrorCode); {
	case errors.Is(err, kerr.UnsupportedSaslMechanism):
		return 0, &MechanismError{shake.Mechanism, slices.Sorted(slices.Values(shaken.SupportedMechanisms))}
	case err != nil:
		return 0, err
	}
	exchange, text, err := mechanism.Start(g.ctx)
	if err != nil {
		return 0, err
	}
	for done := false; !done; {
		req := kmsg.NewPtrSASLAuthenticateRequest()
		req.SASLAuthBytes = text
		res := kmsg.NewPtrSASLAuthenticateResponse()
		if err := g.ask(req, min(lasts, newest), res); err != nil {
			return 0, err
		}
		if err := kerr.ErrorForCode(res.ErrorCode); err != nil {
			if b, is := exchange.(*bearing); is && errors.Is(err, kerr.SaslAuthenticationFailed) {
				return 0, b.refusal()
			}
			return 0, err // what it says beside it may repeat the password
		}
		lifetime = time.Duration(min(res.SessionLifetimeMillis, longestSession.Milliseconds())) * time.Millisecond
		if done, text, err = exchange.Next(g.ctx, res.SASLAuthBytes); err != nil {
			return 0, err
		}
	}
	return lifetime, nil
}

// ask sends a request, in a version of its API, and reads the response.
func (g *greeting) ask(req kmsg.Request, version int16, res kmsg.Response) error {
	if err := g.conn.SetDeadline(time.Now().Add(g.step)); err != nil {
		return err
	}
	if err := g.ctx.Err(); err != nil { // the deadline was for that
		return err
	}
	err := send(g.conn, g.clientID, req, version)
	var body []byte
	if err == nil {
		body, err = g.read()
	}
	switch {
	case err == nil:
		res.SetVersion(version)
		if err := res.ReadFrom(body[correlationSize:]); err != nil {
			return fmt.Errorf("%w: %w", ErrNotKafka, err)
		}
		return nil
	case g.ctx.Err() != nil && !errors.Is(g.ctx.Err(), context.DeadlineExceeded):
		return g.ctx.Err()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%w: %w", ErrSilent, err)
	case Alert(err) != nil: // which TLS 1.3 sends of a client's certificate when the handshake is over
		return fmt.Errorf("%w: %w", ErrHandshake, err)
	case isHangUp(err):
		return fmt.Errorf("%w: %w", ErrHungUp, err)
	}
	return err
}

const (
	correlationSize = 4       // the number of the request, before the response's body
	mostGreeted     = 1 << 20 // bytes: more than brokers answer here
)

// read reads a response. What comes first can be told not to be one: as a number, four
// letters or the head of a TLS record are more than any broker answers.
func (g *greeting) read() ([]byte, error) {
	var head [4]byte
	if _, err := io.ReadFull(g.conn, head[:]); err != nil {
		return nil, err
	}
	const alert, handshake, version = 21, 22, 3 // the types of TLS records (RFC 8446, 5.1)
	switch size := binary.BigEndian.Uint32(head[:]); {
	case correlationSize <= size && size < mostGreeted:
		body := make([]byte, size)
		_, err := io.ReadFull(g.conn, body)
		return body, err
	case (head[0] == alert || head[0] == handshake) && head[1] == version:
		return nil, ErrSpeaksTLS
	}
	return nil, ErrNotKafka
}
