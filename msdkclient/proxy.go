package msdkclient

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Proxy is what calls go through. Printed, it does not show its credentials; nil is none.
type Proxy struct {
	url *url.URL
}

// ProxyFor returns the proxy that the environment names for calls to baseURL: HTTPS_PROXY or HTTP_PROXY by its scheme,
// unless NO_PROXY excepts its host. Names in small letters do as well, and the rules are those of net/http: this machine
// itself is never reached through a proxy. Every proxy variable must hold the URL of a proxy, or an error names it; the
// error does not show the value, since there may be a password in it.
func ProxyFor(baseURL string, getenv func(name string) string) (*Proxy, error) {
	base, err := url.Parse(baseURL)
	if err != nil {
		return nil, fmt.Errorf("msdk base URL: %w", err)
	}
	var proxy *Proxy
	for _, scheme := range []string{"http", "https"} {
		name, value := variable(getenv, scheme+"_proxy")
		if value == "" {
			continue
		}
		p, ok := parseProxy(value)
		if !ok {
			return nil, fmt.Errorf("environment variable %s: [redacted]: want the URL of a proxy, such as http://proxy.example:3128, with the scheme http, https, socks5 or socks5h", name)
		}
		if scheme == base.Scheme {
			proxy = p
		}
	}
	if _, exceptions := variable(getenv, "no_proxy"); excepts(exceptions, base) {
		return nil, nil
	}
	return proxy, nil
}

// variable is the environment variable that net/http would take, in capitals or in small letters.
func variable(getenv func(string) string, name string) (as, value string) {
	if capitals := strings.ToUpper(name); getenv(capitals) != "" {
		return capitals, getenv(capitals)
	}
	return name, getenv(name)
}

// parseProxy takes host:port for http://host:port, as net/http does.
func parseProxy(value string) (*Proxy, bool) {
	if !strings.Contains(value, "://") {
		value = "http://" + value
	}
	u, err := url.Parse(value)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) ||
		u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, false
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return nil, false
	}
	return &Proxy{u}, true
}

// excepts reports whether calls to base go without a proxy: base names this machine, or NO_PROXY names the host of base,
// a domain above it or the network it is in.
func excepts(exceptions string, base *url.URL) bool {
	host := strings.TrimSuffix(strings.ToLower(base.Hostname()), ".")
	port := cmp.Or(base.Port(), map[string]string{"http": "80", "https": "443"}[base.Scheme])
	addr, noAddr := netip.ParseAddr(host)
	if host == "localhost" || addr.Unmap().IsLoopback() {
		return true
	}
	for entry := range strings.SplitSeq(strings.ToLower(exceptions), ",") {
		entry = strings.TrimSpace(entry)
		if entry == "*" {
			return true
		}
		if network, err := netip.ParsePrefix(entry); err == nil {
			if noAddr == nil && network.Contains(addr.Unmap()) {
				return true
			}
			continue
		}
		if name, only, err := net.SplitHostPort(entry); err == nil {
			if only != port {
				continue
			}
			entry = name
		}
		entry = strings.Trim(entry, "[]")
		if other, err := netip.ParseAddr(entry); err == nil {
			if noAddr == nil && other.Unmap() == addr.Unmap() {
				return true
			}
			continue
		}
		domain, below := strings.CutPrefix(strings.TrimPrefix(entry, "*"), ".")
		if domain != "" && (strings.HasSuffix(host, "."+domain) || !below && host == domain) {
			return true
		}
	}
	return false
}

// String is the proxy's URL without its credentials, or "none".
func (p *Proxy) String() string {
	switch {
	case p == nil:
		return "none"
	case p.url.User != nil:
		return p.url.Scheme + "://[redacted]@" + p.url.Host
	default:
		return p.url.Scheme + "://" + p.url.Host
	}
}

// secrets are the forms in which the credentials stand in what is sent to the proxy.
func (p *Proxy) secrets() []string {
	if p == nil || p.url.User == nil {
		return nil
	}
	password, _ := p.url.User.Password()
	basic := base64.StdEncoding.EncodeToString([]byte(p.url.User.Username() + ":" + password))
	if password == "" {
		return []string{basic}
	}
	return []string{basic, password}
}

// proxyRefusal is the answer of a proxy that was asked for a tunnel and made none.
type proxyRefusal struct {
	proxy  *Proxy
	status int
}

func (r *proxyRefusal) Error() string {
	return fmt.Sprintf("proxy %s answers HTTP %d %s", r.proxy, r.status, http.StatusText(r.status))
}
