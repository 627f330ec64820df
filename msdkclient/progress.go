package msdkclient

import (
	"context"
	"net/http/httptrace"
	"sync/atomic"
)

// progress is how far a request has got, as the transport tells by httptrace.
type progress struct {
	foreign        bool // the transport is not ours
	sent           atomic.Bool
	tries, written atomic.Int32
}

// follow has the transport tell of the request made with the context.
func (p *progress) follow(ctx context.Context) context.Context {
	trace := &httptrace.ClientTrace{
		// The transport tries another connection only if it has written nothing to the last.
		GetConn: func(string) { p.sent.Store(false); p.tries.Add(1) },
		// Comes before the first byte of the body; without a body the platform cannot act.
		WroteHeaders: func() { p.sent.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { p.written.Add(1) },
	}
	if p.foreign { // who knows when it tries again, and of what it tells
		trace.GetConn = func(string) { p.tries.Add(1) }
		trace.GotConn = func(httptrace.GotConnInfo) { p.sent.Store(true) }
	}
	return httptrace.WithClientTrace(ctx, trace)
}

// uncertain reports whether the platform may have acted on a request to which no answer came. Another's transport has to
// say that it has looked for a connection and got none; what says nothing may have sent anything.
func (p *progress) uncertain() bool {
	return p.sent.Load() || p.foreign && p.tries.Load() == 0
}

// passed reports whether nobody reads the request's body any more. A transport may do so after the answer has come, and on
// more than one connection. If there was one and it is through with it, nobody does.
func (p *progress) passed() bool {
	return !p.foreign && p.tries.Load() == 1 && p.written.Load() == 1
}
