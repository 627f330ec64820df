package pipeline_test

import (
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/telemetry"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// document is where it is written for people what the metrics tell.
const document = "../../../deploy/metrics.md"

// family is a metric: its type, and the keys of its labels, in order.
type family struct {
	kind   string
	labels []string
}

var (
	typeLine   = regexp.MustCompile(`^# TYPE (\S+) (\S+)$`)
	seriesLine = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? \S+$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)
)

// ofRuntime tells whether a metric is the Go runtime's or the process's, of which there are more than anybody looks at.
func ofRuntime(name string) bool {
	return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
}

// scrape is what a page of metrics has: the families, and the series of those that are the program's own, but for a
// histogram's buckets.
func scrape(t *testing.T, metrics *telemetry.Metrics) (families map[string]family, series map[string]bool) {
	t.Helper()
	w := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	families, series = map[string]family{}, map[string]bool{}
	name := ""
	for line := range strings.Lines(w.Body.String()) {
		line = strings.TrimSuffix(line, "\n")
		if m := typeLine.FindStringSubmatch(line); m != nil {
			name = m[1]
			families[name] = family{kind: m[2]}
			continue
		}
		m := seriesLine.FindStringSubmatch(line)
		if m == nil {
			continue
		}
		f := families[name]
		for _, pair := range labelPair.FindAllStringSubmatch(m[2], -1) {
			if pair[1] != "le" && pair[1] != "quantile" && !slices.Contains(f.labels, pair[1]) {
				f.labels = append(f.labels, pair[1])
			}
		}
		slices.Sort(f.labels)
		families[name] = f
		if !ofRuntime(name) && !strings.HasSuffix(m[1], "_bucket") {
			series[strings.TrimRight(m[1]+"{"+m[2]+"}", " ")] = true
		}
	}
	return families, series
}

// documented are the metrics of the document's tables, by name.
func documented(t *testing.T) map[string]family {
	t.Helper()
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	quoted := regexp.MustCompile("`([a-z_]+)`")
	all := map[string]family{}
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(line, "|")
		if len(cells) < 8 || !strings.Contains(cells[1], "`") {
			continue
		}
		name := quoted.FindStringSubmatch(cells[1])[1]
		if _, twice := all[name]; twice {
			t.Errorf("%s is there twice", name)
		}
		f := family{kind: strings.TrimSpace(cells[2])}
		for _, label := range quoted.FindAllStringSubmatch(cells[4], -1) {
			f.labels = append(f.labels, label[1])
		}
		slices.Sort(f.labels)
		all[name] = f
		for _, cell := range cells[5:7] {
			if strings.TrimSpace(cell) == "" {
				t.Errorf("of %s it is not said what it tells, or what to do when it moves", name)
			}
		}
		unit := strings.TrimSpace(cells[3])
		for suffix, want := range map[string]string{"_seconds": "s", "_bytes": "bytes", "_ratio": "0 to 1"} {
			if base := strings.TrimSuffix(strings.TrimSuffix(name, "_total"), "_limit"); strings.HasSuffix(base, suffix) && unit != want {
				t.Errorf("%s has the unit %q, want %q", name, unit, want)
			}
		}
	}
	return all
}

// eventful runs a member through all that a metric tells of, and calls check while it runs.
func eventful(t *testing.T, check func(w *world, p *pipeline.Pipeline, metrics *telemetry.Metrics)) {
	t.Helper()
	metrics, err := telemetry.NewMetrics()
	if err != nil {
		t.Fatal(err)
	}
	if err := metrics.TellBuild("v1.2.3", "0123abcd"); err != nil {
		t.Fatal(err)
	}
	virtualWith(t, msdktest.Config{NoUserLimit: true}, func(w *world) {
		w.certify()
		w.cfg.Batch.MaxRecords, w.cfg.Delivery.MaxPending, w.cfg.Delivery.MaxHold = 10, 400, 24*time.Hour
		w.addApp(otherApp, w.topic)
		quiet := w.Topic(w.t, 1)
		w.cfg.Apps[1].Topics = append(w.cfg.Apps[1].Topics, quiet)
		bar := new(msdktest.Outage)
		w.msdk.SetRules(msdktest.ForApp(appID, bar.Rule), oddly())
		w.opts.MeterProvider = metrics.Provider()
		p, _ := w.start()
		w.hostile(0, 500)
		time.Sleep(5 * time.Minute)
		bar.Begin(msdktest.Answer{Ret: -502})
		w.mixed(1000, 50, appID, otherApp)
		w.opts.MeterProvider = nil
		_, stop := w.start() // another's coming and going makes generations, and drains
		time.Sleep(30 * time.Second)
		stop()
		time.Sleep(5 * time.Minute)
		defer w.openTransaction(quiet)()
		time.Sleep(15 * time.Second)
		check(w, p, metrics)
	})
}

// certify has the pipeline know of a certificate, which it has no use for.
func (w *world) certify() {
	dir := w.t.TempDir()
	w.cfg.Kafka.TLS = config.TLS{CertFile: filepath.Join(dir, "client.pem"), KeyFile: filepath.Join(dir, "client.key")}
	c := kafkatest.NewAuthority(w.t, "authority").Issue(w.t, "client", 24*time.Hour)
	c.Write(w.t, w.cfg.Kafka.TLS.CertFile)
	c.WriteKey(w.t, w.cfg.Kafka.TLS.KeyFile)
}

// openTransaction writes a record in a transaction, which end ends.
func (w *world) openTransaction(topic string) (end func()) {
	w.t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(w.Addrs()...), kgo.Dialer(w.Dial), kgo.TransactionalID(kafkatest.Name(w.t)))
	if err == nil {
		err = client.BeginTransaction()
	}
	if err == nil {
		err = client.ProduceSync(w.t.Context(), &kgo.Record{Topic: topic, Value: []byte("open")}).FirstErr()
	}
	if err != nil {
		w.t.Fatal(err)
	}
	return func() {
		_ = client.EndTransaction(w.t.Context(), kgo.TryAbort)
		client.Close()
	}
}

// oddly answers every other call as a platform should not, with codes of its own among others.
func oddly() msdktest.Rule {
	var calls atomic.Int64
	return func(*msdktest.Request) msdktest.Answer {
		n := int(calls.Add(1))
		answers := [...]msdktest.Answer{
			{Ret: 77000 + n},
			{Ret: -20000, Msg: "45009,reach max api limit"},
			{HTTP: 502},
			{Ret: -20000, Msg: fmt.Sprint(88000+n, ",new")},
			{Ret: -504},
			{Ret: -1011},
			{Body: fmt.Sprint("<html>", n)},
		}
		if n%2 == 0 {
			return msdktest.Answer{}
		}
		return answers[n/2%len(answers)]
	}
}

// hostile produces, from a number on, n events of as many players that each try to be told apart.
func (w *world) hostile(from, n int) {
	w.t.Helper()
	var records []kafkatest.Record
	elsewhere := w.Topic(w.t, 1)
	for i := from; i < from+n; i++ {
		user := fmt.Sprintf("player-%d", i)
		app := kafkatest.Header{Key: "appid", Value: []byte([]string{otherApp, otherApp, otherApp, fmt.Sprintf("wx%d\"\n}\xff", i)}[i%4])}
		r := kafkatest.Record{
			Topic: w.topic, Partition: partitionOf(user), Key: []byte(user), Value: []byte(report(user, i)),
			Headers: []kafkatest.Header{app, {Key: fmt.Sprint("header-", i), Value: []byte(user)}},
		}
		switch i % 40 {
		case 1:
			r.Value = []byte(fmt.Sprintf("{%d", i))
		case 5:
			r.Value = []byte(fmt.Sprintf(`{"field-%d": 1}`, i))
		case 9:
			r.Headers = append(r.Headers, app)
		case 13:
			r.Key = []byte(strings.Repeat(user, 10_000))
		case 17:
			r.Timestamp = time.UnixMilli(int64(i))
		case 21:
			r.Topic, r.Partition = elsewhere, 0
		}
		records = append(records, r)
	}
	w.Produce(w.t, records...)
}

func TestTheDocumentTellsOfEachMetricThatThereIsAndOfNoOther(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	eventful(t, func(w *world, _ *pipeline.Pipeline, metrics *telemetry.Metrics) {
		said := documented(t)
		families, _ := scrape(t, metrics)
		for name, f := range families {
			if d, is := said[name]; !is && !ofRuntime(name) {
				t.Errorf("%s does not tell of %s, a %s with the labels %q", document, name, f.kind, f.labels)
			} else if is && (d.kind != f.kind || !slices.Equal(d.labels, f.labels)) {
				t.Errorf("%s is a %s with the labels %q, and the document says a %s with %q", name, f.kind, f.labels, d.kind, d.labels)
			}
		}
		for name := range said {
			if _, is := families[name]; !is {
				t.Errorf("%s tells of %s, which there is not", document, name)
			}
		}
	})
}

func TestThereAreNoMoreSeriesHoweverManyPlayersAndHowHostileTheirRecordsAre(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes long, by ways that shorter tests go")
	}
	eventful(t, func(w *world, p *pipeline.Pipeline, metrics *telemetry.Metrics) {
		_, before := scrape(t, metrics)
		n := settled(p.Stats())
		w.hostile(10_000, 4000)
		w.settled(p, n+3800, time.Hour) // some are of a topic that is nobody's
		time.Sleep(time.Minute)
		_, after := scrape(t, metrics)
		for s := range after {
			if !before[s] {
				t.Errorf("a new series: %s", s)
			}
		}
		const apps, topics, partitions, classes = 2, 4, 10, 6 // with the replay topics, of as many partitions as theirs
		counts := map[string]int{}
		for s := range after {
			name, _, _ := strings.Cut(s, "{")
			counts[name]++
			if strings.Contains(s, "player") || strings.Contains(s, "wx1") || len(s) > 400 {
				t.Errorf("a label that a record makes: %s", s)
			}
		}
		for name, want := range map[string]int{
			"battlereport_checked_total":              topics * 6,
			"battlereport_dead_letters_total":         apps*6 + 2,
			"battlereport_delivered_total":            apps,
			"battlereport_msdk_calls_total":           apps * classes,
			"battlereport_held_records":               apps,
			"battlereport_deferred_records":           apps,
			"battlereport_breaker_open":               apps,
			"battlereport_consumer_records_total":     topics,
			"battlereport_consumer_lag":               partitions,
			"battlereport_consumer_age_seconds":       partitions,
			"battlereport_consumer_paused_partitions": 3,
			"battlereport_paused":                     2,
			"battlereport_limited":                    1,
			"battlereport_members_wanted":             1,
		} {
			if counts[name] != want {
				t.Errorf("%s has %d series, want %d", name, counts[name], want)
			}
		}
	})
}
