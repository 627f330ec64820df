package msdkclient

import (
	"cmp"
	"context"
	"encoding/json"
	"reflect"
)

// do checks a request, sends it, and reads the answer to it. The secrets are those in the request.
func do[R any](ctx context.Context, c *Client, what *Call, app App, openid string, request any, secrets ...string) (*R, error) {
	if err := what.refuse(app, openid); err != nil {
		return nil, err
	}
	if err := what.checkRequest(app, openid, request); err != nil {
		return nil, &Error{Class: Record, Path: what.Path, Err: err}
	}
	text, err := json.Marshal(request)
	if err != nil {
		return nil, &Error{Class: Record, Path: what.Path, Err: err}
	}
	body := newBody()
	body.text = append(body.text, text...)
	reply, err := c.attempt(ctx, what, app, openid, body, secrets...)
	if err != nil {
		return nil, err
	}
	r := new(R)
	if err := reply.decode(reflect.ValueOf(r).Elem()); err != nil {
		return nil, &Error{
			Class: Retry, Path: what.Path, HTTPStatus: reply.status, Ret: reply.ret, HasRet: true, Uncertain: true,
			Err: reply.mask.err(err),
		}
	}
	return r, nil
}

func (c *Call) checkRequest(app App, openid string, request any) error {
	if err := check(request); err != nil {
		return err
	}
	if openid == "" && c != callUploadPicture {
		return &FieldError{Field: "openid", Want: "the user's openid, for the URL"}
	}
	if f := reflect.ValueOf(request).FieldByName("AppID"); f.IsValid() && f.String() != "" && f.String() != app.ID {
		return &FieldError{Field: "appid", Value: f.String(), Want: "that of the call's app, " + app.ID}
	}
	return nil
}

// decode reads the answer into a struct that has a Status, or is one.
func (r reply) decode(into reflect.Value) error {
	status := r.answer.common()
	if s, ok := into.Addr().Interface().(*Status); ok { // which needs no more than the ret
		*s = status
		return nil
	}
	err := decoder{r.wide}.object("", r.text, into)
	into.FieldByName("Status").Set(reflect.ValueOf(status))
	if err != nil { // otherwise it is whole, whatever came behind it or stands in its headers
		return cmp.Or(r.torn, err)
	}
	for _, f := range fieldsOf(into.Type()) {
		v := into.FieldByIndex(f.index)
		if f.Required && v.Kind() == reflect.String && v.Len() == 0 {
			return &FieldError{Field: f.Name, Want: "it in the answer"}
		}
	}
	return nil
}
