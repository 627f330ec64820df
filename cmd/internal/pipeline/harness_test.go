package pipeline_test

import (
	"context"
	"fmt"
	"hash/fnv"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	appID  = "wxcde873f99466f74a"
	appKey = "111111"

	otherApp = "wx0000000000000002"
)

// world is a broker, a simulated MSDK, and pipelines between them.
type world struct {
	*kafkatest.Broker
	t     *testing.T
	msdk  *msdktest.Server
	cfg   config.Config
	topic string
	opts  pipeline.Options
	log   *logged
	rest  func() // returns when nothing more happens at this moment, in virtual time
}

// virtual runs a test in virtual time: a broker and a platform in memory, where
// an hour passes in no time.
func virtual(t *testing.T, test func(w *world)) {
	t.Helper()
	virtualWith(t, msdktest.Config{}, test)
}

func virtualWith(t *testing.T, m msdktest.Config, test func(w *world)) {
	t.Helper()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		pipe := msdktest.NewPipe()
		w := newWorld(t, b, m)
		w.cfg.MSDK.BaseURL = "http://msdk.test"
		w.opts.DialMSDK = pipe.DialContext
		w.rest = synctest.Wait
		w.msdk.Serve(pipe)
		test(w)
	})
}

// real is a world on loopback, with the fake broker or the cluster that the
// environment names.
func real(t *testing.T) *world {
	t.Helper()
	w := newWorld(t, kafkatest.Start(t), msdktest.Config{})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.msdk.Serve(l)
	w.cfg.MSDK.BaseURL = "http://" + l.Addr().String()
	w.opts.HeartbeatInterval = 200 * time.Millisecond
	// A machine that stands still for some seconds repeats nothing by that.
	w.cfg.MSDK.Timeout, w.cfg.Kafka.SessionTimeout = time.Minute, 30*time.Second
	return w
}

func newWorld(t *testing.T, broker *kafkatest.Broker, m msdktest.Config) *world {
	t.Helper()
	m.Apps = append(m.Apps, msdktest.App{ID: appID, AppKey: appKey}, msdktest.App{ID: otherApp, AppKey: appKey})
	w := &world{Broker: broker, t: t, msdk: msdktest.New(m), log: &logged{t: t}, rest: func() {}}
	t.Cleanup(w.msdk.Close)
	w.topic = broker.Topic(t, 4)
	w.cfg = config.Default()
	w.cfg.Kafka.Brokers = broker.Addrs()
	w.cfg.Kafka.Group = kafkatest.Name(t)
	w.cfg.Apps = []config.App{{
		AppID: appID, AppKey: appKey, Encode: 1, Topics: []string{w.topic},
		Route: "battle_report", Schema: "builtin:any", ScoreExpires: "0",
	}}
	w.opts = pipeline.Options{Logger: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug})), DialKafka: broker.Dial}
	return w
}

// logged keeps the log for the case that the test fails.
type logged struct {
	t  *testing.T
	mu sync.Mutex
	b  strings.Builder
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *logged) contains(s string) bool { return strings.Contains(l.text(), s) }

// start runs a pipeline until stop is called, which waits until it has drained.
func (w *world) start() (p *pipeline.Pipeline, stop func()) {
	w.t.Helper()
	p, err := pipeline.New(&w.cfg, w.opts)
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- p.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("Run: %v", err)
		}
		p.Close()
	})
	w.t.Cleanup(func() {
		stop()
		if w.t.Failed() {
			w.t.Log(w.log.text())
		}
	})
	return p, stop
}

// until waits for a condition; in virtual time it costs nothing, and looks when
// all that happens at a moment has happened.
func (w *world) until(what string, within time.Duration, is func() bool) {
	w.t.Helper()
	began := time.Now()
	for w.rest(); !is(); w.rest() {
		waited := time.Since(began)
		if waited > within {
			w.t.Fatalf("after %s still not: %s", within, what)
		}
		time.Sleep(max(10*time.Millisecond, waited/1000)) // virtual hours have many moments to ask at
	}
}

// report is a good event of a user.
func report(user string, n int) string {
	return fmt.Sprintf(`{"baseinfo": {"openid":"%s","platid":0}, "battleinfo":{"score":%d}}`, user, n)
}

func partitionOf(user string) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(user))
	return int32(h.Sum32() % 4)
}

// publish produces values keyed by user to one partition, in order.
func (w *world) publish(user string, values ...string) {
	w.t.Helper()
	var records []kafkatest.Record
	for _, v := range values {
		records = append(records, kafkatest.Record{Topic: w.topic, Partition: partitionOf(user), Key: []byte(user), Value: []byte(v)})
	}
	w.Produce(w.t, records...)
}

// addApp configures another app, known to the platform by the harness's world,
// with a topic of its own or that of the first.
func (w *world) addApp(id, topic string) {
	w.cfg.Apps = append(w.cfg.Apps, config.App{
		AppID: id, AppKey: appKey, Encode: 1, Topics: []string{topic},
		Route: "battle_report", Schema: "builtin:any", ScoreExpires: "0",
	})
}

// settled waits until n events are delivered or lettered.
func (w *world) settled(p *pipeline.Pipeline, n int, within time.Duration) {
	w.t.Helper()
	w.until(fmt.Sprintf("%d events settled", n), within, func() bool { return settled(p.Stats()) >= n })
}

func settled(s pipeline.Stats) int {
	n := s.Delivered
	for _, letters := range s.DeadLetters {
		n += letters
	}
	return int(n)
}

// calls is the number of calls that the platform has seen.
func (w *world) calls() (n int) {
	for _, c := range w.msdk.Ledger.Outcomes() {
		n += c
	}
	return n
}

// letters are what lies in the dead-letter topic.
func (w *world) letters() []kafkatest.Record { return w.ReadAll(w.t, w.topic+".dlq") }

// header is a letter's header, empty if it is missing.
func header(r kafkatest.Record, key string) string {
	i := slices.IndexFunc(r.Headers, func(h kafkatest.Header) bool { return h.Key == key })
	if i < 0 {
		return ""
	}
	return string(r.Headers[i].Value)
}

// accepted are the values that the platform has accepted of a user, in order.
func (w *world) accepted(user string) []string {
	var out []string
	for _, r := range w.msdk.Ledger.Player(appID, user) {
		out = append(out, string(r.Raw))
	}
	return out
}

// call is a call that the platform saw.
type call struct {
	app          string
	named        string
	users        []string
	began, ended time.Time
}

// watch has every call take a while and notes it, before the other rules.
func (w *world) watch(calls *[]call, latency time.Duration, rules ...msdktest.Rule) {
	var mu sync.Mutex
	w.msdk.SetRules(append([]msdktest.Rule{func(r *msdktest.Request) msdktest.Answer {
		c := call{app: r.AppID, named: r.OpenID, began: time.Now()}
		for _, rep := range r.Reports {
			c.users = append(c.users, rep.OpenID)
		}
		r.Wait(latency)
		c.ended = time.Now()
		mu.Lock()
		defer mu.Unlock()
		*calls = append(*calls, c)
		return msdktest.Answer{}
	}}, rules...)...)
}

// callsWith is how many of the calls had an event of the user in them, as text.
func callsWith(user string, calls []call) string {
	n := 0
	for _, c := range calls {
		if slices.Contains(c.users, user) {
			n++
		}
	}
	return fmt.Sprint(n)
}

// produce writes a good event of a user with the header appid.
func (w *world) produce(topic, app, user string, n int) {
	w.t.Helper()
	w.Produce(w.t, kafkatest.Record{
		Topic: topic, Partition: partitionOf(user), Key: []byte(user), Value: []byte(report(user, n)),
		Headers: []kafkatest.Header{{Key: "appid", Value: []byte(app)}},
	})
}

// produceMany writes a good event each of many users.
func (w *world) produceMany(topic, prefix string, n int) {
	w.t.Helper()
	w.produceManyTo(topic, 4, prefix, n)
}

// produceManyTo is produceMany for a topic of another number of partitions.
func (w *world) produceManyTo(topic string, partitions int32, prefix string, n int) {
	w.t.Helper()
	for from := 0; from < n; from += 5000 {
		var records []kafkatest.Record
		for i := from; i < min(n, from+5000); i++ {
			user := fmt.Sprintf("%s-%d", prefix, i)
			records = append(records, kafkatest.Record{Topic: topic, Partition: partitionOf(user) % partitions, Key: []byte(user), Value: []byte(report(user, i))})
		}
		w.Produce(w.t, records...)
	}
}
