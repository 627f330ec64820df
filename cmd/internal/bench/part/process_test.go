package part

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/battlereport/battlereport/cmd/internal/cli"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "bench" { // the parts are processes of this program
		if err := Play(context.Background(), os.Stdin, os.Stdout, os.Stderr); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(cli.ExitCannot)
		}
		os.Exit(cli.ExitDone)
	}
	goleak.VerifyTestMain(m)
}

func TestAPartEndsWithItsStandardInput(t *testing.T) {
	t.Parallel()
	for _, name := range []string{Broker, Sink} {
		p, err := Start(t.Context(), Task{Part: name})
		if err != nil {
			t.Fatal(err)
		}
		defer p.Kill()
		var where any
		if err := p.Read(&where, StartWithin); err != nil {
			t.Fatal(err)
		}
		if err := p.End(nil); err != nil {
			t.Error(err)
		}
		if !p.cmd.ProcessState.Success() || p.CPU() <= 0 {
			t.Errorf("the %s has ended with %v after %s of CPU", name, p.cmd.ProcessState, p.CPU())
		}
	}
}

func TestAPartThatFailsIsReportedWithItsLastWords(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		task Task
		want []string
	}{
		"one that there is not": {Task{Part: "audience"}, []string{"process of the audience", "ended too early", "exit status 2", `no part "audience"`}},
		"one that cannot start": {Task{Part: Broker, Data: "/dev/null/x"}, []string{"process of the broker", "start the fake broker"}},
	} {
		p, err := Start(t.Context(), test.task)
		if err != nil {
			t.Fatal(err)
		}
		defer p.Kill()
		var v any
		err = p.Read(&v, StartWithin)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want something about %s", rule, err, want)
			}
		}
	}
}

func TestAPartThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	p, err := Start(t.Context(), Task{Part: Sink})
	if err != nil {
		t.Fatal(err)
	}
	var url string
	if err := p.Read(&url, StartWithin); err != nil {
		t.Fatal(err)
	}
	if err := p.Read(&url, time.Millisecond); err == nil || !strings.Contains(err.Error(), "killed, since it did not answer within 1ms") {
		t.Errorf("got %v", err)
	}
	if p.cmd.ProcessState == nil || p.cmd.ProcessState.Success() {
		t.Errorf("the process has ended with %v", p.cmd.ProcessState)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	t.Parallel()
	var last tail
	for range 1000 {
		_, _ = last.Write([]byte("many words "))
	}
	_, _ = last.Write([]byte("and the last\n"))
	if got := last.String(); len(got) > tailSize || !strings.HasSuffix(got, "many words and the last") {
		t.Errorf("%d bytes: …%s", len(got), got[max(0, len(got)-40):])
	}
}
