package msdktest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
)

// requestBody is the body of both calls; a field of the wrong type fails the decoding.
type requestBody struct {
	AppID   *string  `json:"appid"`
	OpenID  *string  `json:"openid"`
	JSON    elements `json:"json"`
	Score   *string  `json:"score"`
	Expires *string  `json:"expires"`
}

// parse checks the body and takes the reports out of it.
func (r *Request) parse(text []byte) Answer {
	var body requestBody
	err := json.Unmarshal(text, &body)
	if _, syntax := errors.AsType[*json.SyntaxError](err); syntax {
		return Answer{Ret: -304, Msg: "the body is not JSON"}
	}
	switch {
	case err != nil:
		return wrong(err.Error())
	case body.AppID == nil, *body.AppID != r.AppID:
		return wrong("appid is not that of the URL")
	case body.OpenID == nil:
		return wrong("openid is missing")
	case r.Path == PathScore:
		return r.parseScore(&body, text)
	default:
		return r.parseReports(&body)
	}
}

func wrong(what string) Answer {
	return Answer{Ret: -1011, Msg: what}
}

func (r *Request) parseScore(body *requestBody, text []byte) Answer {
	if body.Score == nil || body.Expires == nil {
		return wrong("score and expires must be given, as strings")
	}
	score, err := strconv.ParseInt(*body.Score, 10, 64)
	r.Reports = []Report{r.report(*body.OpenID, text, score, err == nil)}
	return Answer{}
}

func (r *Request) parseReports(body *requestBody) Answer {
	if len(body.JSON.list) == 0 {
		return wrong("json must be an object or an array with something in it")
	}
	r.Reports = make([]Report, 0, len(body.JSON.list))
	for i := range body.JSON.list {
		e := &body.JSON.list[i]
		openid := e.openid
		if openid == nil && !body.JSON.array {
			openid = body.OpenID
		}
		problem := e.problem
		if problem == "" && openid == nil {
			problem = "baseinfo.openid is missing"
		}
		if problem != "" {
			return wrong(fmt.Sprintf("element %d: %s", i, problem))
		}
		r.Reports = append(r.Reports, r.report(*openid, e.raw, e.score, e.hasScore))
	}
	return Answer{}
}

func (r *Request) report(openid string, raw []byte, score int64, hasScore bool) Report {
	return Report{
		AppID:     r.AppID,
		OpenID:    openid,
		Path:      r.Path,
		Raw:       raw,
		Serial:    r.Serial,
		URLOpenID: r.OpenID,
		score:     score,
		hasScore:  hasScore,
	}
}

// elements is the value of "json": one player's data, or an array of them.
type elements struct {
	list  []element
	array bool
}

func (e *elements) UnmarshalJSON(text []byte) error {
	switch text[0] {
	case '{':
		e.list = make([]element, 1)
		return e.list[0].UnmarshalJSON(text)
	case '[':
		e.array = true
		return json.Unmarshal(text, &e.list)
	default:
		return nil // an empty list says it
	}
}

// element is one player's data.
type element struct {
	raw      []byte // as it stood in the body
	openid   *string
	score    int64
	hasScore bool
	problem  string
}

func (e *element) UnmarshalJSON(text []byte) error {
	e.raw = bytes.Clone(text)
	var data struct {
		BaseInfo struct {
			OpenID *string         `json:"openid"`
			PlatID json.RawMessage `json:"platid"`
		} `json:"baseinfo"`
		BattleInfo struct {
			Score json.RawMessage `json:"score"`
		} `json:"battleinfo"`
	}
	if err := json.Unmarshal(text, &data); err != nil {
		e.problem = err.Error() // said with the element's index later
		return nil
	}
	e.openid = data.BaseInfo.OpenID
	if _, ok := integer(data.BaseInfo.PlatID); !ok {
		e.problem = "baseinfo.platid must be an integer"
	}
	e.score, e.hasScore = integer(data.BattleInfo.Score)
	return nil
}

// integer reads a JSON number with an integral value, however it is written (2, 2.0, 2e0); strings are none.
func integer(text []byte) (int64, bool) {
	if n, err := strconv.ParseInt(string(text), 10, 64); err == nil {
		return n, true
	}
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil || f != math.Trunc(f) || math.Abs(f) >= 1<<63 {
		return 0, false
	}
	return int64(f), true
}
