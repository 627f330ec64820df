// Package kafkatest gives tests and the sandbox a Kafka to work with: an in-process broker that speaks the
// protocol (kfake), or, when BATTLEREPORT_TEST_BROKERS names one, a real cluster. The same test runs on both.
//
// It does not fake the client: records go in and come out over the network. It uses franz-go, which to the consumer,
// on kafka-go, is another library, so that an error in the one is not mirrored by the other; what else of the product
// stands on franz-go numbers, sends and fetches its records by requests of its own.
//
// Topics and groups have names of their own for each call of [Name], so tests that share a real cluster do not
// meet. A test that depends on the fake asks for it, and is skipped on a real cluster: by options to [Start], by
// [Broker.RequireKfake], or by [Virtual], for tests in virtual time.
package kafkatest

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// BrokersVariable names the environment variable with the addresses of a real cluster, HOST:PORT with commas
// between them. The cluster must let anybody do anything, in the clear. What tests create in it stays:
// it is a cluster for tests.
const BrokersVariable = "BATTLEREPORT_TEST_BROKERS"

// Broker is a running Kafka. All its methods may be called by several goroutines.
type Broker struct {
	addrs []string
	fake  *kfake.Cluster // nil on a real cluster
	dial  dialFunc

	mu      sync.Mutex
	severed bool
	conns   map[*conn]struct{}
}

// Start returns a broker that ends with the test: the cluster named by the environment, or else a fake one of a
// single broker on a free port of 127.0.0.1. A test with opts, which only the fake understands, is skipped on a
// real cluster.
func Start(tb testing.TB, opts ...kfake.Opt) *Broker {
	tb.Helper()
	brokers := os.Getenv(BrokersVariable)
	if brokers == "" {
		return start(tb, opts)
	}
	if len(opts) > 0 {
		tb.Skip("sets options of the fake broker, and " + BrokersVariable + " names a real cluster")
	}
	return &Broker{addrs: strings.Split(brokers, ","), dial: new(net.Dialer).DialContext}
}

// Virtual runs a test in virtual time, as [testing/synctest.Test] does, with a broker from [StartVirtual]. On a real
// cluster the test is skipped.
func Virtual(t *testing.T, test func(t *testing.T, b *Broker), opts ...kfake.Opt) {
	t.Helper()
	if os.Getenv(BrokersVariable) != "" {
		t.Skip("runs in virtual time on a fake cluster, and " + BrokersVariable + " names a real one")
	}
	synctest.Test(t, func(t *testing.T) { test(t, StartVirtual(t, opts...)) })
}

// StartVirtual returns a fake cluster of three brokers on a network in memory, for use inside
// [testing/synctest.Test]: there a connection that waits lets the virtual clock go on, which one of the operating
// system does not. Clients must connect with [Broker.Dial], and must have ended when the test function returns.
func StartVirtual(tb testing.TB, opts ...kfake.Opt) *Broker {
	tb.Helper()
	oneProcessor(tb)
	network := new(kfake.VirtualNetwork)
	b := start(tb, append([]kfake.Opt{kfake.ListenFn(network.Listen), kfake.NumBrokers(3), kfake.Ports(9092, 9093, 9094)}, opts...))
	b.dial = network.DialContext
	return b
}

func start(tb testing.TB, opts []kfake.Opt) *Broker {
	tb.Helper()
	b, err := Run(opts...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(b.Close)
	return b
}

// Run returns a fake broker that lives until [Broker.Close], outside of tests too. Among the options
// [kfake.Ports] chooses the port and [kfake.DataDir] keeps the data from one run to the next.
func Run(opts ...kfake.Opt) (*Broker, error) {
	defaults := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.AllowAutoTopicCreation(),            // the default of Kafka: what asks for that by accident shows
		kfake.GroupMinSessionTimeout(time.Second), // tests wait for members that died; the default is 6s
	}
	fake, err := kfake.NewCluster(append(defaults, opts...)...)
	if err != nil {
		return nil, fmt.Errorf("start the fake broker: %w", err)
	}
	return &Broker{addrs: fake.ListenAddrs(), fake: fake, dial: new(net.Dialer).DialContext}, nil
}

// Close ends a fake broker and every connection to it; with a data directory, the data are saved first. It leaves
// a real cluster alone. To call it again does nothing. A new broker with the same [kfake.Ports] and [kfake.DataDir]
// is the old one restarted; an outage without one is [Broker.Sever].
func (b *Broker) Close() {
	if b.fake != nil {
		b.fake.Close()
	}
}

// Addrs returns the addresses to begin with, HOST:PORT.
func (b *Broker) Addrs() []string { return b.addrs }

// RequireKfake returns the cluster behind a fake broker, whose faults and controls a test may use. On a real
// cluster it skips the test.
func (b *Broker) RequireKfake(tb testing.TB) *kfake.Cluster {
	tb.Helper()
	if b.fake == nil {
		tb.Skip("needs the fault injection of the fake broker, and " + BrokersVariable + " names a real cluster")
	}
	return b.fake
}
