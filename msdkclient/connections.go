package msdkclient

import (
	"crypto/tls"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// lifetime bounds the use of a connection. Names move: the platform's addresses change under load, and a connection in
// use would keep to the old one for as long as the process lives.
const lifetime = 5 * time.Minute

// connections are those of a client. Every few minutes, and when others are to be trusted, they begin anew: new calls
// connect again, and the old connections close as the calls on them end. It is safe for concurrent use.
type connections struct {
	foreign http.RoundTripper  // the caller's, in the place of all that follows
	secure  func() *tls.Config // another when others are to be trusted
	open    func(secure *tls.Config) *http.Transport

	mu        sync.Mutex
	transport *http.Transport
	with      *tls.Config // of transport
	renewal   time.Time
}

// get returns the transport for the next call.
func (c *connections) get() http.RoundTripper {
	if c.foreign != nil {
		return c.foreign
	}
	secure := c.secure()
	c.mu.Lock()
	now := time.Now()
	old := c.transport
	if old != nil && now.Before(c.renewal) && secure == c.with {
		c.mu.Unlock()
		return old
	}
	c.transport, c.with = c.open(secure), secure
	c.renewal = now.Add(lifetime - rand.N(lifetime/3)) // processes that begin together do not renew together
	current := c.transport
	c.mu.Unlock()
	if old != nil {
		old.CloseIdleConnections() // and those in use as soon as they are idle
	}
	return current
}

// closeIdle closes the connections that no call is using, if they are ours.
func (c *connections) closeIdle() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.transport != nil {
		c.transport.CloseIdleConnections()
	}
}

// closeIdle closes the connections that no call is using, if the transport lets us.
func closeIdle(transport http.RoundTripper) {
	if t, ok := transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}
