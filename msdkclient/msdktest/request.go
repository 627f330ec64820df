package msdktest

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// The two calls the simulator knows.
const (
	PathBattleReport = "/profile/wxbattle_report"
	PathScore        = "/profile/wxscore"
)

const (
	maxBody = 32 << 20
	maxSkew = 10 * time.Minute
)

// Request is one call that has passed the checks, as rules see it.
type Request struct {
	Path    string // without the slash at the end
	AppID   string
	OpenID  string // the user named in the URL
	Serial  string // msdkExtInfo; empty if the call has none
	Reports []Report

	ctx  context.Context
	done <-chan struct{} // of the server
}

// Names reports whether one of the reports is about openid.
func (r *Request) Names(openid string) bool {
	for i := range r.Reports {
		if r.Reports[i].OpenID == openid {
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
	path, slash := strings.CutSuffix(r.URL.Path, "/")
	req := &Request{
		Path:   path,
		AppID:  params.Get("appid"),
		OpenID: params.Get("openid"),
		Serial: params.Get("msdkExtInfo"),
		ctx:    r.Context(),
		done:   s.done,
	}
	switch {
	case r.Method != http.MethodPost:
		return req, Answer{HTTP: http.StatusMethodNotAllowed}
	case !slash, path != PathBattleReport && path != PathScore:
		return req, Answer{Ret: -505, Msg: "no such interface"}
	}
	now := time.Now()
	if a := s.checkParams(params, now); a != (Answer{}) {
		return req, a
	}
	body, err := readBody(r)
	switch {
	case errors.Is(err, errBodyTooLong):
		return req, Answer{HTTP: http.StatusRequestEntityTooLarge}
	case err != nil:
		return req, Answer{Fault: Reset} // the client has gone
	case len(body) == 0:
		return req, Answer{Ret: -501, Msg: "empty body"}
	}
	if a := req.parse(body); a != (Answer{}) {
		return req, a
	}
	if s.limiter != nil && !s.limiter.allow(user{req.AppID, req.OpenID}, now) {
		return req, Answer{Ret: -503, Msg: "too many requests for one user"}
	}
	return req, Answer{}
}

func (s *Server) checkParams(params url.Values, now time.Time) Answer {
	appid := params.Get("appid")
	if strings.HasPrefix(appid, "G_") {
		return Answer{Ret: -901, Msg: "not for guests"}
	}
	app, known := s.apps[appid]
	if !known {
		return Answer{Ret: -504, Msg: "unknown appid"}
	}
	for _, name := range []string{"timestamp", "sig", "openid", "encode"} {
		if params.Get(name) == "" {
			return Answer{Ret: -506, Msg: "missing URL parameter " + name}
		}
	}
	var key string
	switch params.Get("encode") {
	case "1":
		key = app.AppKey
	case "2":
		key = app.MSDKKey
	}
	timestamp := params.Get("timestamp")
	sum := md5.Sum([]byte(key + timestamp))
	if key == "" || params.Get("sig") != hex.EncodeToString(sum[:]) {
		return Answer{Ret: -502, Msg: "wrong signature"}
	}
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxSkew {
		return Answer{Ret: -502, Msg: "timestamp out of range"}
	}
	return Answer{}
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
