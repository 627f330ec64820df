package msdkclient

import (
	"context"
	"net/http"
	"time"
)

// Send makes one attempt at a call whose body is JSON text already, of which it checks nothing. openid is the user in the URL;
// empty: the URL names none. With the answer, as it came but without key and signature, comes an [*Error] if it is no good
// one; nil if none came that could be read.
func (c *Client) Send(ctx context.Context, app App, what *Call, openid string, body []byte) (answer []byte, err error) {
	b := newBody()
	b.text = append(b.text, body...)
	reply, err := c.call(ctx, what, app, openid, b)
	return reply.mask.bytes(reply.text), err
}

// Request is what [Client.Send] would send now: signed, so that its URL is a secret for ten minutes; see [RedactURL].
func (c *Client) Request(app App, what *Call, openid string, body []byte) *http.Request {
	return c.request(context.Background(), c.sign(what, app, openid, time.Now()).url, body)
}

// StatusOf reads what all answers have in common, as liberally as the calls do. It is false if there is no ret.
func StatusOf(answer []byte) (Status, bool) {
	a := parseAnswer(answer)
	return Status{Ret: a.ret, Msg: a.msg, ErrType: a.errType, MSDKExtInfo: a.serial}, a.hasRet
}
