package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
)

// answering returns the address of somebody who answers whatever is said with a text.
func answering(t *testing.T, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	t.Cleanup(func() { l.Close(); <-ended })
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1<<14))
			_, _ = conn.Write([]byte(text))
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestWhatWillNotPassEndsEachCommandAtOnceByItsCause(t *testing.T) {
	t.Parallel()
	secure := kafkatest.StartSecure(t)
	unoffered := kafkatest.Start(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ada", "x"))
	unoffered.RequireKfake(t).ControlKey(int16(kmsg.SASLHandshake), func(r kmsg.Request) (kmsg.Response, error, bool) {
		unoffered.RequireKfake(t).KeepControl()
		if r.(*kmsg.SASLHandshakeRequest).Mechanism == "PLAIN" {
			return nil, nil, false
		}
		resp := r.ResponseKind().(*kmsg.SASLHandshakeResponse)
		resp.ErrorCode, resp.SupportedMechanisms = kerr.UnsupportedSaslMechanism.Code, []string{"PLAIN"}
		return resp, nil, true
	})
	strict := kafkatest.Start(t, kfake.EnableSASL(), kfake.Superuser("PLAIN", "ada", "x"))
	strict.RequireKfake(t).ControlKey(int16(kmsg.SASLAuthenticate), func(r kmsg.Request) (kmsg.Response, error, bool) { // as Kafka answers a wrong password
		strict.RequireKfake(t).KeepControl()
		resp := r.ResponseKind().(*kmsg.SASLAuthenticateResponse)
		resp.ErrorCode, resp.ErrorMessage = kerr.SaslAuthenticationFailed.Code, kmsg.StringPtr("Authentication failed: Invalid username or password")
		return resp, nil, true
	})
	const password = "battery-staple"
	tls := "tls: {enabled: true, ca_file: " + secure.CAFile + "}"
	for rule, test := range map[string]struct {
		address, keys string
		want          string
	}{
		"a wrong password":             {strict.Addrs()[0], "sasl: {mechanism: plain, username: battlereport, password: " + password + "}", "refuses the user battlereport (SASL mechanism plain): see the username and password of kafka.sasl"},
		"a wrong password, not sent":   {strict.Addrs()[0], "sasl: {mechanism: scram-sha-512, username: battlereport, password: " + password + "}", "refuses the user battlereport (SASL mechanism scram-sha-512)"},
		"a mechanism not offered":      {unoffered.Addrs()[0], "sasl: {mechanism: scram-sha-512, username: ada, password: " + password + "}", "does not offer the SASL mechanism scram-sha-512, but plain"},
		"an unknown authority":         {secure.SASLAddrs[0], "tls: {enabled: true}", "not signed by an authority that is trusted"},
		"TLS where none is configured": {answering(t, "\x15\x03\x03\x00\x02\x02\x50"), "", "speaks TLS, and kafka.tls.enabled is false"},
		"none where TLS is configured": {answering(t, "\x00\x00\x00\x04abcdefgh"), tls, "does not speak TLS: set kafka.tls.enabled to false"},
		"a port that is another's":     {answering(t, "HTTP/1.1 400 Bad Request\r\n\r\n"), "", "is not Kafka"},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			file := write(t, "battlereport.yaml", fmt.Sprintf("kafka: {brokers: [%q], %s}\napps: [{appid: wx1, appkey: k, topics: [t]}]\nhttp: {listen: \"\"}", test.address, test.keys))
			for _, args := range [][]string{{"run"}, {"publish"}, {"deadletter", "stats"}, {"deadletter", "replay", "--yes", "t.dlq/0/0"}, {"skip", "--dry-run", "t/0"}} {
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // which no command is to need
				var stdout, stderr strings.Builder
				code := run(ctx, append(args, "-c", file), strings.NewReader(report), &stdout, &stderr)
				if code != exitCannot || ctx.Err() != nil || !strings.Contains(stderr.String(), test.want) || !strings.Contains(stderr.String(), "battlereport: ") {
					t.Errorf("%v: exit %d, %v: %s", args, code, ctx.Err(), stderr.String())
				}
				if text := stderr.String(); strings.Contains(text, password) || strings.Contains(text, "trying again") || strings.Contains(text, "create it") {
					t.Errorf("%v: %s", args, text)
				}
				cancel()
			}
		})
	}
}

// moved has the fake broker say that it is to be found where nobody is. What it returns takes that back.
func moved(b *kfake.Cluster, topic string) (back func()) {
	ctx, cancel := context.WithCancel(context.Background())
	b.ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if ctx.Err() != nil {
			return nil, nil, false
		}
		b.KeepControl()
		resp := r.ResponseKind().(*kmsg.MetadataResponse)
		broker := kmsg.NewMetadataResponseBroker()
		broker.NodeID, broker.Host, broker.Port = 7, "127.0.0.1", 1
		resp.Brokers = append(resp.Brokers, broker)
		names := []*string{&topic}
		if asked := r.(*kmsg.MetadataRequest).Topics; len(asked) > 0 {
			names = nil
			for _, t := range asked {
				names = append(names, t.Topic)
			}
		}
		for _, name := range names {
			partition := kmsg.NewMetadataResponseTopicPartition()
			partition.Leader = broker.NodeID
			topic := kmsg.NewMetadataResponseTopic()
			topic.Topic, topic.Partitions = name, append(topic.Partitions, partition)
			resp.Topics = append(resp.Topics, topic)
		}
		return resp, nil, true
	})
	b.ControlKey(int16(kmsg.FindCoordinator), func(r kmsg.Request) (kmsg.Response, error, bool) {
		if ctx.Err() != nil {
			return nil, nil, false
		}
		b.KeepControl()
		resp := r.ResponseKind().(*kmsg.FindCoordinatorResponse)
		resp.NodeID, resp.Host, resp.Port = 7, "127.0.0.1", 1
		for _, key := range r.(*kmsg.FindCoordinatorRequest).CoordinatorKeys { // which newer versions have in place of one
			coordinator := kmsg.NewFindCoordinatorResponseCoordinator()
			coordinator.Key, coordinator.NodeID, coordinator.Host, coordinator.Port = key, 7, "127.0.0.1", 1
			resp.Coordinators = append(resp.Coordinators, coordinator)
		}
		return resp, nil, true
	})
	return cancel
}

func TestAnAddressThatABrokerGivesIsNotTakenForTheOneThatAnswers(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"deadletter", "stats"}, {"deadletter", "replay", "--yes", "--reason", "exhausted"}, {"publish"}, {"run", "--listen", "127.0.0.1:0"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			p := newPost(t, 1)
			defer moved(p.RequireKfake(t), p.source)()
			number := "broker 7"
			if args[0] == "run" {
				number = "one of its brokers" // as far as the consumer is told
			}
			want := "Kafka at " + p.Addrs()[0] + " answers and calls " + number + " 127.0.0.1:1, which cannot be reached from here (dial tcp 127.0.0.1:1: connect: connection refused): see advertised.listeners of the broker"
			ctx, signal := context.WithTimeout(t.Context(), time.Minute)
			defer signal()
			stderr := &heard{word: want, do: signal}
			code := run(ctx, append(args, "-c", p.config), strings.NewReader(report), new(strings.Builder), stderr)
			text := stderr.b.String()
			if !strings.Contains(text, want) || strings.Contains(text, p.Addrs()[0]+" cannot be reached") || (code == exitDone) != (args[0] == "run") {
				t.Errorf("exit %d: %s", code, text)
			}
		})
	}
}

// restarting returns an address of the broker's that hangs up on the first connections.
func restarting(t *testing.T, broker string, times int) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var ended sync.WaitGroup
	t.Cleanup(func() { l.Close(); ended.Wait() })
	ended.Go(func() {
		for n := 0; ; n++ {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			ended.Go(func() {
				defer conn.Close()
				if n < times {
					_, _ = conn.Read(make([]byte, 1<<10))
					return
				}
				to, err := net.Dial("tcp", broker)
				if err != nil {
					return
				}
				defer to.Close()
				ended.Go(func() { _, _ = io.Copy(conn, to); conn.Close() })
				_, _ = io.Copy(to, conn)
			})
		}
	})
	return l.Addr().String()
}

func TestABrokerThatHangsUpAtTheFirstQuestionIsAskedAgain(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"deadletter", "stats"}, {"deadletter", "replay", "--yes", "--reason", "exhausted"}, {"publish"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			p := newPost(t, 1)
			p.letters(t, 1)
			file := write(t, "battlereport.yaml", fmt.Sprintf("kafka: {brokers: [%q]}\napps: [{appid: wx1, appkey: k, topics: [%s]}]", restarting(t, p.Addrs()[0], 2), p.source))
			if got := invoke(t, report, append(args, "-c", file)...); got.code != exitDone {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestFewerBrokersThanReplicasAreWaitedForByAReplay(t *testing.T) {
	t.Parallel()
	p := newPost(t, 1)
	p.letters(t, 1)
	fault := p.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.InvalidReplicationFactor, Count: 3})
	defer fault.Remove()
	if got := p.invoke(t, "", "replay", "--reason", "exhausted", "--yes"); got.code != exitDone {
		t.Errorf("%+v", got)
	}
}
