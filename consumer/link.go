package consumer

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"
)

// link is a connection of a client's that outlives its sessions: the clients do not
// authenticate, and kafka-go, which would not know of sessions, ends a group's generation
// with its connection. What is sent is requests, and the answers come in their order, so
// that between them one session is as good as another: nothing of Kafka's is bound to a
// connection. Safe for concurrent use as a net.Conn is.
type link struct {
	open    func(context.Context) (*session, error)
	retries bool // what has no answer is sent again, where the session was of use before

	writing chan struct{} // held by who writes, or puts another session in the place of one
	sent    frames        // guarded by writing
	heard   frames        // of who reads

	mu       sync.Mutex
	session  *session
	answers  int           // over the session
	pending  int           // requests sent whole and not answered
	kept     [][]byte      // these, and what is sent of another, where it retries
	spare    []byte        // memory for the next to be kept
	broken   *session      // over which nothing more comes,
	cause    error         // since this befell it
	changed  chan struct{} // closed when nothing is pending, the session breaks, or the link closes
	deadline struct{ read, write time.Time }
	closed   bool
	opening  context.CancelFunc // of another session, if one is being opened,
	until    *time.Time         // up to the deadline of who reads or writes, and opens it
}

func newLink(s *session, open func(context.Context) (*session, error), retries bool) *link {
	return &link{open: open, retries: retries, session: s, writing: make(chan struct{}, 1), changed: make(chan struct{})}
}

// frames follows a stream of messages, each of which begins with its length.
type frames struct {
	head [4]byte
	read int    // bytes of head
	left uint32 // bytes of the message that are to come
}

// between tells that the stream is where a message begins.
func (f *frames) between() bool { return f.read == 0 }

// next returns how many of the bytes are of the message that is under way, and whether
// it ends with them.
func (f *frames) next(b []byte) (n int, ends bool) {
	if f.read < len(f.head) {
		n = copy(f.head[f.read:], b)
		if f.read += n; f.read < len(f.head) {
			return n, false
		}
		f.left = binary.BigEndian.Uint32(f.head[:])
	}
	more := min(uint64(f.left), uint64(len(b)-n))
	f.left -= uint32(more)
	if ends = f.left == 0; ends {
		f.read = 0
	}
	return n + int(more), ends
}

// Read reads answers.
func (l *link) Read(b []byte) (int, error) {
	for {
		s := l.current()
		n, err := s.Read(b)
		if n > 0 {
			l.answered(b[:n])
			return n, nil // an error comes again
		}
		if err == nil {
			return 0, nil
		}
		l.breaks(s, err)
		if err := l.lost(s, err); err != nil {
			return 0, err
		}
		l.writing <- struct{}{} // who writes to s, which is closed, soon does no longer
		err = l.again(s, err, &l.deadline.read)
		<-l.writing
		if err != nil {
			return 0, err
		}
	}
}

// Write writes requests, whole or in pieces.
func (l *link) Write(b []byte) (int, error) {
	l.writing <- struct{}{}
	defer func() { <-l.writing }()
	if l.sent.between() {
		if err := l.renew(); err != nil {
			return 0, err
		}
	}
	s := l.current()
	l.note(b) // first, as the answer may be there before Write returns
	n, err := s.Write(b)
	if err == nil {
		return n, nil
	}
	l.breaks(s, err)
	if err := l.again(s, err, &l.deadline.write); err != nil {
		return n, err
	}
	return len(b), nil
}

// note notes what is about to be sent.
func (l *link) note(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(b) > 0 {
		begins := l.sent.between()
		n, ends := l.sent.next(b)
		if l.retries {
			if begins {
				l.kept, l.spare = append(l.kept, l.spare[:0]), nil
			}
			last := &l.kept[len(l.kept)-1]
			*last = append(*last, b[:n]...)
		}
		if ends {
			l.pending++
		}
		b = b[n:]
	}
}

// answered notes what has come.
func (l *link) answered(b []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(b) > 0 {
		n, ends := l.heard.next(b)
		b = b[n:]
		if !ends {
			continue
		}
		l.pending--
		l.answers++
		if len(l.kept) > 0 {
			l.spare = l.kept[0]
			l.kept = slices.Delete(l.kept, 0, 1)
		}
		if l.pending == 0 {
			l.change()
		}
	}
}

// change has those go on who wait for something to change.
func (l *link) change() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// breaks notes of a session that the other side has ended it, and has who writes to it do
// so no longer.
func (l *link) breaks(s *session, err error) {
	if !isHangUp(err) {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.session == s && l.broken != s {
		l.broken, l.cause = s, err
	}
	_ = s.Close()
	l.change()
}

func (l *link) current() *session {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.session
}

// lost returns an error for one that has befallen a session, unless what has no answer
// may be sent over another, or has been.
func (l *link) lost(s *session, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == s {
		err = l.cause
	}
	switch {
	case l.session != s:
		return nil
	case l.closed, !isHangUp(err):
		return err
	case l.answers == 0:
		return &OpenError{Address: s.address, Broker: -1, Err: fmt.Errorf("%w: %w", ErrHungUp, err)}
	case !l.retries, !l.heard.between():
		return err
	}
	return nil
}

// again has what has no answer be sent over another session than the one that an error has
// befallen, if it may be and there is one before the deadline. Writing is held.
func (l *link) again(s *session, err error, until *time.Time) error {
	if err := l.lost(s, err); err != nil {
		return err
	}
	if l.current() != s {
		return nil // the other side has sent it
	}
	if err := l.replace(s, dialTimeout, until); err != nil {
		return err
	}
	l.mu.Lock()
	next, kept := l.session, slices.Clone(l.kept) // the first may be answered before the last is sent
	l.mu.Unlock()
	for _, frame := range kept {
		if _, err := next.Write(frame); err != nil {
			return err
		}
	}
	return nil
}

// renew puts another session in the place of one that is about to end, once it has
// answered all. Where there is none to be had, in half the time that there is to write,
// the old one serves for as long as it lasts.
func (l *link) renew() error {
	for {
		l.mu.Lock()
		s, changed, deadline := l.session, l.changed, l.deadline.write
		due := !s.renew.IsZero() && !time.Now().Before(s.renew)
		lost, pending := l.broken == s || l.closed, l.pending > 0
		l.mu.Unlock()
		if !due || lost { // which Write finds
			return nil
		}
		left, patience := time.Until(s.ends), dialTimeout
		if left > 0 {
			patience = min(max(left, stepTimeout), dialTimeout)
			if !deadline.IsZero() {
				patience = min(patience, time.Until(deadline)/2)
				deadline = time.Now().Add(patience)
			}
		}
		if pending {
			if within(changed, deadline) {
				continue
			}
		} else if err := l.replace(s, patience, &l.deadline.write); err == nil || time.Until(s.ends) <= 0 {
			return err
		}
		s.renew = time.Now().Add(left / 4)
		return nil
	}
}

// within waits for a channel to be closed, up to a time if there is one.
func within(changed <-chan struct{}, deadline time.Time) bool {
	var late <-chan time.Time
	if !deadline.IsZero() {
		timer := time.NewTimer(time.Until(deadline))
		defer timer.Stop()
		late = timer.C
	}
	select {
	case <-changed:
		return true
	case <-late:
		return false
	}
}

// replace puts another session in the place of one, which it closes, if there is one
// within a time and before the deadline. Writing is held.
func (l *link) replace(old *session, within time.Duration, until *time.Time) error {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return net.ErrClosed
	}
	l.opening, l.until = cancel, until
	if d := *until; !d.IsZero() {
		var stop context.CancelFunc
		ctx, stop = context.WithDeadline(ctx, d)
		defer stop()
	}
	l.mu.Unlock()
	s, err := l.open(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opening, l.until = nil, nil
	if err != nil {
		return err
	}
	if l.closed {
		_ = s.Close()
		return net.ErrClosed
	}
	_ = old.Close()
	l.session, l.answers = s, 0
	return unlessHungUp(errors.Join(s.SetReadDeadline(l.deadline.read), s.SetWriteDeadline(l.deadline.write)))
}

// Close closes the session, and hinders another.
func (l *link) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.opening != nil {
		l.opening()
	}
	l.change()
	return l.session.Close()
}

// LocalAddr is that of the session.
func (l *link) LocalAddr() net.Addr { return l.current().LocalAddr() }

// RemoteAddr is that of the session.
func (l *link) RemoteAddr() net.Addr { return l.current().RemoteAddr() }

// SetDeadline sets both.
func (l *link) SetDeadline(t time.Time) error {
	return errors.Join(l.SetReadDeadline(t), l.SetWriteDeadline(t))
}

// SetReadDeadline bounds reading, and the opening of another session by who reads.
func (l *link) SetReadDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(&l.deadline.read, t)
	return unlessHungUp(l.session.SetReadDeadline(t))
}

// SetWriteDeadline bounds writing, and the opening of another session by who writes.
func (l *link) SetWriteDeadline(t time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.put(&l.deadline.write, t)
	return unlessHungUp(l.session.SetWriteDeadline(t))
}

// put puts off or advances a deadline, and has who waits no longer than that go on.
func (l *link) put(deadline *time.Time, t time.Time) {
	*deadline = t
	if t.IsZero() || t.After(time.Now()) {
		return
	}
	if l.until == deadline {
		l.opening()
	}
	l.change()
}

// unlessHungUp leaves it to who reads and writes to find that the session is broken.
func unlessHungUp(err error) error {
	if isHangUp(err) {
		return nil
	}
	return err
}
