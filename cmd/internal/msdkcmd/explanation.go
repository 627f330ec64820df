package msdkcmd

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// An explanation is of a code in one layer, or of an HTTP status.
type explanation struct {
	Layer        string  `json:"layer"` // or http
	Code         int     `json:"code"`
	Ret          int     `json:"ret,omitempty"` // behind which the code comes, in msg
	Meaning      string  `json:"meaning"`
	WithoutToken verdict `json:"without_token"` // of a user, as in reports
	WithToken    verdict `json:"with_token"`
	Pipeline     string  `json:"pipeline"` // what it does
}

// A verdict is what a failure means for the caller.
type verdict struct {
	Class    string              `json:"class"`
	Handling msdkclient.Handling `json:"handling"`
	Advice   string              `json:"advice"`
}

func (v verdict) String() string { return v.Class + "; " + v.Advice }

func explainAll(meanings []msdkclient.Meaning) []explanation {
	all := make([]explanation, len(meanings))
	for i, m := range meanings {
		all[i] = explainCode(m)
	}
	return all
}

func explainCode(m msdkclient.Meaning) explanation {
	e := explanation{Layer: m.Layer, Code: m.Code, Meaning: m.Text, Pipeline: pipelineDoes[m.Class.String()]}
	failure := msdkclient.Error{HasRet: true, Ret: m.Code}
	for ret, layers := range passingOn {
		if strings.Contains(layers, m.Layer) {
			e.Ret, failure.Ret, failure.Inner = ret, ret, m.Code
		}
	}
	e.WithoutToken, e.WithToken = judge(failure, m.Class), judge(failure, m.UserClass)
	if m.Handling == msdkclient.HandlingSeeMsg {
		e.Pipeline = "goes by the platform's own code; without one that is known, as with retry"
	}
	return e
}

func explainStatus(status int) explanation {
	class := msdkclient.StatusClass(status)
	v := judge(msdkclient.Error{HTTPStatus: status}, class)
	meaning := http.StatusText(status)
	if meaning == "" {
		meaning = "a status without a name"
	}
	return explanation{
		Layer: "http", Code: status, Meaning: meaning + ", without a ret that is known",
		WithoutToken: v, WithToken: v, Pipeline: pipelineDoes[class.String()],
	}
}

// judge says what a failure means if it is of a class.
func judge(failure msdkclient.Error, class msdkclient.Class) verdict {
	v := verdict{Class: class.String(), Handling: msdkclient.HandlingNone}
	if v.Class != "ok" {
		failure.Class = class
		v.Handling = failure.Handling()
	}
	v.Advice = advice[v.Handling]
	return v
}

// title says what the explanation is of, and what that means.
func (e explanation) title() string {
	switch {
	case e.Layer == "http":
		return fmt.Sprintf("HTTP %d: %s", e.Code, e.Meaning)
	case e.Ret != 0:
		return fmt.Sprintf("%d of %s, in the msg of ret %d: %s", e.Code, e.Layer, e.Ret, e.Meaning)
	default:
		return fmt.Sprintf("%d of %s: %s", e.Code, e.Layer, e.Meaning)
	}
}

// advice is what to do.
var advice = map[msdkclient.Handling]string{
	msdkclient.HandlingNone:        "nothing needs to be done",
	msdkclient.HandlingRetry:       "try again, after a pause",
	msdkclient.HandlingSlowDown:    "call less often",
	msdkclient.HandlingRefresh:     "refresh the user's access token",
	msdkclient.HandlingReauthorize: "have the user log in again",
	msdkclient.HandlingFixRequest:  "mend the request: sent again as it is, it will be refused again",
	msdkclient.HandlingFixApp:      "mend the app: its appid, its key, or what the platform has been told of it",
	msdkclient.HandlingOtherLogin:  "have the user log in, and not play as a guest",
	msdkclient.HandlingContact:     "ask the platform's people",
	msdkclient.HandlingSeeMsg:      "look at the head of msg for the platform's own code, and have that explained",
}

// pipelineDoes says what becomes of a report by the class of the answer.
var pipelineDoes = map[string]string{
	"ok": "has delivered the reports",
	"retry": "tries again, after a pause that grows. When call after call of the app fails, the app is held; where others get " +
		"through, what has failed for delivery.retry.max_elapsed is isolated, and given up as exhausted",
	"throttle": "waits as long as the answer asks, a second at least, and tries again. That counts as no retry, for " +
		"delivery.max_hold at most, and says nothing against the app",
	"record": "halves the batch until the bad record is alone, and writes it to the dead letters as rejected; the others are " +
		"delivered. Where player after player is refused, the app is held",
	"app": "holds the app: its records wait, for delivery.max_hold at most, and it is probed now and then. Other apps go on",
	"endpoint": "holds the app, as it does one that is barred: the call is wrong, by a bug or a wrong msdk.base_url. Other apps " +
		"go on",
}
