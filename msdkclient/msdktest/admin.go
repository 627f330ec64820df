package msdktest

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// adminPrefix begins the paths by which programs direct the stand-in itself. The platform has none like it.
const adminPrefix = "/_/"

const maxAdminBody = 1 << 20

// endpoint is a way to direct the stand-in. The index at /_/ shows all of them.
type endpoint struct {
	Method  string `json:"method"`
	Path    string `json:"path"`
	Does    string `json:"does"`
	Example string `json:"example"` // of a query or of a body

	serve func(s *Server, r *http.Request) (any, error)
}

// isOwn reports whether a request is to the stand-in itself, and no call of MSDK.
func isOwn(r *http.Request) bool {
	return strings.HasPrefix(r.URL.Path, adminPrefix) || r.URL.Path == "/" && (r.Method == http.MethodGet || r.Method == http.MethodHead)
}

// serveOwn serves the page and the endpoints under /_/.
func (s *Server) serveOwn(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	switch err := foreign(r); {
	case err != nil:
		fail(w, err)
	case r.URL.Path == "/":
		s.servePage(w, r)
	case r.URL.Path == stylePath:
		serveStyle(w)
	default:
		s.serveEndpoint(w, r)
	}
}

func (s *Server) serveEndpoint(w http.ResponseWriter, r *http.Request) {
	var methods []string
	for _, e := range endpoints() {
		if e.Path != r.URL.Path {
			continue
		}
		if e.Method == r.Method {
			r.Body = http.MaxBytesReader(w, r.Body, maxAdminBody)
			answer, err := e.serve(s, r)
			if err != nil {
				fail(w, err)
				return
			}
			writeJSON(w, http.StatusOK, answer)
			return
		}
		methods = append(methods, e.Method)
	}
	if methods == nil {
		fail(w, denial{http.StatusNotFound, "no such path: GET " + adminPrefix + " lists what there is"})
		return
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	fail(w, denial{http.StatusMethodNotAllowed, r.URL.Path + " takes " + strings.Join(methods, " and ")})
}

// denial is an error with the status that it is answered with.
type denial struct {
	status int
	text   string
}

func (d denial) Error() string { return d.text }

// foreign is an error if r comes from a page in a browser that somebody else has made. Programs send no Origin, and our
// own page changes nothing, so that whatever comes with one and wants a change is not ours. By a name that its owner lets
// point to this machine such a page could read too (DNS rebinding): on loopback the host is to be loopback's.
func foreign(r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		if origin := r.Header.Get("Origin"); origin != "" {
			return denial{http.StatusForbidden, "a page in a browser may not direct the stand-in: Origin is " + cut(origin, 64)}
		}
	}
	if local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok && isLoopback(local.String()) && !isLoopback(r.Host) {
		return denial{http.StatusForbidden, "the stand-in is at localhost, not at " + cut(r.Host, 64)}
	}
	return nil
}

// isLoopback reports whether a host, perhaps with a port, is this machine.
func isLoopback(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && ip.Unmap().IsLoopback()
}

// secure sets what keeps a browser from running or loading anything but our own style.
func secure(h http.Header) {
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
}

// readJSON reads the body of r into v. An empty body leaves v as it is.
func readJSON(r *http.Request, v any) error {
	text, err := io.ReadAll(r.Body)
	if err != nil || len(text) == 0 {
		return err
	}
	return decode(text, v)
}

func fail(w http.ResponseWriter, err error) {
	answer := struct {
		Error string `json:"error"`
		Field string `json:"field,omitempty"`
	}{Error: err.Error()}
	status := http.StatusBadRequest
	if r, ok := errors.AsType[denial](err); ok {
		status = r.status
	}
	if errors.As(err, new(*http.MaxBytesError)) {
		status, answer.Error = http.StatusRequestEntityTooLarge, "the body is longer than 1 MiB"
	}
	if f, ok := errors.AsType[*msdkclient.FieldError](err); ok {
		answer.Field = f.Field
	}
	writeJSON(w, status, answer)
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(v) // a client that has gone is no concern of the server
}

// queryOf reads the parameters of a request's URL, each of these at most once. A slip must not ask for something else.
func queryOf(r *http.Request, names ...string) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, misfit("query", r.URL.RawQuery, "names and values such as a=b&c=d, percent-encoded")
	}
	for name, values := range query {
		switch {
		case !slices.Contains(names, name):
			return nil, &msdkclient.FieldError{Field: cut(name, 64), Want: "none of this name; there are " + strings.Join(names, ", ")}
		case len(values) > 1:
			return nil, &msdkclient.FieldError{Field: name, Value: strconv.Itoa(len(values)) + " of them", Want: "one"}
		}
	}
	return query, nil
}
