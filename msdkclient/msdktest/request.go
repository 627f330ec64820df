package msdktest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/battlereport/battlereport/msdkclient"
)

const maxBody = 32 << 20

// Request is one call that has passed the checks, as rules see it.
type Request struct {
	Path    string // without the slash at the end, as the interface document has it
	AppID   string
	OpenID  string // the user named in the URL; empty: none, as when a picture is uploaded
	Serial  string // msdkExtInfo; empty if the call has none
	Reports []Report

	keys  App
	call  *msdkclient.Call
	text  []byte   // the body; nil if it was not read to its end
	body  any      // the body of a call that is no battle report, such as a *msdkclient.CheckTokenRequest
	users []string // whom a call that reports nothing names
	owner string   // the openid at the top of the body
	notes []ScoreNote

	ctx  context.Context
	done <-chan struct{} // of the server
}

// Names reports whether one of the reports is about openid. Of a call that reports nothing, whether it is by openid, for it
// or about it.
func (r *Request) Names(openid string) bool {
	for i := range r.Reports {
		if r.Reports[i].OpenID == openid {
			return true
		}
	}
	for _, user := range r.users {
		if user == openid {
			return true
		}
	}
	return false
}

// Wait waits for d. It returns false at once when the client goes or the server closes.
func (r *Request) Wait(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.ctx.Done():
		return false
	case <-r.done:
		return false
	}
}

func (r *Request) waitForEnd() {
	select {
	case <-r.ctx.Done():
	case <-r.done:
	}
}

// read checks a call in the order that the package comment gives. The answer is the zero one if the call is good.
func (s *Server) read(r *http.Request) (*Request, Answer) {
	params := r.URL.Query()
	req := &Request{
		Path:   strings.TrimSuffix(r.URL.Path, "/"),
		AppID:  params.Get("appid"),
		OpenID: params.Get("openid"),
		Serial: params.Get("msdkExtInfo"),
		ctx:    r.Context(),
		done:   s.done,
	}
	if r.Method != http.MethodPost {
		return req, Answer{HTTP: http.StatusMethodNotAllowed, cause: "the method is " + clip(r.Method) + ": want POST"}
	}
	call, known := msdkclient.LookupCall(req.Path)
	if !known {
		return req, refuse(-505, "no such interface", didYouMean(req.Path))
	}
	req.call, req.Path = call, call.Path
	body, err := readBody(r)
	if err == nil {
		req.text = body
	}
	if a := s.checkParams(req, r.URL.RawQuery, params); a != (Answer{}) {
		return req, a
	}
	req.keys = s.apps[req.AppID]
	switch {
	case errors.Is(err, errBodyTooLong):
		return req, Answer{HTTP: http.StatusRequestEntityTooLarge, cause: "the body is longer than 32 MiB"}
	case err != nil:
		return req, Answer{Fault: Reset, cause: "the client has gone"}
	case len(body) == 0:
		return req, refuse(-501, "empty body", "")
	}
	if why := whyNotJSON(r.Header, body); why != "" {
		return req, refuse(-304, "the body is not JSON", why)
	}
	if a := req.parse(trim(body)); a != (Answer{}) {
		return req, a
	}
	if s.limiter != nil && req.OpenID != "" && !s.limiter.allow(user{req.AppID, req.OpenID}, time.Now()) {
		return req, refuse(-503, "too many requests for one user",
			"the URL named this user less than a second ago; a user may be named once a second")
	}
	return req, Answer{}
}

var errBodyTooLong = errors.New("body too long")

func readBody(r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errBodyTooLong
	}
	if r.ContentLength >= 0 {
		body := make([]byte, r.ContentLength)
		_, err := io.ReadFull(r.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err == nil && len(body) > maxBody {
		err = errBodyTooLong
	}
	return body, err
}

var formEncoded = regexp.MustCompile(`^[A-Za-z_]+=`)

// whyNotJSON is empty if the body is JSON in UTF-8.
func whyNotJSON(h http.Header, body []byte) string {
	mediaType, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	multipart := strings.HasPrefix(mediaType, "multipart/")
	var syntax *json.SyntaxError
	switch {
	case multipart || bytes.HasPrefix(body, []byte("--")):
		return "it is multipart/form-data: want one JSON object as the whole body"
	case formEncoded.Match(body):
		return "it is form-encoded: want one JSON object as the whole body, whatever the Content-Type says"
	case bytes.HasPrefix(body, []byte("\x1f\x8b")):
		return "it is compressed: want it as it is"
	case bytes.HasPrefix(body, []byte("\xef\xbb\xbf")):
		return "it begins with a byte order mark"
	case !utf8.Valid(body):
		return "it is not UTF-8"
	case json.Valid(body):
		return ""
	case errors.As(json.Unmarshal(body, new(any)), &syntax):
		return fmt.Sprintf("%s, at byte %d", syntax.Error(), syntax.Offset)
	default:
		return "it cannot be read"
	}
}
