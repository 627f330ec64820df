package msdkclient

import (
	"net/http"
	"time"
)

// For the tests that need the simulated platform, which knows this package.
const Lifetime = lifetime

// Renewal is when the client connects anew.
func (c *Client) Renewal() time.Time {
	c.connections.get()
	c.connections.mu.Lock()
	defer c.connections.mu.Unlock()
	return c.connections.renewal
}

// RenewNow has the client connect anew at its next call.
func (c *Client) RenewNow() {
	c.connections.mu.Lock()
	defer c.connections.mu.Unlock()
	c.connections.renewal = time.Now()
}

// TLSConfig is how the platform is known by the authorities in a file.
var TLSConfig = tlsConfig

// Sign is the sig of a timestamp.
var Sign = sign

// Transport is that of the next call, if it is ours.
func (c *Client) Transport() *http.Transport { return c.connections.get().(*http.Transport) }
