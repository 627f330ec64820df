package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// runFile is a configuration for a broker and a platform of the test's own.
func runFile(t *testing.T, b *kafkatest.Broker, topic, baseURL string) string {
	t.Helper()
	return write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: %s}
msdk: {base_url: %s}
apps: [{appid: wx1, appkey: "111111", topics: [%s]}]
batch: {linger: 0s}
http: {listen: 127.0.0.1:0}
telemetry: {log_format: text}
`, strings.Join(b.Addrs(), ", "), kafkatest.Name(t), baseURL, topic))
}

// text is a writer to be read while it is written.
type text struct {
	mu sync.Mutex
	b  strings.Builder
}

func (w *text) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

func (w *text) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.String()
}

// await returns what follows the mark in what was written, up to a space.
func (w *text) await(t *testing.T, mark string) string {
	t.Helper()
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if _, rest, ok := strings.Cut(w.String(), mark); ok {
			return strings.Fields(rest + " ")[0]
		}
	}
	t.Fatalf("no %q in\n%s", mark, w)
	return ""
}

func TestRunDeliversUntilASignal(t *testing.T) {
	b := kafkatest.Start(t)
	msdk := msdktest.Start(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "111111"}}})
	defer msdk.Close()
	topic := b.Topic(t, 2)
	file := runFile(t, b, topic, msdk.URL)

	ctx, signal := context.WithCancel(t.Context())
	var log text
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"run", "-c", file}, strings.NewReader(""), io.Discard, &log) }()
	address := log.await(t, "address=")
	log.await(t, "generation begun")
	b.Produce(t,
		kafkatest.Record{Topic: topic, Value: []byte(`{"baseinfo":{"openid":"o1","platid":0},"battleinfo":{"score":7}}`)},
		kafkatest.Record{Topic: topic, Value: []byte(`{}`)},
	)
	get := func(path string) (int, string) {
		t.Helper()
		res, err := http.Get("http://" + address + path)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	_, msdkPort, _ := strings.Cut(msdk.URL, "127.0.0.1:")
	want := []string{
		`battlereport_delivered_total{appid="wx1",route="battle_report"} 1`,
		`battlereport_dead_letters_total{appid="wx1",reason="schema_violation"} 1`,
		`battlereport_dead_letters_total{appid="wx1",reason="exhausted"} 0`,
		`battlereport_msdk_calls_total{appid="wx1",class="ok",route="battle_report"} 1`,
		`battlereport_msdk_calls_total{appid="wx1",class="throttle",route="battle_report"} 0`,
		`http_client_request_duration_seconds_count{http_request_method="POST",http_response_status_code="200",server_address="127.0.0.1",server_port="` + msdkPort + `",url_template="/profile/wxbattle_report"} 1`,
		`http_client_request_body_size_bytes_count{http_request_method="POST",http_response_status_code="200",server_address="127.0.0.1",server_port="` + msdkPort + `",url_template="/profile/wxbattle_report"} 1`,
		`http_client_response_body_size_bytes_count{http_request_method="POST",http_response_status_code="200",server_address="127.0.0.1",server_port="` + msdkPort + `",url_template="/profile/wxbattle_report"} 1`,
		`battlereport_breaker_open{appid="wx1"} 0`,
		`battlereport_consumer_records_total{topic="` + topic + `"} 2`,
		`battlereport_consumer_lag{partition="0",topic="` + topic + `"} 0`,
		`battlereport_consumer_age_seconds{partition="0",topic="` + topic + `"} 0`,
		`battlereport_consumer_odd_timestamps_total{kind="missing",topic="` + topic + `"} 0`,
		`battlereport_consumer_deleted_total{partition="0",topic="` + topic + `"} 0`,
		`battlereport_pending_records 0`,
	}
	var page string
	missing := func() string {
		for _, line := range want {
			if !strings.Contains(page, line+"\n") {
				return line
			}
		}
		return ""
	}
	for deadline := time.Now().Add(2 * time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if _, page = get("/metrics"); missing() == "" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no line %q in\n%s", missing(), page)
		}
	}
	if status, body := get("/readyz"); status != 200 {
		t.Errorf("/readyz: %d %s", status, body)
	}
	signal()
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d", c)
	}
	if strings.Contains(log.String(), "111111") {
		t.Error("the key is in the log")
	}
	http.DefaultClient.CloseIdleConnections()
}

func TestRunSaysFirstByWhichProxyItCallsAndSaysToAllWhoItIs(t *testing.T) {
	b := kafkatest.Start(t)
	msdk := msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "111111"}}})
	defer msdk.Close()
	agents := make(chan string, 1)
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case agents <- r.UserAgent():
		default: // it is known
		}
		msdk.ServeHTTP(w, r)
	}))
	defer proxy.Close()
	topic := b.Topic(t, 1)
	file := runFile(t, b, topic, "http://msdk.example")
	t.Setenv("NO_PROXY", "")
	t.Setenv("HTTP_PROXY", "http://me:hunter2@"+proxy.Listener.Addr().String())

	ctx, signal := context.WithCancel(t.Context())
	var log text
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"run", "-c", file}, strings.NewReader(""), io.Discard, &log) }()
	b.Produce(t, kafkatest.Record{Topic: topic, Value: []byte(reportOf("o1", 7))})
	if agent := <-agents; !strings.HasPrefix(agent, "battlereport/") {
		t.Errorf("User-Agent: %s", agent)
	}
	signal()
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d", c)
	}
	first, _, _ := strings.Cut(log.String(), "\n")
	if want := "proxy=http://[redacted]@" + proxy.Listener.Addr().String(); !strings.Contains(first, want) {
		t.Errorf("the first line does not say %s: %s", want, first)
	}
	if strings.Contains(log.String(), "hunter2") {
		t.Error("the proxy's password is in the log")
	}
	if n := msdk.Ledger.Len(); n != 1 {
		t.Errorf("%d reports taken", n)
	}
}

func TestRunEndsByASignalWhileItWaitsForKafka(t *testing.T) {
	file := write(t, "battlereport.yaml", `
kafka: {brokers: ["127.0.0.1:1"]}
apps: [{appid: wx1, appkey: "111111", topics: [battle-reports]}]
http: {listen: 127.0.0.1:0}
`)
	ctx, signal := context.WithCancel(t.Context())
	var log text
	code := make(chan int, 1)
	go func() { code <- run(ctx, []string{"run", "-c", file}, strings.NewReader(""), io.Discard, &log) }()
	log.await(t, "waiting for Kafka")
	signal()
	if c := <-code; c != exitDone {
		t.Errorf("exit code %d", c)
	}
}

func TestRunRefusesWhatCannotWork(t *testing.T) {
	b := kafkatest.Start(t)
	topic := b.Topic(t, 1)
	good := runFile(t, b, topic, "http://127.0.0.1:1")
	for rule, test := range map[string]struct {
		args []string
		want string // in standard error
	}{
		"no configuration":          {[]string{"run"}, "-c FILE is needed"},
		"one that is not there":     {[]string{"run", "-c", "nowhere.yaml"}, "no such file"},
		"one with faults":           {[]string{"run", "-c", write(t, "bad.yaml", "apps: []\nbatch: {max_records: 0}\n")}, "batch.max_records"},
		"a level that is none":      {[]string{"run", "-c", good, "--log-level", "loud"}, "want debug or info or warn or error"},
		"an address nobody can use": {[]string{"run", "-c", good, "--listen", "256.0.0.1:1"}, "256.0.0.1:1"},
		"an argument":               {[]string{"run", "-c", good, "now"}, `unexpected argument "now"`},
	} {
		t.Run(rule, func(t *testing.T) {
			got := invoke(t, "", test.args...)
			if got.code != exitCannot || !strings.Contains(got.stderr, test.want) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRunSaysWhichTopicToCreateWhereItMayNot(t *testing.T) {
	b := kafkatest.Start(t)
	fake := b.RequireKfake(t)
	topic := b.Topic(t, 1)
	fake.ControlKey(int16(kmsg.CreateTopics), func(req kmsg.Request) (kmsg.Response, error, bool) {
		fake.KeepControl()
		res := req.ResponseKind().(*kmsg.CreateTopicsResponse)
		for _, asked := range req.(*kmsg.CreateTopicsRequest).Topics {
			rt := kmsg.NewCreateTopicsResponseTopic()
			rt.Topic, rt.ErrorCode = asked.Topic, kerr.TopicAuthorizationFailed.Code
			res.Topics = append(res.Topics, rt)
		}
		return res, nil, true
	})
	got := invoke(t, "", "run", "-c", runFile(t, b, topic, "http://127.0.0.1:1"))
	if got.code != exitCannot || !strings.Contains(got.stderr, "create topic "+topic+".") || !strings.Contains(got.stderr, "create it yourself") {
		t.Errorf("%+v", got)
	}
}
