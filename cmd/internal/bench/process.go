package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// process is one part of a benchmark, in a process of its own so that its CPU time and memory are its own. It is this
// program once more, with the hidden command partName: it reads its task from standard input, a line of JSON, and
// writes lines of JSON, the last of them when standard input ends. So it ends with the benchmark whatever becomes of
// that.
type process struct {
	part  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	lines chan []byte   // closed when there are no more
	ended chan struct{} // closed when the process has ended
	err   error         // of the process; to be read after ended
	said  *tail         // on standard error
}

// maxAnswers is more than any part writes: what is not read must not hold it up.
const maxAnswers = 8

// Bounds of what never takes as long, so that a hung process ends.
const (
	startWithin = 30 * time.Second
	endWithin   = 40 * time.Second // a drain included
)

// startProcess starts a part, which ends with ctx at the latest.
func startProcess(ctx context.Context, t task) (*process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", t.Part, err)
	}
	p := &process{part: t.Part, lines: make(chan []byte, maxAnswers), ended: make(chan struct{}), said: &tail{}}
	p.cmd = exec.CommandContext(ctx, program, "bench", partName)
	p.cmd.Stderr = p.said
	p.cmd.WaitDelay = time.Second
	stdin, err1 := p.cmd.StdinPipe()
	stdout, err2 := p.cmd.StdoutPipe()
	if err := errors.Join(err1, err2); err != nil {
		return nil, fmt.Errorf("start the %s: %w", t.Part, err)
	}
	p.stdin = stdin
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the %s: %w", t.Part, err)
	}
	go func() {
		defer close(p.ended)
		lines := bufio.NewScanner(stdout)
		lines.Buffer(nil, 64<<20) // arrivals of many events
		for lines.Scan() {
			p.lines <- bytes.Clone(lines.Bytes())
		}
		close(p.lines)
		p.err = p.cmd.Wait()
	}()
	if err := json.NewEncoder(stdin).Encode(t); err != nil {
		p.kill()
		return nil, p.failure(fmt.Errorf("hand over its task: %w", err))
	}
	return p, nil
}

// read waits for the next line that the part writes.
func (p *process) read(v any, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case line, ok := <-p.lines:
		if !ok {
			<-p.ended
			return p.failure(errors.Join(errors.New("it ended too early"), p.err))
		}
		if err := json.Unmarshal(line, v); err != nil {
			p.kill()
			return p.failure(fmt.Errorf("read its answer %.200q: %w", line, err))
		}
		return nil
	case <-timer.C:
		p.kill()
		return p.failure(fmt.Errorf("killed, since it did not answer within %s", within))
	}
}

// end has the part end, reads its last line into v unless that is nil, and waits until the process is gone.
func (p *process) end(v any) error {
	_ = p.stdin.Close()
	if v != nil {
		if err := p.read(v, endWithin); err != nil {
			return err
		}
	}
	select {
	case <-p.ended:
	case <-time.After(endWithin):
		p.kill()
		return p.failure(fmt.Errorf("killed, since it did not end within %s", endWithin))
	}
	if p.err != nil {
		return p.failure(p.err)
	}
	return nil
}

// kill ends the process at once. To kill one that has ended does nothing.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.stdin.Close()
	<-p.ended
}

// cpu is what the process has used, in user mode and in the kernel. It is known once the process has ended.
func (p *process) cpu() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

func (p *process) failure(err error) error {
	if said := p.said.String(); said != "" {
		return fmt.Errorf("the process of the %s: %w; the last it said:\n%s", p.part, err, said)
	}
	return fmt.Errorf("the process of the %s: %w", p.part, err)
}
