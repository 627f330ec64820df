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

	"golang.org/x/net/http/httpguts"
)

// Config says how to reach MSDK. Begin with [DefaultConfig].
type Config struct {
	// BaseURL is what stands before the paths of the interface document: scheme, host, and perhaps a path prefix. A
	// trailing slash makes no difference.
	BaseURL string
	// Timeout bounds one whole call, from dialling to the last byte of the answer. The platform gives up on a call
	// after 3100 ms, so that anything shorter abandons calls that would have succeeded.
	Timeout time.Duration
	// ContentType of the request body. The documents show "application/x-www-form-urlencoded" although the body is
	// JSON; the platform takes "application/json" too.
	ContentType string
	// MaxConns is how many idle connections are kept: as many as there are calls in flight, or connections are
	// opened and closed for nothing. It does not limit the calls.
	MaxConns int
	// CAFile is a PEM file of authorities to trust beside the system's. Empty: the system's alone. It is read again at
	// each call, and once it has changed calls connect anew; while it cannot be used what was in it counts.
	CAFile string
}

// DefaultConfig is the platform's production environment for game servers, called as the interface document has it. Its
// test environment is https://msdktest.qq.com.
func DefaultConfig() Config {
	return Config{
		BaseURL:     "https://msdk.tencent-cloud.net",
		Timeout:     5 * time.Second,
		ContentType: "application/x-www-form-urlencoded",
		MaxConns:    32,
	}
}

// Client calls MSDK. It is safe for concurrent use; make one and share it, since it owns the connections.
type Client struct {
	options
	base        *url.URL
	timeout     time.Duration
	contentType string
	connections connections
	telemetry   *telemetry

	serialPrefix string
	serial       atomic.Uint64
}

// parseBase reads a base URL. An error does not show it, as those of package url do: there may be a password in it.
func parseBase(text string) (*url.URL, error) {
	base, err := url.Parse(text)
	if err != nil {
		return nil, errors.New("msdk base URL [redacted]: want http:// or https:// and a host, and a path at most")
	}
	return base, nil
}

// New checks cfg and returns a client that has not connected yet. An error says what is wrong with cfg, with the options,
// or with the environment: calls go through the proxy that it names now, see [ProxyFor].
func New(cfg Config, opts ...Option) (*Client, error) {
	base, err := parseBase(cfg.BaseURL)
	switch {
	case err != nil:
		return nil, err
	case base.Scheme != "http" && base.Scheme != "https", base.Hostname() == "":
		return nil, fmt.Errorf("msdk base URL %q: want http:// or https:// and a host", base.Redacted())
	case base.User != nil, base.RawQuery != "", base.Fragment != "":
		return nil, fmt.Errorf("msdk base URL %q: user, query and fragment are not allowed", base.Redacted())
	case cfg.Timeout <= 0:
		return nil, fmt.Errorf("msdk timeout %v: want more than 0", cfg.Timeout)
	case cfg.ContentType == "":
		return nil, errors.New("msdk content type: want one, have none")
	case !httpguts.ValidHeaderFieldValue(cfg.ContentType):
		return nil, fmt.Errorf("msdk content type %q: want no control characters", cfg.ContentType)
	case cfg.MaxConns <= 0:
		return nil, fmt.Errorf("msdk connections %d: want 1 or more", cfg.MaxConns)
	}
	if base.Path == "" {
		base.Path = "/" // JoinPath makes a relative path of none
	}
	c := &Client{
		options:      options{userAgent: "battlereport"},
		base:         base,
		timeout:      cfg.Timeout,
		contentType:  cfg.ContentType,
		serialPrefix: rand.Text()[:10] + "_",
	}
	for _, opt := range opts {
		opt(&c.options)
	}
	switch {
	case !httpguts.ValidHeaderFieldValue(c.userAgent):
		return nil, fmt.Errorf("msdk user agent %q: want no control characters", c.userAgent)
	case c.options.transport != nil && (c.dial != nil || c.hasProxy || cfg.CAFile != ""):
		return nil, errors.New("msdk transport: want it without a dialer, a proxy and a file of authorities, which it has to have itself")
	}
	if c.telemetry, err = newTelemetry(base, c.tracers, c.meters); err != nil {
		return nil, err
	}
	if c.options.transport != nil {
		c.connections.foreign = c.options.transport
		return c, nil
	}
	if c.dial == nil && !c.hasProxy {
		if c.proxy, err = ProxyFor(cfg.BaseURL, os.Getenv); err != nil {
			return nil, err
		}
	}
	authorities, err := newAuthorities(cfg.CAFile)
	if err != nil {
		return nil, err
	}
	c.connections.secure = authorities.tlsConfig
	c.connections.open = func(secure *tls.Config) *http.Transport { return c.newTransport(cfg.MaxConns, secure) }
	return c, nil
}

// newTransport makes connections. They are HTTP/1.1 alone: it is the protocol of the documents, and one call a connection
// keeps calls from waiting for each other behind a lost packet.
func (c *Client) newTransport(maxConns int, secure *tls.Config) *http.Transport {
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
		// No server has so much to say there.
		MaxResponseHeaderBytes: maxAnswer,
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

// Close closes the idle connections, if they are the client's own. Calls in flight go on, and later calls connect again.
func (c *Client) Close() {
	c.connections.closeIdle()
}
