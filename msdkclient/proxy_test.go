package msdkclient_test

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	. "github.com/battlereport/battlereport/msdkclient"
)

func getenv(vars map[string]string) func(string) string {
	return func(name string) string { return vars[name] }
}

func TestTheEnvironmentNamesTheProxy(t *testing.T) {
	t.Parallel()
	const plain, secure = "http://msdk.example/x", "https://msdk.example"
	for rule, tt := range map[string]struct {
		base, want string
		env        map[string]string
	}{
		"none if it names none":                     {secure, "none", nil},
		"by the scheme of the base URL":             {secure, "http://b:2", map[string]string{"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"}},
		"… which may be http":                       {plain, "http://a:1", map[string]string{"HTTP_PROXY": "http://a:1", "HTTPS_PROXY": "http://b:2"}},
		"but not by the other scheme":               {secure, "none", map[string]string{"HTTP_PROXY": "http://a:1"}},
		"in small letters":                          {secure, "http://b:2", map[string]string{"https_proxy": "http://b:2", "no_proxy": "other"}},
		"in capitals before small letters":          {secure, "http://b:2", map[string]string{"HTTPS_PROXY": "http://b:2", "https_proxy": "http://c:3"}},
		"that speaks TLS":                           {secure, "https://b:2", map[string]string{"HTTPS_PROXY": "https://b:2/"}},
		"that speaks SOCKS":                         {secure, "socks5://b:2", map[string]string{"HTTPS_PROXY": "socks5://b:2"}},
		"that speaks SOCKS and looks names up":      {secure, "socks5h://b", map[string]string{"HTTPS_PROXY": "socks5h://b"}},
		"without a scheme":                          {secure, "http://b:2", map[string]string{"HTTPS_PROXY": "b:2"}},
		"at an IPv6 address":                        {secure, "http://[::2]:2", map[string]string{"HTTPS_PROXY": "http://[::2]:2"}},
		"whose credentials are not shown":           {secure, "http://[redacted]@b:2", map[string]string{"HTTPS_PROXY": "http://me:hunter2@b:2"}},
		"nor those without a scheme":                {secure, "http://[redacted]@b:2", map[string]string{"HTTPS_PROXY": "me:hunter2@b:2"}},
		"unless all hosts are excepted":             {secure, "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "x,*"}},
		"unless the host is":                        {secure, "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "x, MSDK.example"}},
		"unless a domain above it is":               {secure, "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "example"}},
		"unless all below a domain are":             {secure, "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": ".example"}},
		"… with an asterisk":                        {secure, "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "*.example"}},
		"but the host is not below itself":          {secure, "http://b:2", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": ".msdk.example"}},
		"nor is part of a name a domain":            {secure, "http://b:2", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "k.example,,."}},
		"unless the host's port is excepted":        {secure, "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "msdk.example:443"}},
		"but not for another port":                  {secure + ":8443", "http://b:2", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "msdk.example:443"}},
		"unless the address is excepted":            {"https://10.1.2.3", "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "10.1.2.3"}},
		"… with a port":                             {"https://10.1.2.3:1", "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "10.1.2.3:1"}},
		"unless an IPv6 address is":                 {"https://[fd00::1]", "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "fd00:0::1"}},
		"unless the network is":                     {"https://10.1.2.3", "none", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "10.0.0.0/8"}},
		"but not for an address beside it":          {"https://11.1.2.3", "http://b:2", map[string]string{"HTTPS_PROXY": "b:2", "NO_PROXY": "10.0.0.0/8,10.1.2.3"}},
		"but not for this machine":                  {"http://127.0.0.1:80", "none", map[string]string{"HTTP_PROXY": "a:1"}},
		"by name in small letters":                  {"http://localhost", "none", map[string]string{"HTTP_PROXY": "a:1"}},
		"in IPv6 too":                               {"http://[::1]", "none", map[string]string{"HTTP_PROXY": "a:1"}},
		"and a value for other programs is skipped": {secure, "none", map[string]string{"FTP_PROXY": "://", "ALL_PROXY": "://"}},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			got, err := ProxyFor(tt.base, getenv(tt.env))
			if err != nil || got.String() != tt.want || strings.Contains(fmt.Sprintf("%v %+v", got, got), "hunter2") {
				t.Errorf("%v, %v; want %s", got, err, tt.want)
			}
		})
	}
}

func TestAProxyVariableThatIsNoProxyIsRefused(t *testing.T) {
	t.Parallel()
	for _, value := range []string{
		"http://me:hunter2@[::1", "http://me:hunter2@b:port", "http://me:hunter2", "http://b:99999", "http://b:0", "http://:3128", "http://",
		"://hunter2", "htp://me:hunter2@b", "http//b:1", "http:/b:1", "file:///hunter2", "http://b/proxy.pac", "http://b?hunter2",
		"hunter2 b", "http://b:1,http://c:1", "http://me:hunter2%zz@b:1", "direct://", "\"http://b:1\"", "http://b:1\n",
	} {
		for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
			for _, base := range []string{"https://msdk.example", "http://127.0.0.1:1"} {
				proxy, err := ProxyFor(base, getenv(map[string]string{name: value, "NO_PROXY": "*"}))
				if err == nil || !strings.Contains(err.Error(), name+":") || strings.Contains(err.Error(), "hunter2") {
					t.Errorf("%s=%q for %s: %v, %v", name, value, base, proxy, err)
				}
			}
		}
	}
}

// tunnel is a proxy that leads every CONNECT to the address, if status is 200.
func tunnel(t *testing.T, address string, status *int, seen *http.Request) *httptest.Server {
	t.Helper()
	var copies sync.WaitGroup
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		*seen = *r
		if *status != http.StatusOK || r.Method != http.MethodConnect {
			w.WriteHeader(*status)
			_, _ = io.WriteString(w, r.Header.Get("Proxy-Authorization"))
			return
		}
		to, err := net.Dial("tcp", address)
		if err != nil {
			t.Error(err)
			return
		}
		from, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(from, "HTTP/1.1 200 OK\r\n\r\n")
		copies.Go(func() { _, _ = io.Copy(to, rw); _ = to.Close() })
		copies.Go(func() { _, _ = io.Copy(from, to); _ = from.Close() })
	}))
	t.Cleanup(func() { proxy.Close(); copies.Wait() })
	return proxy
}

// authority writes the certificate of a server to a file, as some editors do: behind a byte order mark.
func authority(t *testing.T, server *httptest.Server) (file string) {
	t.Helper()
	file = filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := os.WriteFile(file, append([]byte("\ufeff"), block...), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func accept(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	_, _ = io.WriteString(w, `{"ret":0}`)
}

func TestCallsOverTLSGoThroughTheProxy(t *testing.T) {
	platform := httptest.NewTLSServer(http.HandlerFunc(accept))
	t.Cleanup(platform.Close)
	status, seen := http.StatusOK, http.Request{}
	proxy := tunnel(t, platform.Listener.Addr().String(), &status, &seen)
	t.Setenv("HTTPS_PROXY", "http://me:hunter2@"+proxy.Listener.Addr().String())
	t.Setenv("NO_PROXY", "")
	c, err := New(Config{
		BaseURL: "https://example.com", Timeout: 5 * time.Second, ContentType: "a/b", MaxConns: 1, CAFile: authority(t, platform),
	}, WithUserAgent("battlereport/v1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	if err := c.ReportScore(t.Context(), testApp, aScore); err != nil {
		t.Fatal(err)
	}
	if seen.Host != "example.com:443" || seen.Header.Get("Proxy-Authorization") == "" || seen.UserAgent() != "battlereport/v1" {
		t.Errorf("the proxy was asked for %s with %v", seen.Host, seen.Header)
	}
	for answer, class := range map[int]Class{407: Endpoint, 403: Endpoint, 404: Endpoint, 429: Retry, 500: Retry, 502: Retry, 503: Retry, 504: Retry} {
		status = answer
		c.Close()
		e := failureOf(t, c, t.Context())
		want := fmt.Sprintf("proxy http://[redacted]@%s answers HTTP %d %s", proxy.Listener.Addr(), answer, http.StatusText(answer))
		if e.Class != class || e.Uncertain || e.HTTPStatus != 0 || e.Err == nil || e.Err.Error() != want {
			t.Errorf("%+v, want a certain %v: %s", e, class, want)
		}
	}
	status = http.StatusOK
	if err := c.ReportScore(t.Context(), testApp, aScore); err != nil {
		t.Errorf("after the proxy has come to itself: %v", err)
	}
}

func TestCallsWithoutTLSGoThroughTheProxy(t *testing.T) {
	var to string
	answer := accept
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		to = r.Host
		answer(w, r)
	}))
	t.Cleanup(proxy.Close)
	t.Setenv("HTTP_PROXY", "http://me:hunter2@"+proxy.Listener.Addr().String())
	t.Setenv("NO_PROXY", "")
	c := newClient(t, "http://msdk.example")
	if err := c.ReportScore(t.Context(), testApp, aScore); err != nil || to != "msdk.example" {
		t.Fatalf("asked for %q: %v", to, err)
	}
	answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusProxyAuthRequired) }
	if e := failureOf(t, c, t.Context()); e.Class != Endpoint || e.HTTPStatus != http.StatusProxyAuthRequired {
		t.Errorf("%+v", e)
	}
	answer = func(w http.ResponseWriter, r *http.Request) { // a proxy that repeats what it is sent
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprintf(conn, "%s hunter2 %s\r\n\r\n", r.Header.Get("Proxy-Authorization"), r.RequestURI)
		_ = conn.Close()
	}
	e := failureOf(t, c, t.Context())
	for err := error(e); err != nil; err = errors.Unwrap(err) {
		for _, secret := range []string{"hunter2", "bWU6aHVudGVyMg==", "sig=" + Sign(testApp.Key, fmt.Sprint(time.Now().Unix()))[:8]} {
			if text := fmt.Sprintf("%v %+v %#v", err, err, err); strings.Contains(text, secret) {
				t.Errorf("%s in %s", secret, text)
			}
		}
	}
}

func TestAProxyThatCannotBeReachedIsACertainRetry(t *testing.T) {
	for _, scheme := range []string{"http", "https", "socks5"} {
		t.Setenv("HTTPS_PROXY", scheme+"://me:hunter2@127.0.0.1:1")
		t.Setenv("NO_PROXY", "")
		e := failureOf(t, newClient(t, "https://msdk.example"), t.Context())
		if e.Class != Retry || e.Uncertain || strings.Contains(e.Error(), "hunter2") {
			t.Errorf("%s: %v", scheme, e)
		}
	}
}

func TestAClientWithoutAUsableProxyIsNotMade(t *testing.T) {
	t.Setenv("HTTPS_PROXY", "http://me:hunter2@b:port")
	_, err := New(Config{BaseURL: "https://msdk.example", Timeout: time.Second, ContentType: "a/b", MaxConns: 1})
	if err == nil || !strings.Contains(err.Error(), "HTTPS_PROXY") || strings.Contains(err.Error(), "hunter2") {
		t.Error(err)
	}
}
