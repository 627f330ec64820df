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
	reply, err := c.call(ctx, what, app, openid, b, secretsIn(body)...)
	return reply.mask.answer(reply.text), err
}

// secretsIn are the tokens and keys in a body.
func secretsIn(body []byte) (secrets []string) {
	s := scanner{text: body}
	s.members(func(m member) {
		if isSecret(plain(m.name)) {
			secrets = append(secrets, plain(m.value))
		}
	})
	return secrets
}

// Request is what [Client.Send] would send now: signed, so that its URL is a secret for ten minutes; see [RedactURL].
func (c *Client) Request(app App, what *Call, openid string, body []byte) *http.Request {
	return c.request(context.Background(), c.sign(what, app, openid, time.Now()).url, body)
}

// StatusOf reads what all answers have in common, as liberally as the calls do. It is false if there is no ret.
func StatusOf(answer []byte) (Status, bool) {
	a := parseAnswer(answer)
	return a.common(), a.hasRet
}
