package kafkatest

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// Proxy stands between clients and a broker, and lets the network be as bad as a test wants it: bytes may stop, or come
// in drips, while the connections stay open. It starts as a good network. Its methods are safe for concurrent use.
type Proxy struct {
	broker *Broker

	mu      sync.Mutex
	flow    flow
	changed chan struct{} // closed when flow is another
	links   map[*link]struct{}
}

// flow is how fast bytes pass, each way of each connection.
type flow struct {
	bytes int // at a time; 0: none pass
	every time.Duration
}

// atOnce is the flow of a good network.
var atOnce = flow{bytes: 64 << 10}

// Proxy returns a new proxy of the broker. [Broker.Sever] cuts its connections too.
func (b *Broker) Proxy() *Proxy {
	return &Proxy{broker: b, flow: atOnce, changed: make(chan struct{}), links: map[*link]struct{}{}}
}

// Cut ends the connections that there are, as firewalls and brokers do, and lets others be made.
func (p *Proxy) Cut() {
	p.mu.Lock()
	links := slices.Collect(maps.Keys(p.links))
	p.mu.Unlock()
	for _, l := range links {
		l.close()
	}
}

// Stall lets no byte pass. Who connects is connected all the same.
func (p *Proxy) Stall() { p.set(flow{}) }

// Drip lets n bytes pass at a time, and so many again each time that long has passed.
func (p *Proxy) Drip(n int, every time.Duration) { p.set(flow{n, every}) }

// Flow undoes Stall and Drip. What was held up passes now.
func (p *Proxy) Flow() { p.set(atOnce) }

func (p *Proxy) set(f flow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flow = f
	close(p.changed)
	p.changed = make(chan struct{})
}

// now is the flow, and what tells that it is another.
func (p *Proxy) now() (flow, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.flow, p.changed
}

// Dial connects to a broker as [Broker.Dial] does, through the proxy.
func (p *Proxy) Dial(ctx context.Context, network, addr string) (net.Conn, error) {
	upstream, err := p.broker.Dial(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	near, far := net.Pipe()
	l := &link{proxy: p, ended: make(chan struct{}), ends: [2]net.Conn{far, upstream}}
	p.mu.Lock()
	p.links[l] = struct{}{}
	p.mu.Unlock()
	go l.carry(upstream, far)
	go l.carry(far, upstream)
	return near, nil
}

// link is a connection through the proxy.
type link struct {
	proxy *Proxy
	once  sync.Once
	ended chan struct{}
	ends  [2]net.Conn
}

// carry takes what one end has written to the other, until one of them is closed.
func (l *link) carry(to, from net.Conn) {
	defer l.close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		for rest := buffer[:n]; len(rest) > 0; {
			piece := rest[:min(l.await(), len(rest))]
			if len(piece) == 0 {
				return // closed
			}
			if _, err := to.Write(piece); err != nil {
				return
			}
			rest = rest[len(piece):]
		}
		if err != nil {
			return
		}
	}
}

// await waits until bytes may pass, and returns how many; none once the link is closed.
func (l *link) await() int {
	for {
		f, changed := l.proxy.now()
		var wait <-chan time.Time
		if f.bytes > 0 {
			if f.every == 0 {
				return f.bytes
			}
			wait = time.After(f.every)
		}
		select {
		case <-l.ended:
			return 0
		case <-wait:
			return f.bytes
		case <-changed:
		}
	}
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.ended)
		l.proxy.mu.Lock()
		delete(l.proxy.links, l)
		l.proxy.mu.Unlock()
		for _, c := range l.ends {
			_ = c.Close()
		}
	})
}
