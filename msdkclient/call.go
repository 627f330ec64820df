package msdkclient

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

var (
	errUnreadable = errors.New("answer is not a JSON object with a ret")
	errNotOurs    = errors.New("answer carries the msdkExtInfo of another request")
	errNoAnswer   = errors.New("the transport has returned neither an answer nor an error")
)

// tooLong is an answer of more bytes than its call allows.
type tooLong int64

func (limit tooLong) Error() string {
	return fmt.Sprintf("answer is longer than %d bytes", int64(limit))
}

// guestPrefix begins the appid, and the openid, of who plays without an account. They may call nothing but
// /auth/guest_check_token, which is none of the twelve calls; everything else is answered -901 (chapter 1).
const guestPrefix = "G_"

// reply is what came for an answer.
type reply struct {
	text []byte // unpacked
	answer
	torn   error // why the text is not whole; nil if it is
	status int   // of HTTP; 0: none came
	size   int   // in bytes, packed
	mask   *mask // of what must not be shown of it
}

// call makes one attempt at one call, if there is any sense in it, and returns a good answer. The secrets are those of the
// body.
func (c *Client) call(ctx context.Context, what *Call, app App, openid string, body *body, secrets ...string) (reply, error) {
	if err := what.refuse(app, openid); err != nil {
		return reply{}, err
	}
	return c.attempt(ctx, what, app, openid, body, secrets...)
}

// refuse says what is wrong with the identities of a call, whatever its body is; nil if nothing.
func (what *Call) refuse(app App, openid string) error {
	class, err := AppClass, app.check()
	switch {
	case err != nil:
	case strings.HasPrefix(app.ID, guestPrefix):
		class, err = Endpoint, guest("appid", app.ID)
	case strings.HasPrefix(openid, guestPrefix):
		class, err = Record, guest("openid", "") // no error names a user
	default:
		return nil
	}
	return &Error{Class: class, Path: what.Path, Err: err}
}

// attempt is the only way to the network; every endpoint goes through it. The body's memory is used again. The secrets are
// those of the body.
func (c *Client) attempt(ctx context.Context, what *Call, app App, openid string, body *body, secrets ...string) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	s := c.sign(what, app, openid, time.Now())
	size := len(body.text) // before its memory is another's
	watched := c.telemetry.begin(ctx, what, s.url)
	r, e := c.exchange(watched.ctx, what, s, body, newMask(app.Key, s.sig, openid, c.proxy, secrets...))
	watched.end(size, r, e)
	if e != nil {
		return r, e // as an error: a nil *Error would be one too
	}
	return r, nil
}

// exchange sends a request and reads the answer to it.
func (c *Client) exchange(ctx context.Context, what *Call, s signed, body *body, mask *mask) (reply, *Error) {
	path := what.Path
	if err := context.Cause(ctx); err != nil { // not every transport asks
		return reply{}, &Error{Class: Retry, Path: path, Err: cancelled(ctx, err)}
	}
	transport := c.connections.get()
	way := progress{foreign: c.connections.foreign != nil}
	defer func() {
		if way.passed() {
			body.release()
		}
	}()
	// The transport is used without an http.Client, which would follow redirects and put the URL, with sig in it,
	// into its errors.
	resp, err := transport.RoundTrip(c.request(way.follow(ctx), s.url, body.text))
	switch {
	case err != nil:
		return reply{}, &Error{Class: classifyTrouble(err), Path: path, Uncertain: way.uncertain(), Err: cancelled(ctx, mask.err(err))}
	case resp == nil || resp.Body == nil:
		return reply{}, &Error{Class: Retry, Path: path, Uncertain: true, Err: errNoAnswer}
	}
	defer resp.Body.Close()
	if c.dated != nil {
		if written, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
			c.dated(written)
		}
	}
	text, readErr := readAll(resp.Body, what.MaxAnswer, "read")
	r := reply{status: resp.StatusCode, size: len(text), mask: mask}
	text, unpackErr := unpack(text, what.MaxAnswer, resp.Header.Values("Content-Encoding"))
	a := parseAnswer(text)
	if a.serial != "" && a.serial != s.serial {
		// The connection is out of step: every further answer on it would be another's.
		closeIdle(transport)
		return r, &Error{
			Class: Retry, Path: path, HTTPStatus: resp.StatusCode, Uncertain: true, Err: errNotOurs,
		}
	}
	r.text, r.answer, r.torn = text, a, cancelled(ctx, cmp.Or(readErr, unpackErr))
	class, uncertain := decide(resp.StatusCode, a, what.UserToken)
	if class == accepted {
		return r, nil
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
		case r.torn != nil:
			e.Err = mask.err(r.torn)
		case resp.StatusCode == http.StatusOK:
			e.Err = errUnreadable
		}
	}
	return r, e
}

// cancelled has an error that is the cause of the context's end be context.Canceled too, if the caller has cancelled it:
// whoever asks for that need not know the cause.
func cancelled(ctx context.Context, err error) error {
	if errors.Is(ctx.Err(), context.Canceled) && errors.Is(err, context.Cause(ctx)) && !errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %w", context.Canceled, err)
	}
	return err
}

func guest(name, value string) error {
	return &FieldError{Field: name, Value: value, Want: "one without the prefix G_: guests may call nothing but /auth/guest_check_token"}
}

// nextSerial is the msdkExtInfo of the next request, unlike that of all others.
func (c *Client) nextSerial() string {
	return c.serialPrefix + strconv.FormatUint(c.serial.Add(1), 10)
}

// signed is a call's URL, with those of its parameters by which answers are known and hidden.
type signed struct {
	url         *url.URL
	sig, serial string
}

// sign makes the URL of a call, good for some minutes around a time. The parameters come in the order of the document's
// examples, spaces as %20 as there.
func (c *Client) sign(what *Call, app App, openid string, at time.Time) signed {
	timestamp := strconv.FormatInt(at.Unix(), 10)
	s := signed{url: c.base.JoinPath(what.URLPath()), sig: sign(app.Key, timestamp), serial: c.nextSerial()}
	user := ""
	if openid != "" { // only the upload of a picture is for no user
		user = "&openid=" + escape(openid)
	}
	s.url.RawQuery = "timestamp=" + timestamp +
		"&appid=" + escape(app.ID) +
		"&sig=" + s.sig +
		user +
		"&encode=" + strconv.Itoa(app.Encode) +
		"&conn=1" +
		"&msdkExtInfo=" + s.serial
	return s
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
