package consumer

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

// frame is a message of one byte, as requests and answers are.
func frame(of byte) []byte { return []byte{0, 0, 0, 1, of} }

// far is the other end of a session.
type far struct {
	t *testing.T
	net.Conn
}

// hears reads requests.
func (f far) hears(want ...byte) {
	f.t.Helper()
	for _, of := range want {
		got := make([]byte, 5)
		if _, err := io.ReadFull(f, got); err != nil || !slices.Equal(got, frame(of)) {
			f.t.Errorf("heard %v, %v, want %q", got, err, of)
		}
	}
}

func (f far) answers(of byte) {
	f.t.Helper()
	if _, err := f.Write(frame(of)); err != nil {
		f.t.Error(err)
	}
}

// between is a link and, of each of its sessions, the other end; each but the first
// takes a time to open.
func between(t *testing.T, takes time.Duration) (l *link, fars chan far) {
	fars = make(chan far, 10)
	open := func(ctx context.Context) (*session, error) {
		select {
		case <-time.After(takes):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		ours, theirs := net.Pipe()
		fars <- far{t, theirs}
		return &session{Conn: ours, address: "a:1"}, nil
	}
	first, theirs := net.Pipe()
	fars <- far{t, theirs}
	l = newLink(&session{Conn: first, address: "a:1"}, open, true)
	t.Cleanup(func() { l.Close() })
	return l, fars
}

func (l *link) mustWrite(t *testing.T, of byte) {
	t.Helper()
	if _, err := l.Write(frame(of)); err != nil {
		t.Errorf("write %q: %v", of, err)
	}
}

func (l *link) mustRead(t *testing.T, want ...byte) {
	t.Helper()
	for _, of := range want {
		got := make([]byte, 5)
		if _, err := io.ReadFull(l, got); err != nil || !slices.Equal(got, frame(of)) {
			t.Errorf("read %v, %v, want %q", got, err, of)
		}
	}
}

// The first may be answered before the last is there.
func TestOfManyRequestsThatHaveNoAnswerEachIsSentAgainInTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fars := between(t, 0)
		one := <-fars
		go func() {
			one.hears('x')
			one.answers('x')
			one.hears('a', 'b')
			one.Close()
		}()
		l.mustWrite(t, 'x')
		l.mustRead(t, 'x')
		for _, of := range []byte("ab") {
			l.mustWrite(t, of)
		}
		synctest.Wait()
		go l.mustWrite(t, 'c') // which finds that the session is broken
		two := <-fars
		go l.mustRead(t, 'a', 'b', 'c')
		for _, of := range []byte("abc") {
			two.hears(of)
			two.answers(of)
			synctest.Wait()
		}
	})
}

// due has the session be renewed before the next request, or else end after a time.
func (l *link) due(ends time.Duration) {
	l.session.renew, l.session.ends = time.Now(), time.Now().Add(ends)
}

// kafka-go leaves the deadline of the last answer as it was when it sends the next request.
func TestAnotherSessionIsOpenedUpToTheDeadlineOfWhoOpensIt(t *testing.T) {
	t.Parallel()
	for rule, test := range map[string]struct {
		read, write time.Duration // the deadlines, from now
		renewed     bool
	}{
		"the deadline of the last answer is over": {-time.Second, time.Minute, true},
		"so is that of the request":               {time.Minute, -time.Second, false},
		"it is too soon":                          {time.Minute, time.Second, false},
	} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, fars := between(t, 2*time.Second)
				one := <-fars
				go func() { _, _ = io.Copy(io.Discard, one) }()
				l.due(time.Hour)
				before := l.session
				_ = l.SetReadDeadline(time.Now().Add(test.read))
				_ = l.SetWriteDeadline(time.Now().Add(test.write))
				if test.renewed {
					go func() { (<-fars).hears('a') }()
				}
				_, err := l.Write(frame('a'))
				if renewed := l.session != before; renewed != test.renewed {
					t.Errorf("renewed is %v", renewed)
				}
				if late := test.write < 0; errors.Is(err, os.ErrDeadlineExceeded) != late {
					t.Errorf("written: %v", err)
				}
			})
		})
	}
}

func TestWhoIsToWriteNoLongerNeedNotWaitForAnotherSession(t *testing.T) {
	t.Parallel()
	for rule, pending := range map[string]bool{"until it is open": false, "until all is answered": true} {
		t.Run(rule, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, fars := between(t, time.Hour)
				one := <-fars
				go func() { _, _ = io.Copy(io.Discard, one) }()
				if pending {
					l.mustWrite(t, 'x')
				}
				l.due(time.Minute)
				began := time.Now()
				time.AfterFunc(time.Second, func() { _ = l.SetWriteDeadline(time.Now()) })
				if _, err := l.Write(frame('a')); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(began) != time.Second {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		})
	}
}

func TestASessionServesOnWhereAnAnswerIsLongInComing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fars := between(t, 0)
		one := <-fars
		go one.hears('x', 'a', 'b')
		l.mustWrite(t, 'x')
		l.due(time.Hour)
		began := time.Now()
		for _, of := range []byte("ab") {
			_ = l.SetWriteDeadline(time.Now().Add(10 * time.Second))
			l.mustWrite(t, of)
		}
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

// dead is a connection which the system has given up.
type dead struct{ net.Conn }

func (dead) Read([]byte) (int, error) {
	return 0, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ETIMEDOUT)}
}

// The packets of such a connection are dropped, so that nobody ends it but the system.
func TestARequestIsSentAgainWhereNothingComesThroughAnyMore(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		l, fars := between(t, 0)
		one := <-fars
		go func() { one.hears('x'); one.answers('x'); one.hears('a') }()
		l.mustWrite(t, 'x')
		l.mustRead(t, 'x')
		l.mustWrite(t, 'a')
		l.session.Conn = dead{l.session.Conn}
		go func() {
			two := <-fars
			two.hears('a')
			two.answers('a')
		}()
		l.mustRead(t, 'a')
	})
}
