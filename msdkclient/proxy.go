package msdkclient

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpproxy"
)

// Proxy is what calls go through. Printed, it does not show its credentials; nil is none.
type Proxy struct {
	url *url.URL
}

// proxyForm says what is taken for a proxy's URL.
const proxyForm = "want the URL of a proxy, such as http://proxy.example:3128, with the scheme http, https, socks5 or socks5h"

// ParseProxy reads the URL of a proxy: its scheme, http if there is none, perhaps credentials, its host, and perhaps a port.
// An error does not show the URL, since there may be a password in it.
func ParseProxy(rawURL string) (*Proxy, error) {
	if !strings.Contains(rawURL, "://") {
		rawURL = "http://" + rawURL
	}
	u, err := url.Parse(rawURL)
	if err != nil || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) ||
		u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, errors.New("proxy [redacted]: " + proxyForm)
	}
	if port, err := strconv.ParseUint(u.Port(), 10, 16); u.Port() != "" && (err != nil || port == 0) {
		return nil, errors.New("proxy [redacted]: " + proxyForm)
	}
	return &Proxy{u}, nil
}

// ProxyFor returns the proxy that the environment names for calls to baseURL: HTTPS_PROXY or HTTP_PROXY by its scheme,
// unless NO_PROXY excepts its host. Names in small letters do as well, and the rules are those of net/http: this machine
// itself is never reached through a proxy. Every proxy variable must hold the URL of a proxy, or an error names it; the
// error does not show the value, since there may be a password in it.
func ProxyFor(baseURL string, getenv func(name string) string) (*Proxy, error) {
	base, err := parseBase(baseURL)
	if err != nil {
		return nil, err
	}
	values := map[string]string{}
	for _, scheme := range []string{"http", "https"} {
		name, value := variable(getenv, scheme+"_proxy")
		if value == "" {
			continue
		}
		if _, err := ParseProxy(value); err != nil {
			return nil, fmt.Errorf("environment variable %s: [redacted]: %s", name, proxyForm)
		}
		values[scheme] = value
	}
	_, exceptions := variable(getenv, "no_proxy")
	rules := httpproxy.Config{HTTPProxy: values["http"], HTTPSProxy: values["https"], NoProxy: exceptions}
	proxy, err := rules.ProxyFunc()(base)
	if proxy == nil || err != nil { // of which there is none, since the values are proxies
		return nil, err
	}
	return &Proxy{proxy}, nil
}

// variable is the environment variable that net/http would take, in capitals or in small letters.
func variable(getenv func(string) string, name string) (as, value string) {
	if capitals := strings.ToUpper(name); getenv(capitals) != "" {
		return capitals, getenv(capitals)
	}
	return name, getenv(name)
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
