package bench

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/usage"
)

func isMismatch(err error) bool {
	var m *mismatch
	return errors.As(err, &m) && errors.Is(err, usage.ErrNo)
}

func TestAPartEndsWithItsStandardInput(t *testing.T) {
	t.Parallel()
	for _, part := range []string{brokerPart, sinkPart} {
		p, err := startProcess(t.Context(), task{Part: part})
		if err != nil {
			t.Fatal(err)
		}
		defer p.kill()
		var where any
		if err := p.read(&where, startWithin); err != nil {
			t.Fatal(err)
		}
		if err := p.end(nil); err != nil {
			t.Error(err)
		}
		if !p.cmd.ProcessState.Success() || p.cpu() <= 0 {
			t.Errorf("the %s has ended with %v after %s of CPU", part, p.cmd.ProcessState, p.cpu())
		}
	}
}

func TestAPartThatFailsIsReportedWithItsLastWords(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		task task
		want []string
	}{
		"one that there is not": {task{Part: "audience"}, []string{"process of the audience", "ended too early", "exit status 2", `no part "audience"`}},
		"one that cannot start": {task{Part: brokerPart, Data: "/dev/null/x"}, []string{"process of the broker", "start the fake broker"}},
	} {
		p, err := startProcess(t.Context(), test.task)
		if err != nil {
			t.Fatal(err)
		}
		defer p.kill()
		var v any
		err = p.read(&v, startWithin)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: got %v, want something about %s", rule, err, want)
			}
		}
	}
}

func TestAPartThatHangsIsKilled(t *testing.T) {
	t.Parallel()
	p, err := startProcess(t.Context(), task{Part: sinkPart})
	if err != nil {
		t.Fatal(err)
	}
	var url string
	if err := p.read(&url, startWithin); err != nil {
		t.Fatal(err)
	}
	if err := p.read(&url, time.Millisecond); err == nil || !strings.Contains(err.Error(), "killed, since it did not answer within 1ms") {
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
