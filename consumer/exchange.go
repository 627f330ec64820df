package consumer

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	fetchAPI "github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/internal/wire"
)

// exchange is one request to a broker and the response to it. It goes over a
// connection of kafka-go's, which knows the brokers, connects and authenticates;
// the encoding is kmsg's. kafka-go's own ends with the versions of Kafka 2.3:
// before topics had ids (KIP-516). It also copies each key and value that is
// fetched, and tells neither where a compacted batch ends nor when the broker
// has appended one.
type exchange struct {
	clientID string
	request  kmsg.Request
	most     int16 // the newest version to speak
	choose   chooseBroker
	chosen   int32
	spoken   *spoken
	quota    *quota
	admit    func(size int) error // waits for memory for the response; nil: there is

	answered context.CancelCauseFunc // has the one who waits for it go on

	response kmsg.Response
	memory   *wire.Memory // what the response refers to
}

// chooseBroker chooses where a request goes.
type chooseBroker func(protocol.Cluster) (protocol.Broker, error)

var (
	_ protocol.BrokerMessage = (*exchange)(nil)
	_ protocol.RawExchanger  = (*exchange)(nil)
)

// ApiKey makes it a message of kafka-go's.
func (e *exchange) ApiKey() protocol.ApiKey { return protocol.ApiKey(e.request.Key()) }

// Broker has kafka-go send it to the broker chosen.
func (e *exchange) Broker(cluster protocol.Cluster) (protocol.Broker, error) {
	b, err := e.choose(cluster)
	e.chosen = b.ID
	return b, err
}

// Required has kafka-go leave the exchange to RawExchange.
func (e *exchange) Required(map[protocol.ApiKey]int16) bool { return true }

// leaderOf chooses the leader of a partition.
func leaderOf(topic string, partition int) chooseBroker {
	route := fetchAPI.Request{Topics: []fetchAPI.RequestTopic{{
		Topic: topic, Partitions: []fetchAPI.RequestPartition{{Partition: int32(partition)}},
	}}}
	return route.Broker
}

// anyOf leaves it to kafka-go, which has a connection to one that answers: it asks there
// for the cluster's layout.
func anyOf(protocol.Cluster) (protocol.Broker, error) { return protocol.Broker{ID: -1}, nil }

// node chooses a broker by its id.
func node(id int32) chooseBroker {
	return func(cluster protocol.Cluster) (protocol.Broker, error) {
		if b, known := cluster.Brokers[id]; known {
			return b, nil
		}
		return protocol.Broker{}, fmt.Errorf("broker %d is not known, or is gone", id)
	}
}

// RawExchange sends the request and reads the response. It runs on a goroutine
// of the connection, which nobody may be waiting for any more.
func (e *exchange) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	version, err := e.negotiate(rw)
	if err == nil {
		e.response, e.memory, err = roundTrip(rw, e.clientID, e.request, version, e.admit)
	}
	if err != nil { // another version may run there now
		e.spoken.forget(e.chosen)
		return e, err
	}
	return e, e.keep(throttle(e.response))
}

// over has it exchanged: m is the exchange, or what has it embedded.
func (e *exchange) over(ctx context.Context, client *kafka.Client, m protocol.Message) error {
	ctx, e.answered = context.WithCancelCause(ctx)
	defer e.answered(nil)
	_, err := client.Transport.RoundTrip(ctx, client.Addr, m)
	if errors.Is(context.Cause(ctx), errAnswered) {
		return nil
	}
	return err
}

var errAnswered = errors.New("the answer is there")

// keep keeps the connection for as long as the broker reads nothing from it: kafka-go
// gives what is sent next the connection that was used last, and the broker would seem
// not to answer. Who waits for the answer has it at once, and with it the exchange.
// The error is for kafka-go, which then closes the connection: enough are kept.
func (e *exchange) keep(throttle time.Duration) error {
	if throttle == 0 || e.answered == nil {
		return nil
	}
	quota, broker := e.quota, e.chosen
	quota.note(broker, throttle)
	e.answered(errAnswered)
	return quota.hold(broker, throttle)
}

// negotiate finds the version to speak: kafka-go has asked too, but keeps no
// more than what it can speak itself.
func (e *exchange) negotiate(rw io.ReadWriter) (version int16, err error) {
	all, known := e.spoken.by(e.chosen)
	if !known {
		res, memory, err := roundTrip(rw, e.clientID, kmsg.NewPtrApiVersionsRequest(), 0, nil)
		if err != nil {
			return 0, fmt.Errorf("ask which versions the broker speaks: %w", err)
		}
		all = map[int16]versions{}
		for _, k := range res.(*kmsg.ApiVersionsResponse).ApiKeys {
			all[k.ApiKey] = versions{k.MinVersion, k.MaxVersion}
		}
		memory.Release()
		e.spoken.note(e.chosen, all)
	}
	v := all[e.request.Key()]
	return max(min(v.newest, e.most), v.oldest), nil
}

// send sends a request in a version of its API.
func send(w io.Writer, clientID string, req kmsg.Request, version int16) error {
	const correlation = 0 // one request at a time: there is nothing to tell apart
	req.SetVersion(version)
	format := kmsg.NewRequestFormatter(kmsg.FormatterClientID(clientID))
	_, err := w.Write(format.AppendRequest(make([]byte, 0, 1<<10), req, correlation))
	return err
}

func roundTrip(rw io.ReadWriter, clientID string, req kmsg.Request, version int16, admit func(int) error) (kmsg.Response, *wire.Memory, error) {
	if err := send(rw, clientID, req, version); err != nil {
		return nil, nil, err
	}
	res := req.ResponseKind()
	m, err := wire.ReadResponse(rw, res, admit)
	if err != nil {
		return nil, nil, err
	}
	return res, m, nil
}

// versions are those of an API that a broker speaks.
type versions struct{ oldest, newest int16 }

// spoken is what brokers speak. It is safe for concurrent use.
type spoken struct {
	mu       sync.Mutex
	byBroker map[int32]map[int16]versions // by API; the inner maps are not changed
}

func (s *spoken) by(broker int32) (byAPI map[int16]versions, known bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	byAPI, known = s.byBroker[broker]
	return byAPI, known
}

func (s *spoken) note(broker int32, byAPI map[int16]versions) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.byBroker == nil {
		s.byBroker = map[int32]map[int16]versions{}
	}
	s.byBroker[broker] = byAPI
}

func (s *spoken) forget(broker int32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byBroker, broker)
}

// exchange is the request to the broker chosen, in a version up to most.
func (c *Consumer) exchange(req kmsg.Request, most int16, choose chooseBroker) exchange {
	return exchange{clientID: c.cfg.Connection.ClientID, request: req, most: most, choose: choose, spoken: &c.spoken, quota: &c.quota}
}

// ask sends the request to the broker chosen, in a version up to most. The
// response refers to the memory, which whoever has it last releases.
func (c *Consumer) ask(ctx context.Context, choose chooseBroker, most int16, req kmsg.Request) (kmsg.Response, *wire.Memory, error) {
	return c.askWithin(ctx, choose, most, req, nil)
}

// askWithin is ask; admit waits for memory for a response of that size, in bytes.
// It may be called when nobody waits for the response any more.
func (c *Consumer) askWithin(ctx context.Context, choose chooseBroker, most int16, req kmsg.Request, admit func(size int) error) (kmsg.Response, *wire.Memory, error) {
	e := c.exchange(req, most, choose)
	e.admit = admit
	if err := e.over(ctx, c.client, &e); err != nil {
		return nil, nil, err
	}
	return e.response, e.memory, nil
}
