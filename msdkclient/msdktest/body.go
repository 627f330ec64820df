package msdktest

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// parse checks the body, which is JSON, and takes out of it what the call is about.
func (r *Request) parse(text []byte) Answer {
	if text[0] != '{' {
		return wrong("the body must be an object", "it is "+article(kindOf(text)))
	}
	if ft := checkObject(r.call.RequestFields(), text); ft != nil {
		if ft.cause == "" {
			ft.cause = r.otherCall(text)
		}
		return wrong(ft.path+" "+ft.what, ft.cause)
	}
	if appid := member(text, "appid"); appid != nil && r.knows("appid") && textOf(appid) != r.AppID {
		return wrong("appid is not that of the URL", fmt.Sprintf("it is %q", clip(textOf(appid))))
	}
	if r.knows("openid") {
		r.owner = textOf(member(text, "openid"))
	}
	if a := r.refuseGuests(r.owner); a != (Answer{}) {
		return a
	}
	if r.Path == PathBattleReport {
		return r.parseReports(text)
	}
	r.body = r.call.NewRequest()
	if err := json.Unmarshal(known(r.call.RequestFields(), text), r.body); err != nil {
		number, ok := errors.AsType[*json.UnmarshalTypeError](err)
		if !ok {
			return wrong(err.Error(), "")
		}
		return wrong(number.Field+" must be an integer without a point", "it is a "+number.Value)
	}
	if err := r.call.Check(r.body); err != nil { // what concerns several fields, and the inside of the picture
		return wrong(err.Error(), "")
	}
	if r.Path == PathScore {
		return r.parseScore(text)
	}
	r.users = append(r.users, r.OpenID, r.owner)
	for _, name := range []string{"fopenid", "touser"} {
		if openid := member(text, name); openid != nil {
			r.users = append(r.users, textOf(openid))
		}
	}
	if b, ok := r.body.(*msdkclient.ProfilesRequest); ok {
		r.users = append(r.users, b.OpenIDs...)
	}
	return r.refuseGuests(r.users...)
}

// knows reports whether the document has a field of this name in the call's body.
func (r *Request) knows(name string) bool {
	return slices.ContainsFunc(r.call.RequestFields(), func(f *msdkclient.Field) bool { return f.Name == name })
}

// known is an object without the members that the document does not know, which may be anything: encoding/json would take
// them for those it knows, were they to differ in case alone.
func known(fields []*msdkclient.Field, object []byte) []byte {
	text := []byte{'{'}
	for name, value := range members(object) {
		i := slices.IndexFunc(fields, func(f *msdkclient.Field) bool { return f.Name == content(name) })
		if i < 0 {
			continue
		}
		if value[0] == '{' && fields[i].Fields != nil {
			value = known(fields[i].Fields, value)
		}
		if len(text) > 1 {
			text = append(text, ',')
		}
		text = append(append(text, '"'), name...)
		text = append(append(text, '"', ':'), value...)
	}
	return append(text, '}')
}

// wrong is the answer to a body that does not say what it must.
func wrong(what, cause string) Answer { return refuse(-1011, what, cause) }

func (r *Request) refuseGuests(openids ...string) Answer {
	for _, openid := range openids {
		if strings.HasPrefix(openid, guestPrefix) {
			return refuse(-901, "not for guests", fmt.Sprintf("the openid %s begins with G_", clip(openid)))
		}
	}
	return Answer{}
}

// otherCall says of a body without what its call needs which other call it may have been meant for.
func (r *Request) otherCall(body []byte) string {
	has := func(name string) bool { return member(body, name) != nil }
	switch {
	case r.Path == PathBattleReport && !has("json") && (has("score") || has("expires")):
		return "score and expires are fields of /profile/wxscore; here the score is json.battleinfo.score"
	case r.Path == PathBattleReport && !has("json") && (has("baseinfo") || has("battleinfo")):
		return "baseinfo and battleinfo belong into json"
	case r.Path == PathScore && has("json"):
		return "json is a field of /profile/wxbattle_report"
	}
	return ""
}

func (r *Request) parseScore(text []byte) Answer {
	b := r.body.(*msdkclient.ReportScoreRequest)
	score, beyond := strconv.ParseInt(b.Score, 10, 64)
	expires, err := strconv.ParseInt(b.Expires, 10, 64)
	if err != nil {
		panic(reflect.TypeOf(b).String() + " lets " + b.Expires + " pass")
	}
	report := r.report(b.OpenID, text)
	report.score, report.hasScore, report.beyond, report.expires = score, beyond == nil, beyond != nil, expires
	r.Reports = []Report{report}
	return Answer{}
}

func (r *Request) parseReports(text []byte) Answer {
	battles := member(text, "json")
	if battles[0] == '{' {
		report := r.battle(battles)
		if report.OpenID == "" {
			report.OpenID = r.owner
		}
		r.Reports = []Report{report}
	} else {
		for i, battle := range elements(battles) {
			report := r.battle(battle)
			if report.OpenID == "" {
				return wrong(fmt.Sprintf("element %d: baseinfo.openid is missing", i), "in an array each element names its own user")
			}
			r.Reports = append(r.Reports, report)
		}
	}
	for i := range r.Reports {
		if a := r.refuseGuests(r.Reports[i].OpenID); a != (Answer{}) {
			return a
		}
	}
	return Answer{}
}

// battle takes a report out of an element of json that was checked.
func (r *Request) battle(element []byte) Report {
	report := r.report("", element)
	for name, value := range members(element) {
		switch {
		case isName(name, "baseinfo"):
			report.OpenID = textOf(member(value, "openid"))
		case isName(name, "battleinfo"):
			score := member(value, "score")
			report.score, report.hasScore = integer(score)
			report.beyond = score != nil && !report.hasScore
		case isName(name, "userdefined"):
			report.userDefined = value
		}
	}
	return report
}

func (r *Request) report(openid string, raw []byte) Report {
	return Report{
		AppID:     r.AppID,
		OpenID:    openid,
		Path:      r.Path,
		Raw:       raw,
		Serial:    r.Serial,
		URLOpenID: r.OpenID,
	}
}
