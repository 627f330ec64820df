package msdkclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

var (
	errUnreadable = errors.New("answer is not a JSON object with a ret")
	errNotOurs    = errors.New("answer carries the msdkExtInfo of another request")
)

// tooLong is an answer of more bytes than its call allows.
type tooLong int64

func (limit tooLong) Error() string {
	return fmt.Sprintf("answer is longer than %d bytes", int64(limit))
}

// guestPrefix begins the appid, and the openid, of who plays without an account. They may call nothing but
// /auth/guest_check_token, which is none of the twelve calls; everything else is answered -901 (chapter 1).
const guestPrefix = "G_"

// reply is a good answer: one whose ret says so.
type reply struct {
	text []byte
	answer
	torn error // why the text is not whole; nil if it is
}

// call makes one attempt at one call and returns a good answer. It is the only way to the network; every endpoint goes
// through it. The body's memory is used again. The secrets are those of the body.
func (c *Client) call(ctx context.Context, what *Call, app App, openid string, body *body, secrets ...string) (reply, error) {
	path := what.Path
	switch {
	case strings.HasPrefix(app.ID, guestPrefix):
		return reply{}, &Error{Class: Endpoint, Path: path, Err: guest("appid", app.ID)}
	case strings.HasPrefix(openid, guestPrefix):
		return reply{}, &Error{Class: Record, Path: path, Err: guest("openid", openid)}
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	at := time.Now()
	sig := sign(app.Key, unix(at))
	serial := c.nextSerial()
	mask := newMask(app.Key, sig, c.proxy, secrets...)

	var (
		sent           atomic.Bool
		tries, written atomic.Int32
	)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		// The transport tries another connection only if it has written nothing to the last.
		GetConn: func(string) { sent.Store(false); tries.Add(1) },
		// Comes before the first byte of the body; without a body the platform cannot act.
		WroteHeaders: func() { sent.Store(true) },
		WroteRequest: func(httptrace.WroteRequestInfo) { written.Add(1) },
	})
	// The transport may read a body after the answer has come, and on more than one connection. If there was one and
	// it is through with it, nobody does.
	defer func() {
		if tries.Load() == 1 && written.Load() == 1 {
			body.release()
		}
	}()
	// The transport is used without an http.Client, which would follow redirects and put the URL, with sig in it,
	// into its errors.
	transport := c.connections.get()
	resp, err := transport.RoundTrip(c.request(ctx, c.url(what, app, openid, at, serial), body.text))
	if err != nil {
		return reply{}, &Error{Class: classifyTrouble(err), Path: path, Uncertain: sent.Load(), Err: mask.err(err)}
	}
	defer resp.Body.Close()
	text, readErr := readAll(resp.Body, what.MaxAnswer, "read")
	text, unpackErr := unpack(text, what.MaxAnswer, resp.Header.Values("Content-Encoding"))
	a := parseAnswer(text)
	if a.serial != "" && a.serial != serial {
		// The connection is out of step: every further answer on it would be another's.
		transport.CloseIdleConnections()
		return reply{}, &Error{
			Class: Retry, Path: path, HTTPStatus: resp.StatusCode, Uncertain: true, Err: errNotOurs,
		}
	}
	class, uncertain := decide(resp.StatusCode, a, what.UserToken)
	if class == accepted {
		return reply{text, a, cmp.Or(readErr, unpackErr)}, nil
	}
	e := &Error{
		Class:      class,
		Path:       path,
		HTTPStatus: resp.StatusCode,
		Ret:        a.ret,
		HasRet:     a.hasRet,
		Inner:      a.inner,
		ErrType:    a.errType,
		Msg:        clip(mask.text(a.msg)),
		RetryAfter: retryAfter(resp.Header.Get("Retry-After"), time.Now()),
		Uncertain:  uncertain,
	}
	if class == Throttle {
		e.RetryAfter = max(e.RetryAfter, time.Second) // a user may be named once a second (FAQ)
	}
	if !a.hasRet { // else it does not matter how it ended
		switch {
		case readErr != nil:
			e.Err = mask.err(readErr)
		case unpackErr != nil:
			e.Err = mask.err(unpackErr)
		case resp.StatusCode == http.StatusOK:
			e.Err = errUnreadable
		}
	}
	return reply{text: []byte(mask.text(string(text)))}, e
}

func guest(name, value string) error {
	return &FieldError{Field: name, Value: value, Want: "one without the prefix G_: guests may call nothing but /auth/guest_check_token"}
}

// nextSerial is the msdkExtInfo of the next request, unlike that of all others.
func (c *Client) nextSerial() string {
	return c.serialPrefix + strconv.FormatUint(c.serial.Add(1), 10)
}

func unix(t time.Time) string { return strconv.FormatInt(t.Unix(), 10) }

// url is that of a call, signed for a time. The parameters come in the order of the document's examples, spaces as %20 as
// there.
func (c *Client) url(what *Call, app App, openid string, at time.Time, serial string) *url.URL {
	u := c.base.JoinPath(what.URLPath())
	user := ""
	if openid != "" { // only the upload of a picture is for no user
		user = "&openid=" + escape(openid)
	}
	u.RawQuery = "timestamp=" + unix(at) +
		"&appid=" + escape(app.ID) +
		"&sig=" + sign(app.Key, unix(at)) +
		user +
		"&encode=" + strconv.Itoa(app.Encode) +
		"&conn=1" +
		"&msdkExtInfo=" + serial
	return u
}

func escape(s string) string {
	return strings.ReplaceAll(url.QueryEscape(s), "+", "%20")
}

func (c *Client) request(ctx context.Context, u *url.URL, body []byte) *http.Request {
	newBody := func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	reader, _ := newBody()
	r := &http.Request{
		Method: http.MethodPost,
		URL:    u,
		Host:   u.Host,
		Header: http.Header{
			"Content-Type":    {c.contentType},
			"User-Agent":      {c.userAgent},
			"Accept-Encoding": {"identity"}, // without it any coding is allowed (RFC 9110, 12.5.3)
		},
		Body:          reader,
		GetBody:       newBody, // for the connection that turns out to be closed before anything is written to it
		ContentLength: int64(len(body)),
	}
	return r.WithContext(ctx)
}

// readAll reads to the end, so that the connection can be used again. An answer that is too long costs its connection, and
// nothing of it is returned; of one that breaks off, what came.
func readAll(r io.Reader, limit int64, doing string) ([]byte, error) {
	text, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case int64(len(text)) > limit:
		return nil, tooLong(limit)
	case err != nil:
		return text, fmt.Errorf("%s answer: %w", doing, err)
	}
	return text, nil
}

// retryAfter reads the header of that name, in seconds or as a date; 0 if there is nothing to wait for.
func retryAfter(header string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseInt(header, 10, 64); err == nil {
		const most = int64(1<<63-1) / int64(time.Second)
		return time.Duration(min(max(seconds, 0), most)) * time.Second
	}
	if date, err := http.ParseTime(header); err == nil {
		return max(date.Sub(now), 0)
	}
	return 0
}
