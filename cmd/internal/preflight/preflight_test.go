package preflight_test

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/preflight"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	password = "correct-horse"
	appKey   = "hunter2"
)

// found makes the checks of a configuration, and returns a line for each finding.
func found(t *testing.T, cfg *config.Config, opts preflight.Options) (lines []string) {
	t.Helper()
	preflight.Run(t.Context(), cfg, opts, func(f preflight.Finding) {
		line := fmt.Sprintf("%s %s %s: %s", f.State, f.Check, f.Subject, f.Found)
		if f.Do != "" {
			line += "; do: " + f.Do
		}
		lines = append(lines, line)
	})
	if all := strings.Join(lines, "\n"); strings.Contains(all, password) || strings.Contains(all, appKey) {
		t.Errorf("a secret is shown:\n%s", all)
	}
	return lines
}

// configuration is of an app of a stand-in for the platform, whose events are in a topic of a broker.
func configuration(brokers []string, platform string) *config.Config {
	cfg := config.Default()
	cfg.Kafka.Brokers, cfg.Kafka.Group = brokers, "g"
	cfg.MSDK.BaseURL = platform
	cfg.Apps = []config.App{{AppID: "wx1", AppKey: appKey, Encode: 1, Topics: []string{"reports"}, Route: config.RouteBattleReport, Schema: "builtin:any", ScoreExpires: "0"}}
	return &cfg
}

func standIn(t *testing.T) *msdktest.Server {
	t.Helper()
	return msdktest.NewServer(t, msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: appKey}}})
}

// closed is an address at which nobody listens.
func closed(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// served is the address of a server that answers anything by handler.
func served(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(handler)
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhatIsRightIsOK(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.SeedTopics(3, "reports"))
	platform := standIn(t)
	got := found(t, configuration(b.Addrs(), platform.URL), preflight.Options{})
	want := []string{
		"ok schema builtin:any: checks what it says",
		"ok broker " + b.Addrs()[0] + ": answers",
		"ok cluster kfake: 1 broker",
		"ok topic reports: 3 partitions, 1 replica; may be read",
		"ok topic reports.dlq: of dead letters: does not exist, and run can create it",
		"ok topic reports.replay: of replays: does not exist, and run can create it",
		"ok topic reports.dlq.resolutions: of resolutions: does not exist, and run can create it",
		"ok group g: may be joined",
		"ok platform " + platform.URL + ": answers",
		"ok clock this machine: is right, by that of who answers for the platform",
		"ok app wx1: the platform takes its signature",
	}
	for i := range max(len(got), len(want)) {
		if i >= len(got) || i >= len(want) || got[i] != want[i] && !(strings.HasPrefix(want[i], "ok cluster") && strings.HasSuffix(got[i], ": 1 broker")) {
			t.Fatalf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	if topics := b.Topics(t, ""); !slices.Equal(topics, []string{"reports"}) {
		t.Errorf("there are now topics %q", topics)
	}
	if n := platform.Ledger.Len(); n != 0 {
		t.Errorf("%d reports", n)
	}
}

// Each fault is told of what has it, and the rest is as it is without.
func TestAFaultIsToldOfWhatHasIt(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		topics []string // beside reports
		change func(t *testing.T, cfg *config.Config)
		want   []string // parts of a line each that are there, in any order
		ok     []string // beginnings of lines
	}{
		"no broker is there": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.Kafka.Brokers = []string{closed(t)} },
			[]string{"failed broker 127.0.0.1:", "cannot be reached: dial tcp", "skipped topics, group : not tried"},
			[]string{"ok app wx1", "ok schema"},
		},
		"one of several is not": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.Kafka.Brokers = append(cfg.Kafka.Brokers, closed(t)) },
			[]string{"warning broker 127.0.0.1:", "; do: one that answers is enough"},
			[]string{"ok broker", "ok topic reports:", "ok group"},
		},
		"another service has the port": {
			nil, func(t *testing.T, cfg *config.Config) {
				cfg.Kafka.Brokers = []string{greeting(t)}
			},
			[]string{"failed broker 127.0.0.1:", "is not Kafka: another service has that port"},
			[]string{"ok app"},
		},
		"the broker does not speak TLS": {
			nil, func(t *testing.T, cfg *config.Config) {
				cfg.Kafka.TLS.Enabled, cfg.Kafka.Brokers = true, []string{greeting(t)}
			},
			[]string{"failed broker 127.0.0.1:", "does not speak TLS: set kafka.tls.enabled to false", "skipped topics, group"},
			[]string{"ok app"},
		},
		"a topic is not there": {
			nil, func(_ *testing.T, cfg *config.Config) { cfg.Apps[0].Topics = []string{"reports", "other"} },
			[]string{"failed topic other: does not exist, or this client may not see it: run waits for it; do: create it", "ok topic other.dlq: of dead letters: does not exist, and run can create it"},
			[]string{"ok topic reports:", "ok group"},
		},
		"letters can be lost": {
			[]string{"reports.dlq"},
			func(*testing.T, *config.Config) {},
			[]string{"ok topic reports.dlq: of dead letters: 1 partition, 1 replica; may be written", "warning topic reports.dlq: retention.ms is 604800000, want 2592000000: letters can be lost; do: kafka-configs.sh --alter --entity-type topics --entity-name reports.dlq --add-config retention.ms=2592000000"},
			[]string{"ok topic reports.replay"},
		},
		"a schema does not compile": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.Apps[0].Schema = file(t, `{"type": 5}`) },
			[]string{"failed schema /"},
			[]string{"ok topic", "ok app"},
		},
		"a schema looks ahead, as Go's expressions cannot": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.Apps[0].Schema = file(t, `{"pattern": "^(?!a)b$"}`) },
			[]string{"failed schema /"},
			[]string{"ok topic", "ok app"},
		},
		"a schema checks less than it says": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.Apps[0].Schema = file(t, `{"requried": ["a"]}`) },
			[]string{`warning schema /`, `did you mean "required"?`},
			[]string{"ok topic", "ok app"},
		},
		"the file of a key is gone": {
			nil, func(_ *testing.T, cfg *config.Config) { cfg.Apps[0].AppKeyFile = "/nowhere/key" },
			[]string{`failed file /nowhere/key: cannot be used for apps[0].appkey_file: want a file that can be read`},
			[]string{"ok topic", "ok app"},
		},
		"the platform is not there": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.MSDK.BaseURL = "http://" + closed(t) },
			[]string{"failed platform http://127.0.0.1:", "cannot be reached: dial tcp", "; do: see msdk.base_url"},
			[]string{"ok topic", "ok group"},
		},
		"its name is nobody's": {
			nil, func(_ *testing.T, cfg *config.Config) { cfg.MSDK.BaseURL = "http://nosuch.invalid" },
			[]string{"failed platform http://nosuch.invalid: cannot be reached: ", "; do: see the host in msdk.base_url"},
			[]string{"ok topic"},
		},
		"it does not speak TLS": {
			nil, func(_ *testing.T, cfg *config.Config) {
				cfg.MSDK.BaseURL = strings.Replace(cfg.MSDK.BaseURL, "http:", "https:", 1)
			},
			[]string{"failed platform https://127.0.0.1:", "it does not speak TLS"},
			[]string{"ok topic"},
		},
		"its certificate is of an authority that is not trusted": {
			nil, func(t *testing.T, cfg *config.Config) {
				s := httptest.NewUnstartedServer(http.NotFoundHandler())
				s.Config.ErrorLog = quiet()
				s.StartTLS()
				t.Cleanup(s.Close)
				cfg.MSDK.BaseURL = s.URL
			},
			[]string{"failed platform https://127.0.0.1:", "do: msdk.ca_file has to name the authority"},
			[]string{"ok topic"},
		},
		"another answers in its place": {
			nil, func(t *testing.T, cfg *config.Config) {
				cfg.MSDK.BaseURL = served(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
			},
			[]string{"failed platform http://127.0.0.1:", "answers HTTP 404, and not as the platform does; do: see msdk.base_url: its path"},
			[]string{"ok topic", "ok clock"},
		},
		"a key is wrong": {
			nil, func(_ *testing.T, cfg *config.Config) { cfg.Apps[0].AppKey = "hunter2x" },
			[]string{"failed app wx1: msdk /auth/check_token: ret -502", "do: see apps[0].appkey, and whether it is the appkey (encode: 1) or the msdkkey (encode: 2)"},
			[]string{"ok platform", "ok clock"},
		},
		"an app is unknown": {
			nil, func(_ *testing.T, cfg *config.Config) {
				cfg.Apps = append(cfg.Apps, cfg.Apps[0])
				cfg.Apps[1].AppID = "wx2"
			},
			[]string{"failed app wx2: msdk /auth/check_token: ret -504", "do: battlereport msdk explain -504 says more"},
			[]string{"ok app wx1"},
		},
		"our clock is ten minutes behind": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.MSDK.BaseURL = served(t, at(11*time.Minute)) },
			[]string{"failed clock this machine: is 11m behind that of who answers for the platform, which refuses what is signed more than 10m off; do: set it, by NTP", "failed app wx1", "do: set the clock of this machine first; then see apps[0].appkey"},
			[]string{"ok platform"},
		},
		"or two ahead": {
			nil, func(t *testing.T, cfg *config.Config) { cfg.MSDK.BaseURL = served(t, at(-2*time.Minute)) },
			[]string{"warning clock this machine: is 2m ahead of that of who answers"},
			[]string{"ok platform"},
		},
		"the platform has trouble of its own": {
			nil, func(t *testing.T, cfg *config.Config) {
				cfg.MSDK.BaseURL = served(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"ret":-307,"msg":"busy"}`) })
			},
			[]string{"warning app wx1: the platform has trouble of its own: msdk /auth/check_token: ret -307"},
			[]string{"ok platform"},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			b := kafkatest.Start(t, kfake.SeedTopics(1, append(test.topics, "reports")...))
			cfg := configuration(b.Addrs(), standIn(t).URL)
			test.change(t, cfg)
			holds(t, found(t, cfg, preflight.Options{}), test.want, test.ok)
		})
	}
}

// greeting is the address of a server that speaks first, as that of mail does.
func greeting(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	t.Cleanup(func() { _ = l.Close(); wg.Wait() })
	wg.Go(func() {
		for conn, err := l.Accept(); err == nil; conn, err = l.Accept() {
			wg.Go(func() {
				defer conn.Close()
				_, _ = io.WriteString(conn, "220 mail.example ready\r\n")
				_, _ = io.Copy(io.Discard, conn)
			})
		}
	})
	return l.Addr().String()
}

// holds sees that each part is in a line, and that lines begin so.
func holds(t *testing.T, lines, parts, begin []string) {
	t.Helper()
	all := strings.Join(lines, "\n")
	for _, part := range parts {
		if !strings.Contains(all, part) {
			t.Errorf("%q is not in\n%s", part, all)
		}
	}
	for _, beginning := range begin {
		if !slices.ContainsFunc(lines, func(line string) bool { return strings.HasPrefix(line, beginning) }) {
			t.Errorf("no line begins with %q in\n%s", beginning, all)
		}
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// at answers a wrong signature, by a clock that is so far ahead.
func at(ahead time.Duration) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(ahead).UTC().Format(http.TimeFormat))
		fmt.Fprint(w, `{"ret":-502,"msg":"wrong signature"}`)
	}
}

func TestAProxyThatRefusesIsNamed(t *testing.T) {
	b := kafkatest.Start(t, kfake.SeedTopics(1, "reports"))
	proxy := served(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) })
	t.Setenv("HTTPS_PROXY", strings.Replace(proxy, "http://", "http://me:"+password+"@", 1))
	t.Setenv("NO_PROXY", "")
	got := found(t, configuration(b.Addrs(), "https://msdk.invalid"), preflight.Options{})
	holds(t, got, []string{"failed platform https://msdk.invalid: ", "answers HTTP 407", "through proxy http://[redacted]@127.0.0.1:", "do: see the proxy that HTTPS_PROXY or HTTP_PROXY names"}, []string{"ok topic"})
}

// Each right that run needs is missed where it is missing, and named with the command that gives it.
func TestARightThatIsMissingIsNamed(t *testing.T) {
	t.Parallel()
	type right struct {
		operation kmsg.ACLOperation
		resource  kmsg.ACLResourceType
		name      string
	}
	const topic, group = kmsg.ACLResourceTypeTopic, kmsg.ACLResourceTypeGroup
	all := []right{
		{kmsg.ACLOperationRead, topic, "reports"},
		{kmsg.ACLOperationWrite, topic, "reports.dlq"},
		{kmsg.ACLOperationRead, topic, "reports.replay"},
		{kmsg.ACLOperationCreate, topic, "reports.dlq.resolutions"},
		{kmsg.ACLOperationDescribe, topic, "reports.dlq.resolutions"},
		{kmsg.ACLOperationRead, group, "g"},
	}
	const give = "kafka-acls.sh --add --allow-principal User:ada --operation "
	for _, test := range []struct {
		without int // of all
		want    []string
	}{
		{-1, []string{"ok topic reports.dlq.resolutions: of resolutions: does not exist, and run can create it", "ok group g: may be joined"}},
		{0, []string{"failed topic reports: ", give + "Read --topic reports", "ok group g"}},
		{1, []string{"failed topic reports.dlq: ", give + "Write --topic reports.dlq", "ok topic reports:"}},
		{2, []string{"failed topic reports.replay: ", give + "Read --topic reports.replay", "ok topic reports.dlq:"}},
		{3, []string{"warning topic reports.dlq.resolutions: ", give + "Create --topic reports.dlq.resolutions; or create it yourself", "ok group g"}},
		{5, []string{"failed group g: ", give + "Read --group g", "ok topic reports:"}},
	} {
		t.Run(fmt.Sprint(test.without), func(t *testing.T) {
			t.Parallel()
			acls := []kfake.ACL{}
			for i, r := range all {
				if i != test.without {
					acls = append(acls, kfake.ACL{Resource: r.resource, Name: r.name, Pattern: kmsg.ACLResourcePatternTypeLiteral, Operation: r.operation, Allow: true})
				}
			}
			b := kafkatest.Start(t, kfake.SeedTopics(1, "reports", "reports.dlq", "reports.replay"),
				kfake.EnableSASL(), kfake.EnableACLs(), kfake.Superuser("PLAIN", "admin", password), kfake.User("PLAIN", "ada", password, acls...))
			cfg := configuration(b.Addrs(), standIn(t).URL)
			cfg.Kafka.SASL = config.SASL{Mechanism: "plain", Username: "ada", Password: password}
			holds(t, found(t, cfg, preflight.Options{}), test.want, []string{"ok broker " + b.Addrs()[0] + ": answers, and takes the password of ada (plain)"})
		})
	}
}

// Of the topic of dead letters run tells how it is set, and of a source it does not read that.
func TestSettingsThatMayNotBeReadAreNotKnown(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.SeedTopics(1, "reports", "reports.dlq"))
	b.RequireKfake(t).Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	got := found(t, configuration(b.Addrs(), standIn(t).URL), preflight.Options{})
	holds(t, got, []string{"warning topic reports.dlq: its settings are not known: ", "--operation DescribeConfigs --topic reports.dlq"}, []string{"ok topic reports:"})
	if strings.Contains(strings.Join(got, "\n"), "warning topic reports:") {
		t.Error(got)
	}
}

func TestOneBrokerThatGoesMustNotTakeRecordsWithIt(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.NumBrokers(3))
	for name, insync := range map[string]string{"reports": "1", "reports.dlq": "1", "reports.replay": "2"} {
		if err := b.CreateTopic(t.Context(), name, 1, map[string]string{"min.insync.replicas": insync, "retention.ms": "-1"}); err != nil {
			t.Fatal(err)
		}
	}
	got := found(t, configuration(b.Addrs(), standIn(t).URL), preflight.Options{})
	const remedy = "; do: kafka-configs.sh --alter --entity-type topics --entity-name %s --add-config min.insync.replicas=2"
	holds(t, got, []string{
		"warning topic reports: min.insync.replicas is 1, want 2: records can be lost before they are taken" + fmt.Sprintf(remedy, "reports"),
		"warning topic reports.dlq: min.insync.replicas is 1, want 2: letters can be lost" + fmt.Sprintf(remedy, "reports.dlq"),
	}, []string{"ok topic reports: 1 partition, 3 replicas", "ok topic reports.replay"})
	if strings.Contains(strings.Join(got, "\n"), "warning topic reports.replay") {
		t.Error(got)
	}
}

func TestAGroupOfAnotherKindIsNotJoined(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.SeedTopics(1, "reports"))
	for kind, want := range map[string]string{
		"connect":  "failed group g: is a group of connect, and not of consumers; do: name another in kafka.group",
		"consumer": "ok group g: may be joined; 2 members now, stable",
	} {
		b.RequireKfake(t).ControlKey(int16(kmsg.DescribeGroups), func(r kmsg.Request) (kmsg.Response, error, bool) {
			res := r.(*kmsg.DescribeGroupsRequest).ResponseKind().(*kmsg.DescribeGroupsResponse)
			g := kmsg.NewDescribeGroupsResponseGroup()
			g.Group, g.ProtocolType, g.State = "g", kind, "Stable"
			g.Members = append(g.Members, kmsg.NewDescribeGroupsResponseGroupMember(), kmsg.NewDescribeGroupsResponseGroupMember())
			res.Groups = append(res.Groups, g)
			return res, nil, true
		})
		b.RequireKfake(t).ControlKey(int16(kmsg.Heartbeat), func(r kmsg.Request) (kmsg.Response, error, bool) {
			res := r.(*kmsg.HeartbeatRequest).ResponseKind().(*kmsg.HeartbeatResponse)
			res.ErrorCode = kerr.UnknownMemberID.Code // as a group that is there says
			return res, nil, true
		})
		holds(t, found(t, configuration(b.Addrs(), standIn(t).URL), preflight.Options{}), []string{want}, nil)
	}
}

func TestAWrongPasswordIsToldOfTheBroker(t *testing.T) {
	t.Parallel()
	s := kafkatest.StartSecure(t)
	cfg := configuration(s.SASLAddrs, standIn(t).URL)
	cfg.Kafka.TLS = config.TLS{Enabled: true, CAFile: s.CAFile}
	cfg.Kafka.SASL = config.SASL{Mechanism: "scram-sha-512", Username: "ada", Password: "wrong"}
	holds(t, found(t, cfg, preflight.Options{}), []string{"failed broker " + s.SASLAddrs[0], "skipped topics, group"}, []string{"ok file " + s.CAFile, "ok app"})
	cfg.Kafka.SASL.Username, cfg.Kafka.SASL.Password = s.Username, config.Secret(s.Password)
	holds(t, found(t, cfg, preflight.Options{}), nil, []string{"ok broker " + s.SASLAddrs[0] + ": answers over TLS, and takes the password of battlereport (scram-sha-512)"})
	cfg.Kafka.TLS.CAFile = ""
	holds(t, found(t, cfg, preflight.Options{}), []string{"kafka.tls.ca_file has to name it"}, []string{"failed broker"})
}

// An address that brokers give for themselves has to be one that can be reached.
func TestAnAddressThatTheClusterGivesIsTried(t *testing.T) {
	t.Parallel()
	b := kafkatest.Start(t, kfake.SeedTopics(1, "reports"))
	b.RequireKfake(t).ControlKey(int16(kmsg.Metadata), func(r kmsg.Request) (kmsg.Response, error, bool) {
		b.RequireKfake(t).KeepControl()
		res := r.(*kmsg.MetadataRequest).ResponseKind().(*kmsg.MetadataResponse)
		there, gone := kmsg.NewMetadataResponseBroker(), kmsg.NewMetadataResponseBroker()
		there.NodeID, there.Host, there.Port = 0, "127.0.0.1", portOf(b.Addrs()[0])
		gone.NodeID, gone.Host, gone.Port = 7, "nosuch.invalid", 9092
		res.Brokers = append(res.Brokers, there, gone)
		return res, nil, true
	})
	got := found(t, configuration(b.Addrs(), standIn(t).URL), preflight.Options{})
	holds(t, got, []string{"failed broker nosuch.invalid:9092: Kafka at " + b.Addrs()[0] + " answers and calls broker 7 nosuch.invalid:9092, which cannot be reached from here"}, []string{"ok broker " + b.Addrs()[0]})
}

func portOf(address string) (port int32) {
	_, text, _ := net.SplitHostPort(address)
	_, _ = fmt.Sscan(text, &port)
	return port
}

// Nobody waits for longer than half a minute, whatever is silent.
func TestWhatIsSilentIsNotWaitedForForEver(t *testing.T) {
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, _ *kafkatest.Broker) {
		silent := func(ctx context.Context, _, _ string) (net.Conn, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}
		began := time.Now()
		got := found(t, configuration([]string{"a:1", "b:1"}, "http://platform"), preflight.Options{DialKafka: silent, DialMSDK: silent})
		if took := time.Since(began); took > preflight.Longest {
			t.Errorf("it has taken %v", took)
		}
		holds(t, got, []string{"failed broker a:1: ", "failed broker b:1: ", "failed platform http://platform: "}, []string{"skipped topics, group"})
	})
}

func quiet() *log.Logger { return log.New(io.Discard, "", 0) }
