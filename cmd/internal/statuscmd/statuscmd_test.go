package statuscmd

import (
	"context"
	"fmt"
	"log/slog"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/spf13/cobra"
	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/config"
	"github.com/battlereport/battlereport/cmd/internal/groupstatus"
	"github.com/battlereport/battlereport/cmd/internal/pipeline"
	"github.com/battlereport/battlereport/cmd/internal/publishcmd/publishtest"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestTheHelpNamesTheFieldsOfAStatusAndItsStates(t *testing.T) {
	t.Parallel()
	long := New().Long
	var look func(reflect.Type)
	seen := map[reflect.Type]bool{}
	look = func(of reflect.Type) {
		for of.Kind() == reflect.Pointer || of.Kind() == reflect.Slice {
			of = of.Elem()
		}
		if of.Kind() != reflect.Struct || of == reflect.TypeFor[time.Time]() || seen[of] {
			return
		}
		seen[of] = true
		for i := range of.NumField() {
			f := of.Field(i)
			name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
			if name == "" && !f.Anonymous {
				t.Errorf("%v.%s has no name in JSON", of, f.Name)
			}
			if name != "" && !regexp.MustCompile(`\b`+name+`\b`).MatchString(jsonHelp) {
				t.Errorf("%s is not in the help", name)
			}
			look(f.Type)
		}
	}
	look(reflect.TypeFor[groupstatus.Status]())
	for _, word := range groupstatus.StateWords() {
		if !regexp.MustCompile(`(?m)^  ` + strings.ReplaceAll(word, "_", " ") + `  +\S`).MatchString(long) {
			t.Errorf("the state %s is not in the help", word)
		}
	}
}

// A site is a broker, a platform and a pipeline between them, in virtual time.
type site struct {
	*kafkatest.Broker
	t     *testing.T
	cfg   config.Config
	topic string
	msdk  *msdktest.Server
	run   func()
}

const sharing = "wx0000000000000002" // an app that shares the topic

func virtual(t *testing.T, test func(t *testing.T, s *site)) {
	t.Helper()
	t.Parallel()
	kafkatest.Virtual(t, func(t *testing.T, b *kafkatest.Broker) {
		s := &site{Broker: b, t: t, topic: b.Topic(t, 2), cfg: config.Default()}
		s.msdk = msdktest.New(msdktest.Config{Apps: []msdktest.App{{ID: "wx1", AppKey: "111111"}, {ID: sharing, AppKey: "111111"}}})
		t.Cleanup(s.msdk.Close)
		pipe := msdktest.NewPipe()
		s.msdk.Serve(pipe)
		s.cfg.Kafka.Brokers, s.cfg.Kafka.Group, s.cfg.MSDK.BaseURL = b.Addrs(), kafkatest.Name(t), "http://msdk.test"
		for _, id := range []string{"wx1", sharing} {
			s.cfg.Apps = append(s.cfg.Apps, config.App{
				AppID: id, AppKey: "111111", Encode: 1, Topics: []string{s.topic}, Route: config.RouteBattleReport, Schema: "builtin:any", ScoreExpires: "0",
			})
		}
		s.run = func() {
			p, err := pipeline.New(&s.cfg, pipeline.Options{Logger: slog.New(slog.DiscardHandler), DialKafka: b.Dial, DialMSDK: pipe.DialContext})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan error, 1)
			go func() { ended <- p.Run(ctx) }()
			t.Cleanup(func() {
				cancel()
				if err := <-ended; err != nil {
					t.Error(err)
				}
				p.Close()
			})
		}
		test(t, s)
	})
}

// publish writes an app's events to both partitions, of users of its own.
func (s *site) publish(app string, n int) {
	s.t.Helper()
	var records []kafkatest.Record
	for i := range n {
		user := fmt.Sprintf("%s-%d", app, i%50)
		records = append(records, kafkatest.Record{
			Topic: s.topic, Partition: int32(i % 2), Key: []byte(user), Value: []byte(publishtest.Report(user, i)),
			Headers: []kafkatest.Header{{Key: "appid", Value: []byte(app)}},
		})
	}
	s.Produce(s.t, records...)
}

// look runs the command, and returns what it writes and its error.
func (s *site) look(ctx context.Context, change func(*look)) (stdout, stderr string, err error) {
	s.t.Helper()
	var out, complaints strings.Builder
	cmd := &cobra.Command{Use: "battlereport"}
	cmd.SetOut(&out)
	cmd.SetErr(&complaints)
	topics, err := topicsOf(&s.cfg, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	l := &look{cmd: cmd, cfg: &s.cfg, topics: topics, interval: 3 * time.Second, dial: s.Dial}
	if change != nil {
		change(l)
	}
	err = l.do(ctx)
	return out.String(), complaints.String(), err
}

func (s *site) expect(rule string, want error, patterns ...string) {
	s.t.Helper()
	stdout, stderr, err := s.look(s.t.Context(), nil)
	if err != want {
		s.t.Errorf("%s: %v", rule, err)
	}
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(stdout) {
			s.t.Errorf("%s: no %s in\n%s%s", rule, pattern, stdout, stderr)
		}
	}
}

func TestAPipelineThatDeliversIsWellAndOneWhosePlatformIsDownStalls(t *testing.T) {
	virtual(t, func(t *testing.T, s *site) {
		s.run()
		time.Sleep(5 * time.Second)
		s.expect("nothing comes", nil, `^All is well: nothing waits`, `1 member`, `(?m)^battlereport +\S+ +4 `)
		s.publish("wx1", 100)
		time.Sleep(5 * time.Second)
		s.expect("all is delivered", nil, `^All is well: nothing waits`, `(?m)/0 +idle +0 +0 +0s`)
		s.msdk.SetRules(msdktest.Always(msdktest.Answer{HTTP: 503}))
		s.publish("wx1", 100)
		time.Sleep(2 * time.Second)
		s.expect("a moment is no stall", nil, `^All is well`, `(?m)/0 +ok +50 +50`)
		time.Sleep(time.Minute)
		s.expect("a minute is", cli.ErrNo, `^Nothing is settled of 2 partitions of \S+, though 100 records wait, the oldest for 1m`, `(?m)/0 +stalled +50 +50 +1m`)
		s.msdk.SetRules()
		time.Sleep(time.Minute)
		s.expect("the platform is back", nil, `^All is well: nothing waits`)
	})
}

func TestAnAppThatIsDeferredIsNamed(t *testing.T) {
	virtual(t, func(t *testing.T, s *site) {
		s.cfg.Delivery.MaxPending = 400
		s.run()
		s.msdk.SetRules(msdktest.ForApp(sharing, msdktest.Always(msdktest.Answer{Ret: -504})))
		s.publish(sharing, 2000)
		time.Sleep(10 * time.Second)
		s.publish("wx1", 1000)
		time.Sleep(time.Minute)
		s.expect("others flow", cli.ErrNo, `^What is first in 2 partitions of \S+ waits, the oldest for 1m`, `deferred are [1-9,0]+ of `+sharing, `(?m)/0 +held .* of `+sharing+` deferred$`)
	})
}

func TestBrokersThatAreAwayAreWaitedForHalfAMinute(t *testing.T) {
	virtual(t, func(t *testing.T, s *site) {
		s.Sever()
		began := time.Now()
		_, _, err := s.look(t.Context(), nil)
		if took := time.Since(began); err == nil || !strings.Contains(err.Error(), "Kafka cannot be reached at "+s.Addrs()[0]) || took < 29*time.Second || took > 45*time.Second {
			t.Errorf("after %v: %v", took, err)
		}
		time.AfterFunc(10*time.Second, s.Restore)
		if stdout, _, err := s.look(t.Context(), nil); err != cli.ErrNone || !strings.HasPrefix(stdout, "There is no group") {
			t.Errorf("they come back: %v: %s", err, stdout)
		}
		synctest.Wait()
	})
}

func TestAWatchGoesOnThroughAnOutage(t *testing.T) {
	virtual(t, func(t *testing.T, s *site) {
		s.run()
		time.Sleep(5 * time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		time.AfterFunc(time.Minute, s.Sever)
		time.AfterFunc(3*time.Minute, s.Restore)
		stdout, stderr, err := s.look(ctx, func(l *look) { l.watch = true })
		lines := strings.Split(strings.TrimSpace(stdout), "\n")
		if err != nil || len(lines) < 60 || !strings.Contains(lines[len(lines)-1], "  idle  members 1  waiting 0") {
			t.Errorf("%v: %d lines, the last %s", err, len(lines), lines[len(lines)-1])
		}
		if !strings.Contains(stderr, "waiting for Kafka: Kafka cannot be reached") || !strings.Contains(stderr, "Kafka answers again") || strings.Count(stderr, "\n") > 6 {
			t.Errorf("said: %s", stderr)
		}
	})
}
