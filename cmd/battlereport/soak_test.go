package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/audit"
	"github.com/battlereport/battlereport/cmd/internal/traffic"
	"github.com/battlereport/battlereport/consumer/kafkatest"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/msdkclient/msdktest"
)

// The size of the soak tests, which end processes of the real program under
// load. They are short by default; by hand one says for example
//
//	go test ./cmd/battlereport -run Soak -v -soak.events 200000 -soak.rate 2000 -soak.kills 20
var (
	soakEvents = flag.Int("soak.events", 4000, "events that a soak test publishes")
	soakRate   = flag.Int("soak.rate", 1000, "events a second")
	soakKills  = flag.Int("soak.kills", 1, "processes that a soak test kills")
	soakBad    = flag.Float64("soak.bad", 0.05, "share of bad events")
	soakSeed   = flag.Uint64("soak.seed", 1, "seed of the traffic and of the kills")
)

const (
	soakApp = "wxcde873f99466f74a"
	soakRun = "soak"
)

// soak is a broker, a simulated MSDK and traffic, with a book of it all.
type soak struct {
	*kafkatest.Broker
	t            *testing.T
	program      string // built from this package
	topic, group string
	config       string
	book         *audit.Book
	started      int
	published    chan struct{}
}

func newSoak(t *testing.T) *soak {
	s := newSoakWithout(t, 12, msdktest.Latency(20*time.Millisecond))
	go s.publish()
	t.Cleanup(func() { <-s.published })
	return s
}

// newSoakWithout is a soak without traffic.
func newSoakWithout(t *testing.T, partitions int32, rules ...msdktest.Rule) *soak {
	s := &soak{Broker: kafkatest.Start(t), t: t, book: audit.New(), group: kafkatest.Name(t), published: make(chan struct{})}
	s.program = filepath.Join(t.TempDir(), "battlereport")
	if out, err := exec.Command("go", "build", "-o", s.program, ".").CombinedOutput(); err != nil {
		t.Fatalf("build the program: %v\n%s", err, out)
	}
	s.topic = s.Topic(t, partitions)
	msdk := msdktest.Start(msdktest.Config{
		Apps:       []msdktest.App{{ID: soakApp, AppKey: "111111"}},
		CountsOnly: true,
		OnAccept: func(r msdktest.Report) {
			number, _ := traffic.ReportNumber(r.Raw, soakRun)
			s.book.Accept(number, r.Raw)
		},
	})
	t.Cleanup(msdk.Close)
	msdk.SetRules(rules...)
	s.config = write(t, "battlereport.yaml", fmt.Sprintf(`
kafka: {brokers: [%s], group: %s}
msdk: {base_url: %s, timeout: 1m}
apps: [{appid: %s, appkey: "111111", topics: [%s]}]
http: {listen: 127.0.0.1:0}
`, strings.Join(s.Addrs(), ", "), s.group, msdk.URL, soakApp, s.topic))
	return s
}

// publish produces the traffic at its rate, and tells the book.
func (s *soak) publish() {
	defer close(s.published)
	g, err := traffic.New(traffic.Config{
		Seed: *soakSeed, Run: soakRun, Apps: []traffic.App{{ID: soakApp}}, Players: 2000, Bad: *soakBad, Start: time.Now(),
	})
	if err != nil {
		s.t.Error(err)
		return
	}
	const chunk = 50 * time.Millisecond
	for sent := 0; sent < *soakEvents && s.t.Context().Err() == nil; {
		var records []kafkatest.Record
		var numbers []uint64
		for range min(*soakEvents-sent, max(1, *soakRate*int(chunk/time.Millisecond)/1000)) {
			ev := g.Next()
			s.book.Publish(audit.Event{Number: ev.Number, Player: ev.Player, Round: ev.Round, Value: ev.Value, Reason: ev.Reason})
			r := kafkatest.Record{Topic: s.topic, Partition: partitionOf(ev.Player, 12), Key: []byte(ev.Player), Value: ev.Value}
			for _, h := range ev.Headers {
				r.Headers = append(r.Headers, kafkatest.Header(h))
			}
			records, numbers = append(records, r), append(numbers, ev.Number)
		}
		began := time.Now()
		for i, r := range s.Produce(s.t, records...) {
			s.book.Written(numbers[i], r.Topic, r.Partition, r.Offset)
		}
		sent += len(records)
		time.Sleep(chunk - time.Since(began)) // the rate is the test's input
	}
}

func partitionOf(key string, partitions uint32) int32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key))
	return int32(h.Sum32() % partitions)
}

// member is a process of the program.
type member struct {
	cmd    *exec.Cmd
	joined chan struct{} // closed at its first generation
	ended  chan error
}

// start starts a process, and waits until it is in the group.
func (s *soak) start() *member {
	s.t.Helper()
	s.started++
	log, err := os.Create(filepath.Join(s.t.TempDir(), fmt.Sprintf("member-%d.log", s.started)))
	if err != nil {
		s.t.Fatal(err)
	}
	m := &member{cmd: exec.Command(s.program, "run", "-c", s.config), joined: make(chan struct{}), ended: make(chan error, 1)}
	stderr, err := m.cmd.StderrPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := m.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		joined := sync.OnceFunc(func() { close(m.joined) })
		lines := bufio.NewScanner(io.TeeReader(stderr, log))
		for lines.Scan() {
			var line struct{ Msg, Level string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "generation begun" {
				joined()
			}
		}
		m.ended <- m.cmd.Wait()
		log.Close()
	}()
	s.t.Cleanup(func() {
		_ = m.cmd.Process.Kill()
		if s.t.Failed() {
			text, _ := os.ReadFile(log.Name())
			s.t.Logf("%s:\n%s", log.Name(), text)
		}
	})
	select {
	case <-m.joined:
	case <-time.After(3 * time.Minute):
		s.t.Fatalf("member %d has not joined after 3 minutes", s.started)
	}
	return m
}

// stop ends a process in order, and waits for it.
func (s *soak) stop(m *member) {
	s.t.Helper()
	_ = m.cmd.Process.Signal(syscall.SIGTERM)
	if err := <-m.ended; err != nil {
		s.t.Errorf("ended by SIGTERM: %v", err)
	}
}

// kill ends a process as a crash does.
func (s *soak) kill(m *member) {
	_ = m.cmd.Process.Kill()
	<-m.ended
}

// finish waits until everything has come out, stops the members, and returns
// the book's findings.
func (s *soak) finish(members []*member) audit.Findings {
	s.t.Helper()
	<-s.published
	want := s.book.Counts().Published
	deadline := time.Now().Add(3 * time.Minute)
	for s.behind() > 0 {
		if time.Now().After(deadline) {
			s.t.Errorf("of %d published, %d are not committed after 3 minutes", want, s.behind())
			break
		}
		time.Sleep(200 * time.Millisecond)
	}
	for _, m := range members {
		s.stop(m)
	}
	for _, r := range s.ReadAll(s.t, s.topic+".dlq") {
		l := audit.Letter{Value: r.Value}
		for _, h := range r.Headers {
			switch h.Key {
			case traffic.HeaderID:
				l.Number, _ = traffic.Number(h.Value, soakRun)
			case deadletter.HeaderReason:
				l.Reason = deadletter.Reason(h.Value)
			case deadletter.HeaderDelivery:
				l.Uncertain = string(h.Value) == string(deadletter.Uncertain)
			case deadletter.HeaderValue:
				l.Omitted = true
			}
		}
		s.book.Bury(l)
	}
	return s.book.Findings(map[string]map[int32]int64{s.topic: s.Committed(s.t, s.group, s.topic)})
}

// behind is how many of the published records the group has not committed.
func (s *soak) behind() int {
	n := s.book.Counts().Published
	for _, offset := range s.Committed(s.t, s.group, s.topic) {
		n -= int(offset)
	}
	return n
}

// TestSoakRollingRestart restarts three members one after the other, as a deploy
// does: nothing is lost, nothing is delivered twice, all is in order.
func TestSoakRollingRestart(t *testing.T) {
	s := newSoak(t)
	members := []*member{s.start(), s.start(), s.start()}
	for i := range members {
		s.stop(members[i])
		members[i] = s.start()
	}
	findings := s.finish(members)
	t.Logf("rolling restart of %d members:\n%s", len(members), findings)
	if !findings.OK() {
		t.Error("the pipeline has broken its word")
	}
}

// TestSoakKill kills members without warning, one after the other: nothing is
// lost or out of order, and what is delivered twice was not settled at the kill.
func TestSoakKill(t *testing.T) {
	s := newSoak(t)
	random := rand.New(rand.NewPCG(*soakSeed, 0))
	members := []*member{s.start(), s.start()}
	for range *soakKills {
		time.Sleep(time.Duration(200+random.IntN(1500)) * time.Millisecond) // anywhere in its work
		i := random.IntN(len(members))
		s.kill(members[i])
		members[i] = s.start()
	}
	findings := s.finish(members)
	t.Logf("%d kills:\n%s", *soakKills, findings)
	for breach, n := range findings.Breaches {
		if n == 0 || breach == audit.Duplicated {
			continue
		}
		t.Errorf("%d %s", n, breach)
	}
	// Each member holds at most delivery.max_pending unsettled.
	if n, most := findings.Breaches[audit.Duplicated], *soakKills*20_000; n > most {
		t.Errorf("%d duplicates, at most %d were unsettled", n, most)
	}
}
