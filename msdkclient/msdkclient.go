package msdkclient

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"sync/atomic"
	"time"
)

// Config says how to reach MSDK. Every field but CAFile is required; the package has no defaults of its own.
type Config struct {
	// BaseURL is what stands before the paths of the interface document: scheme, host, and perhaps a path prefix. A
	// trailing slash makes no difference.
	BaseURL string
	// Timeout bounds one whole call, from dialling to the last byte of the answer. The platform gives up on a call
	// after 3100 ms, so that anything shorter abandons calls that would have succeeded.
	Timeout time.Duration
	// ContentType of the request body. The documents show "application/x-www-form-urlencoded" although the body is
	// JSON.
	ContentType string
	// MaxConns is how many idle connections are kept: as many as there are calls in flight, or connections are
	// opened and closed for nothing. It does not limit the calls.
	MaxConns int
	// CAFile is a PEM file of authorities to trust beside the system's. Empty: the system's alone. It is read again at
	// each call, and once it has changed calls connect anew; while it cannot be used what was in it counts.
	CAFile string
}

// Client calls MSDK. It is safe for concurrent use; make one and share it, since it owns the connections.
type Client struct {
	base        *url.URL
	timeout     time.Duration
	contentType string
	userAgent   string
	dial        func(ctx context.Context, network, addr string) (net.Conn, error) // nil: from the operating system
	proxy       *Proxy
	connections connections

	serialPrefix string
	serial       atomic.Uint64
}

// An Option changes how a [Client] is made.
type Option func(*Client)

// WithDialContext makes connections with dial instead of from the operating system, and without the proxy that the
// environment may name.
func WithDialContext(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(c *Client) { c.dial = dial }
}

// WithUserAgent names the program to servers and gateways, some of which turn away what does not. Without it that is
// "battlereport".
func WithUserAgent(name string) Option {
	return func(c *Client) { c.userAgent = name }
}

// New checks cfg and returns a client that has not connected yet. Calls go through the proxy that the environment names
// now, see [ProxyFor].
func New(cfg Config, opts ...Option) (*Client, error) {
	base, err := url.Parse(cfg.BaseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("msdk base URL: %w", err)
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return nil, fmt.Errorf("msdk base URL %q: want http:// or https:// and a host", base.Redacted())
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, fmt.Errorf("msdk base URL %q: user, query and fragment are not allowed", base.Redacted())
	case cfg.Timeout <= 0:
		return nil, fmt.Errorf("msdk timeout %v: want more than 0", cfg.Timeout)
	case cfg.ContentType == "":
		return nil, errors.New("msdk content type: want one, have none")
	case cfg.MaxConns <= 0:
		return nil, fmt.Errorf("msdk connections %d: want 1 or more", cfg.MaxConns)
	}
	if base.Path == "" {
		base.Path = "/" // JoinPath makes a relative path of none
	}
	c := &Client{
		base:         base,
		timeout:      cfg.Timeout,
		contentType:  cfg.ContentType,
		userAgent:    "battlereport",
		serialPrefix: rand.Text()[:10] + "_",
	}
	for _, opt := range opts {
		opt(c)
	}
	if c.dial == nil {
		if c.proxy, err = ProxyFor(cfg.BaseURL, os.Getenv); err != nil {
			return nil, err
		}
	}
	authorities, err := newAuthorities(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	c.connections.secure = authorities.tlsConfig
	c.connections.open = func(secure *tls.Config) *http.Transport { return c.transport(cfg.MaxConns, secure) }
	return c, nil
}

// transport makes connections. They are HTTP/1.1 alone: it is the protocol of the documents, and one call a connection
// keeps calls from waiting for each other behind a lost packet.
func (c *Client) transport(maxConns int, secure *tls.Config) *http.Transport {
	t := &http.Transport{
		Protocols:   new(http.Protocols),
		DialContext: c.dial,
		// A dial may outlive the call that asked for it, for the sake of the next one; these two end it.
		TLSHandshakeTimeout: c.timeout,
		TLSClientConfig:     secure.Clone(),
		MaxIdleConnsPerHost: maxConns,
		// Shorter than the keep-alive of common servers (60 s or more): writing into a connection while the other
		// side closes it leaves the outcome uncertain.
		IdleConnTimeout: 30 * time.Second,
		// A body of the usual size goes out with its headers in one write, and is not copied through another buffer.
		WriteBufferSize: 64 << 10,
		// What is packed all the same is unpacked within the limit of an answer, by unpack.
		DisableCompression: true,
	}
	t.Protocols.SetHTTP1(true)
	if c.dial == nil {
		t.DialContext = (&net.Dialer{Timeout: c.timeout}).DialContext
	}
	if c.proxy != nil {
		t.Proxy = http.ProxyURL(c.proxy.url)
		t.ProxyConnectHeader = http.Header{"User-Agent": {c.userAgent}}
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
			if resp.StatusCode == http.StatusOK {
				return nil
			}
			return &proxyRefusal{c.proxy, resp.StatusCode}
		}
	}
	return t
}

// Close closes the idle connections. Calls in flight go on, and later calls connect again.
func (c *Client) Close() {
	c.connections.closeIdle()
}
