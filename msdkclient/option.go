package msdkclient

import (
	"context"
	"net"
	"net/http"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/trace"
)

// An Option changes how a [Client] is made. Where one is given twice, the last counts.
type Option func(*options)

// options are what is not plain data of a [Config].
type options struct {
	userAgent string
	dial      func(ctx context.Context, network, addr string) (net.Conn, error) // nil: from the operating system
	proxy     *Proxy
	hasProxy  bool // proxy counts, not the environment
	transport http.RoundTripper
	tracers   trace.TracerProvider
	meters    metric.MeterProvider
	dated     func(time.Time) // nil: nobody wants to know
}

// WithUserAgent names the program to servers and gateways, some of which turn away what does not. Without it that is
// "battlereport".
func WithUserAgent(name string) Option {
	return func(o *options) { o.userAgent = name }
}

// WithDialContext makes connections with dial instead of from the operating system, and without the proxy that the
// environment may name.
func WithDialContext(dial func(ctx context.Context, network, addr string) (net.Conn, error)) Option {
	return func(o *options) { o.dial = dial }
}

// WithProxy has calls go through p, whatever the environment names; nil: directly. See [ParseProxy] and [ProxyFor].
func WithProxy(p *Proxy) Option {
	return func(o *options) { o.proxy, o.hasProxy = p, true }
}

// WithTransport makes calls by t instead of over the client's own connections. How they are made is then the caller's
// business: the proxy, the authorities, how many connections are kept, and that they follow DNS; so [New] takes no
// [WithDialContext], [WithProxy] or Config.CAFile beside it, and [Client.Close] leaves t alone. The rest stays the client's:
// signing, the timeout, the limit on an answer, and what is redacted.
//
// t must not repeat a request that it may have sent, since that reports twice. A call without an answer is Uncertain unless
// t tells by [net/http/httptrace], as an [http.Transport] does, that it has looked for a connection and got none. What
// traces or logs inside t sees the URL as it is, with sig, appid and openid: see [RedactURL], and [WithTracerProvider] for
// what needs no such thing.
func WithTransport(t http.RoundTripper) Option {
	return func(o *options) { o.transport = t }
}

// WithTracerProvider makes a client span of each attempt, named by its path, such as "POST /profile/wxscore". Without it
// there are none, also where OpenTelemetry has a global provider, since a call names a player; pass that provider if it is
// meant.
//
// The attributes are those of the conventions for HTTP clients, of which url.full is as [RedactURL] has it and error.type
// is the [Class], and msdk.ret, msdk.inner and msdk.uncertain as in [Error]. None holds a key, a sig, an appid, an openid,
// a token, or any word of the answer. The trace is not passed on to the platform.
func WithTracerProvider(p trace.TracerProvider) Option {
	return func(o *options) { o.tracers = p }
}

// WithMeterProvider measures each attempt: http.client.request.duration in seconds, to the end of the answer, and
// http.client.request.body.size and http.client.response.body.size in bytes, by http.request.method, server.address,
// server.port, url.template (the path), http.response.status_code and error.type (the [Class]). Without it nothing is
// measured, also where OpenTelemetry has a global provider.
func WithMeterProvider(p metric.MeterProvider) Option {
	return func(o *options) { o.meters = p }
}

// WithDate tells f of each answer when it was written, to the second, by the clock of who wrote it: the platform, or a
// gateway on the way. An answer that does not say so is passed over. A signature is good for ten minutes by that clock. f
// is called before the call returns, and concurrently.
func WithDate(f func(written time.Time)) Option {
	return func(o *options) { o.dated = f }
}
