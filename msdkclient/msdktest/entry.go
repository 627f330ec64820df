package msdktest

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

// OK reports whether the call was accepted.
func (e *Entry) OK() bool {
	return e.HTTP == http.StatusOK && (e.Ret == 0 || e.Ret == 1) && e.Cause == ""
}

// isAbout reports whether a request is of an app, about a user, and a call; what is empty is any.
func (e *Entry) isAbout(appid, openid, path string) bool {
	if appid != "" && appid != e.AppID || path != "" && !sameCall(path, e.Path) {
		return false
	}
	if openid == "" || openid == e.OpenID {
		return true
	}
	for i := range e.Scores {
		if e.Scores[i].OpenID == openid {
			return true
		}
	}
	return false
}

func sameCall(a, b string) bool {
	x, known := msdkclient.LookupCall(a)
	y, also := msdkclient.LookupCall(b)
	return a == b || known && also && x == y
}

// Answer names what a request was answered with: the ret, with the platform's own code where there is one, or the status.
func (e *Entry) Answer() string {
	switch {
	case e.HTTP == 0:
		return "no answer"
	case e.HTTP != http.StatusOK:
		return "HTTP " + strconv.Itoa(e.HTTP)
	case e.Ret == -10000 || e.Ret == -20000:
		return "ret " + strconv.Itoa(e.Ret) + " " + innerCode(e.Msg)
	default:
		return "ret " + strconv.Itoa(e.Ret)
	}
}

// Words is what is wrong with a request: the usual cause, or else what the answer says.
func (e *Entry) Words() string {
	if e.Cause != "" {
		return e.Cause
	}
	return e.Msg
}

// innerCode is the platform's own code at the beginning of a msg.
func innerCode(msg string) string {
	code, _, _ := strings.Cut(msg, ",")
	if _, err := strconv.Atoi(code); err != nil {
		return ""
	}
	return code
}

// requestJSON is an [Entry] as programs read it.
type requestJSON struct {
	Time   time.Time   `json:"time"`
	TookMS float64     `json:"took_ms"`
	Method string      `json:"method"`
	Path   string      `json:"path"`
	URL    string      `json:"url"`
	AppID  string      `json:"appid"`
	OpenID string      `json:"openid"`
	Serial string      `json:"msdkExtInfo"`
	Body   string      `json:"body"`
	HTTP   int         `json:"http"`
	Ret    int         `json:"ret"`
	Msg    string      `json:"msg"`
	Cause  string      `json:"cause"`
	Scores []scoreJSON `json:"scores,omitempty"`
}

type scoreJSON struct {
	OpenID  string `json:"openid"`
	Score   int64  `json:"score"`
	OnBoard bool   `json:"on_board"`
	Why     string `json:"why"`
}

func (e *Entry) json() requestJSON {
	j := requestJSON{
		Time: e.Time, TookMS: float64(e.Took.Microseconds()) / 1000, Method: e.Method, Path: e.Path, URL: e.URL, AppID: e.AppID,
		OpenID: e.OpenID, Serial: e.Serial, Body: e.Body, HTTP: e.HTTP, Ret: e.Ret, Msg: e.Msg, Cause: e.Cause,
	}
	for _, n := range e.Scores {
		j.Scores = append(j.Scores, scoreJSON(n))
	}
	return j
}
