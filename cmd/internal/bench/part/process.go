package part

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

// Process is one part of a benchmark, in a process of its own so that its CPU time and memory are its own. It is this
// program once more, with the hidden command [Command]: it reads its task from standard input, a line of JSON, and
// writes lines of JSON, the last of them when standard input ends. So it ends with the benchmark whatever becomes of
// that.
type Process struct {
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
	StartWithin = 30 * time.Second
	endWithin   = 40 * time.Second // a drain included
)

// Start starts a part, which ends with ctx at the latest.
func Start(ctx context.Context, t Task) (*Process, error) {
	program, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("start the %s: %w", t.Part, err)
	}
	p := &Process{part: t.Part, lines: make(chan []byte, maxAnswers), ended: make(chan struct{}), said: &tail{}}
	p.cmd = exec.CommandContext(ctx, program, "bench", Command)
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
		p.Kill()
		return nil, p.Failure(fmt.Errorf("hand over its task: %w", err))
	}
	return p, nil
}

// Read waits for the next line that the part writes.
func (p *Process) Read(v any, within time.Duration) error {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case line, ok := <-p.lines:
		if !ok {
			<-p.ended
			return p.Failure(errors.Join(errors.New("it ended too early"), p.err))
		}
		if err := json.Unmarshal(line, v); err != nil {
			p.Kill()
			return p.Failure(fmt.Errorf("read its answer %.200q: %w", line, err))
		}
		return nil
	case <-timer.C:
		p.Kill()
		return p.Failure(fmt.Errorf("killed, since it did not answer within %s", within))
	}
}

// End has the part end, reads its last line into v unless that is nil, and waits until the process is gone.
func (p *Process) End(v any) error {
	_ = p.stdin.Close()
	if v != nil {
		if err := p.Read(v, endWithin); err != nil {
			return err
		}
	}
	select {
	case <-p.ended:
	case <-time.After(endWithin):
		p.Kill()
		return p.Failure(fmt.Errorf("killed, since it did not end within %s", endWithin))
	}
	if p.err != nil {
		return p.Failure(p.err)
	}
	return nil
}

// Kill ends the process at once. To kill one that has ended does nothing.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	_ = p.stdin.Close()
	<-p.ended
}

// CPU is what the process has used, in user mode and in the kernel. It is known once the process has ended.
func (p *Process) CPU() time.Duration {
	return p.cmd.ProcessState.UserTime() + p.cmd.ProcessState.SystemTime()
}

// Failed is the error of a process that has ended with one; nil: it runs, or has done what it should.
func (p *Process) Failed() error {
	select {
	case <-p.ended:
		if p.err != nil {
			return p.Failure(p.err)
		}
	default:
	}
	return nil
}

// Failure is an error about a process, with the last that it said on standard error.
func (p *Process) Failure(err error) error {
	if said := p.said.String(); said != "" {
		return fmt.Errorf("the process of the %s: %w; the last it said:\n%s", p.part, err, said)
	}
	return fmt.Errorf("the process of the %s: %w", p.part, err)
}
