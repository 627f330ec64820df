package deadletter_test

import (
	"bufio"
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/consumer"
	"github.com/battlereport/battlereport/deadletter"
	"github.com/battlereport/battlereport/deadletter/resolve"
	"github.com/battlereport/battlereport/deadletter/store"
)

var (
	lettersFlag = flag.Int("letters", 2000, "how many letters TestKilledReplaysEndUpExactlyOnce writes and reads")
	replaysFlag = flag.Int("replays", 2000, "how many of them it replays")
)

// replayVariable makes the test binary a program that replays letters: the
// brokers' addresses, the dead-letter topic, the replay topic, and how many.
const replayVariable = "BATTLEREPORT_TEST_REPLAY"

// replayProcess replays the letters of its argument, and says so on its output.
func replayProcess(argument string) error {
	var (
		addrs, topic, replay string
		most                 int
	)
	if _, err := fmt.Sscan(argument, &addrs, &topic, &replay, &most); err != nil {
		return err
	}
	ctx := context.Background()
	s, err := store.Open(consumer.Connection{Brokers: strings.Split(addrs, ",")}, topic)
	if err != nil {
		return err
	}
	defer s.Close()
	r, err := resolve.New(ctx, s, resolve.Run{ID: fmt.Sprint(os.Getpid()), By: "test"})
	if err != nil {
		return err
	}
	defer r.Close()
	var batch []resolve.Replay
	flush := func() error {
		done, err := r.Replay(ctx, batch...)
		fmt.Println(len(done.Resolved))
		batch = batch[:0]
		return err
	}
	n := 0
	for e, err := range s.Letters(ctx, anyState) {
		if err != nil {
			return err
		}
		if n++; n > most {
			break
		}
		batch = append(batch, resolve.Replay{Entry: e, Topic: replay})
		if len(batch) == max(most/50, 20) {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// Whoever replays may be killed at any moment; whoever comes after goes on. On
// Apache Kafka with many letters it is a benchmark:
//
//	.ci/kafka/kafka run go test ./deadletter -run TestKilled -v -letters 1000000 -replays 100000
func TestKilledReplaysEndUpExactlyOnce(t *testing.T) {
	d := newDesk(loopback(t, 3, nil))
	random := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
	measure := func(what string, n int, f func()) {
		began := time.Now()
		f()
		took := time.Since(began)
		t.Logf("%s: %d letters in %v, %.0f a second", what, n, took.Round(time.Millisecond), float64(n)/took.Seconds())
	}
	measure("write", *lettersFlag, func() { d.writeMany(*lettersFlag) })
	if *lettersFlag > 10_000 {
		d.measureReading(measure)
	}
	kills := 0
	measure("replay, killed thrice", *replaysFlag, func() {
		// Some kills are to fall into the work, whose speed is anyone's guess.
		longest := time.Duration(float64(*replaysFlag)/30_000*float64(time.Second)) + 300*time.Millisecond
		for ; kills < 3; kills++ {
			cmd := d.replayCommand()
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Duration(random.Int64N(int64(longest))))
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		cmd := d.replayCommand()
		out, err := cmd.Output()
		if err != nil {
			t.Fatalf("replay: %v", err)
		}
		last := 0
		for lines := bufio.NewScanner(strings.NewReader(string(out))); lines.Scan(); {
			n := 0
			_, _ = fmt.Sscan(lines.Text(), &n)
			last += n
		}
		t.Logf("the last process replayed %d", last)
	})
	times := d.replayed()
	for key, n := range times {
		if n != 1 {
			t.Errorf("letter %s lies %d times in the replay topic", key, n)
		}
	}
	if len(times) != *replaysFlag {
		t.Errorf("%d letters lie in the replay topic, want %d", len(times), *replaysFlag)
	}
	if *lettersFlag <= 10_000 {
		if got := len(d.all(deadletter.Query{Filter: deadletter.Filter{State: deadletter.Replayed}})); got != *replaysFlag {
			t.Errorf("%d are resolved, want %d", got, *replaysFlag)
		}
	}
}

func (d *desk) replayCommand() *exec.Cmd {
	cmd := exec.CommandContext(d.t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), replayVariable+"="+fmt.Sprint(
		strings.Join(d.Addrs(), ","), " ", d.topic, " ", d.replayTopic, " ", *replaysFlag))
	cmd.Stderr = os.Stderr
	return cmd
}

// writeMany writes letters of about 1 KiB, a thousand a call.
func (d *desk) writeMany(n int) {
	d.t.Helper()
	filling := strings.Repeat("x", 300)
	for i := 0; i < n; i += 1000 {
		batch := make([]deadletter.Letter, min(1000, n-i))
		for j := range batch {
			batch[j] = letter(fmt.Sprintf("player-%d", i+j), fmt.Sprintf(`{"baseinfo":{"openid":"player-%d","platid":"1"},"x":%q}`, i+j, filling))
			batch[j].Reason = deadletter.Reasons()[j%7]
		}
		d.write(batch...)
	}
}

func (d *desk) measureReading(measure func(string, int, func())) {
	d.t.Helper()
	count := func(q deadletter.Query) (n int) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for _, err := range d.Letters(d.t.Context(), q) {
			if err != nil {
				d.t.Fatal(err)
			}
			if n++; n%100_000 == 0 {
				runtime.ReadMemStats(&after)
			}
		}
		d.t.Logf("heap %d MiB, before %d MiB", after.HeapAlloc>>20, before.HeapAlloc>>20)
		return n
	}
	where, err := deadletter.CompileWhere(`.value.baseinfo.openid | endswith("77")`)
	if err != nil {
		d.t.Fatal(err)
	}
	measure("read all, oldest first", *lettersFlag, func() { count(oldestFirst) })
	measure("read all, newest first", *lettersFlag, func() { count(deadletter.Query{}) })
	measure("read those of a reason", *lettersFlag, func() {
		count(deadletter.Query{Filter: deadletter.Filter{Reasons: []deadletter.Reason{deadletter.Rejected}}})
	})
	measure("read those where", *lettersFlag, func() { count(deadletter.Query{Filter: deadletter.Filter{Where: where}}) })
	measure("read the last 50", 50, func() {
		n := 0
		for _, err := range d.Letters(d.t.Context(), deadletter.Query{}) {
			if n++; err != nil || n == 50 {
				break
			}
		}
	})
}
