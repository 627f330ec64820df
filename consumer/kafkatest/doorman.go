package kafkatest

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Doorman stands between clients and a broker, and lets in whoever asks by SASL PLAIN, with whatever password, for a
// time. After it he ends a connection at the next request, as brokers do whose connections.max.reauth.ms is set
// (KIP-368). He takes no second authentication, which they would. Its methods are safe for concurrent use.
type Doorman struct {
	// Bearer, unless nil, has him ask for OAUTHBEARER in place of PLAIN, and tells of a token whether he takes it. It is
	// called concurrently. Set it before anybody comes.
	Bearer func(token string) bool

	broker  *Broker
	session time.Duration

	let, ended atomic.Int64
}

// Doorman returns one who lets in for so long.
func (b *Broker) Doorman(session time.Duration) *Doorman {
	return &Doorman{broker: b, session: session}
}

// Sessions is how many were let in, and how many of these were sent away at a request for which they came too late.
func (d *Doorman) Sessions() (let, ended int64) { return d.let.Load(), d.ended.Load() }

// Dial connects to a broker as [Broker.Dial] does, past the doorman.
func (d *Doorman) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	upstream, err := d.broker.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	end := sync.OnceFunc(func() { _ = far.Close(); _ = upstream.Close() })
	go func() {
		defer end()
		_, _ = io.Copy(far, upstream)
	}()
	go func() {
		defer end()
		d.watch(far, upstream)
	}()
	return near, nil
}

// watch passes on what a client may say.
func (d *Doorman) watch(client io.ReadWriter, broker io.Writer) {
	var (
		until time.Time // zero: not let in yet
		frame = make([]byte, 1<<20)
	)
	for {
		request, err := readFrame(client, frame)
		if err != nil {
			return
		}
		var answer kmsg.Response
		switch key, version := kmsg.Key(binary.BigEndian.Uint16(request[4:])), int16(binary.BigEndian.Uint16(request[6:])); {
		case key == kmsg.SASLHandshake && until.IsZero():
			res := kmsg.NewPtrSASLHandshakeResponse()
			res.SupportedMechanisms = []string{"PLAIN"}
			if d.Bearer != nil {
				res.SupportedMechanisms = []string{"OAUTHBEARER"}
			}
			if asked := kmsg.NewPtrSASLHandshakeRequest(); asked.ReadFrom(body(request)) == nil && asked.Mechanism != res.SupportedMechanisms[0] {
				res.ErrorCode = kerr.UnsupportedSaslMechanism.Code
			}
			res.SetVersion(version)
			answer = res
		case key == kmsg.SASLAuthenticate && until.IsZero():
			res := kmsg.NewPtrSASLAuthenticateResponse()
			res.SetVersion(version)
			answer = res
			asked := kmsg.NewPtrSASLAuthenticateRequest()
			asked.SetVersion(version)
			_ = asked.ReadFrom(body(request))
			switch d.admit(asked.SASLAuthBytes) {
			case admitted:
				res.SessionLifetimeMillis = d.session.Milliseconds()
				d.let.Add(1)
				until = time.Now().Add(d.session)
			case told:
				res.SASLAuthBytes = []byte(`{"status":"invalid_token"}`)
			case turnedAway:
				res.ErrorCode = kerr.SaslAuthenticationFailed.Code
			}
		case until.IsZero() && key != kmsg.ApiVersions:
			return
		case !until.IsZero() && time.Now().After(until):
			d.ended.Add(1)
			return
		}
		if answer == nil {
			_, err = broker.Write(request)
		} else {
			reply := answer.AppendTo(append([]byte{0, 0, 0, 0}, request[8:12]...)) // the length, and which request it answers
			binary.BigEndian.PutUint32(reply, uint32(len(reply)-4))
			_, err = client.Write(reply)
		}
		if err != nil {
			return
		}
	}
}

// What becomes of who shows himself.
type admission int

const (
	admitted admission = iota
	told               // what is wrong, which is not the end yet (RFC 7628, 3.2.2)
	turnedAway
)

// admit looks at what a client says of himself: of tokens alone, as of passwords any will do.
func (d *Doorman) admit(said []byte) admission {
	if d.Bearer == nil {
		return admitted
	}
	_, token, is := strings.Cut(string(said), "\x01auth=Bearer ")
	token, _, _ = strings.Cut(token, "\x01")
	switch {
	case !is:
		return turnedAway
	case d.Bearer(token):
		return admitted
	}
	return told
}

// body is a request's, behind its header: its length, key, version and number, and the client's name.
func body(request []byte) []byte {
	const name = 4 + 2 + 2 + 4
	if len(request) < name+2 {
		return nil
	}
	return request[min(len(request), name+2+max(0, int(int16(binary.BigEndian.Uint16(request[name:]))))):]
}

// readFrame reads a request with its length into memory.
func readFrame(r io.Reader, memory []byte) ([]byte, error) {
	if _, err := io.ReadFull(r, memory[:4]); err != nil {
		return nil, err
	}
	size := 4 + int(binary.BigEndian.Uint32(memory))
	if size < 12 || size > len(memory) {
		return nil, errors.New("no request")
	}
	_, err := io.ReadFull(r, memory[4:size])
	return memory[:size], err
}
