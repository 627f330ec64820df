package msdktest

import (
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/battlereport/battlereport/msdkclient"
)

const (
	maxCues  = 1000
	maxDelay = time.Hour
)

// cue is a rule of a script: which calls it answers, how often, and how. What is empty is any.
type cue struct {
	App    string     `json:"app,omitempty"`
	Path   string     `json:"path,omitempty"`
	OpenID string     `json:"openid,omitempty"` // of the URL, or of a report
	Times  int        `json:"times,omitempty"`  // that are left; 0: always
	Answer *cueAnswer `json:"answer"`
}

// cueAnswer is an [Answer] after a delay. With nothing else in it, it lets a call pass.
type cueAnswer struct {
	Ret        int    `json:"ret,omitempty"`
	Msg        string `json:"msg,omitempty"`
	HTTP       int    `json:"http,omitempty"`
	Body       string `json:"body,omitempty"`
	RetryAfter string `json:"retry_after,omitempty"`
	Delay      string `json:"delay,omitempty"`
	Fault      string `json:"fault,omitempty"` // hang, reset, drip or cut
	Accept     bool   `json:"accept,omitempty"`
}

// cues is the form of a script in JSON.
type cues struct {
	Rules []cue `json:"rules"`
}

var faults = map[string]Fault{"": NoFault, "hang": Hang, "reset": Reset, "drip": Drip, "cut": Cut}

// dripEvery is how long a byte takes with fault drip.
const dripEvery = 100 * time.Millisecond

// check finds the first rule that is wrong. knows tells which apps there are.
func (c *cues) check(knows func(appid string) bool) error {
	if len(c.Rules) == 0 {
		return &msdkclient.FieldError{Field: "rules", Want: "an array with something in it"}
	}
	for i := range c.Rules {
		if err := c.Rules[i].check(knows); err != nil {
			err.Field = "rules[" + strconv.Itoa(i) + "]." + err.Field
			return err
		}
	}
	return nil
}

// check finds the first field that is wrong, and brings the path into its documented form.
func (c *cue) check(knows func(appid string) bool) *msdkclient.FieldError {
	if c.App != "" && !knows(c.App) {
		return misfit("app", c.App, wantApp)
	}
	if c.Path != "" {
		call, known := msdkclient.LookupCall(c.Path)
		if !known {
			return misfit("path", c.Path, "the path of one of the twelve calls, such as "+msdkclient.PathReportBattle)
		}
		c.Path = call.Path
	}
	if c.Times < 0 {
		return &msdkclient.FieldError{Field: "times", Value: strconv.Itoa(c.Times), Want: "how often, 1 or more, or nothing for always"}
	}
	a := c.Answer
	if a == nil {
		return &msdkclient.FieldError{Field: "answer", Want: "an object; an empty one lets the call pass"}
	}
	if a.HTTP != 0 && (a.HTTP < 200 || a.HTTP > 599) {
		return &msdkclient.FieldError{Field: "answer.http", Value: strconv.Itoa(a.HTTP), Want: "200 to 599"}
	}
	if d, err := a.delay(); err != nil || d < 0 || d > maxDelay {
		return misfit("answer.delay", a.Delay, "a duration such as 500ms, an hour at most")
	}
	if _, known := faults[a.Fault]; !known {
		return misfit("answer.fault", a.Fault, "hang, reset, drip or cut")
	}
	if a.RetryAfter != "" {
		_, notSeconds := strconv.ParseUint(a.RetryAfter, 10, 32)
		if _, notDate := http.ParseTime(a.RetryAfter); notSeconds != nil && notDate != nil {
			return misfit("answer.retry_after", a.RetryAfter, "a number of seconds, as a string, or an HTTP date")
		}
	}
	return nil
}

func (a *cueAnswer) delay() (time.Duration, error) {
	if a.Delay == "" {
		return 0, nil
	}
	return time.ParseDuration(a.Delay)
}

func (a *cueAnswer) answer() Answer {
	answer := Answer{
		HTTP: a.HTTP, Ret: a.Ret, Msg: a.Msg, Body: a.Body, RetryAfter: a.RetryAfter, Fault: faults[a.Fault], Accept: a.Accept,
	}
	if answer.Fault == Drip {
		answer.Every = dripEvery
	}
	return answer
}

func (c *cue) matches(r *Request) bool {
	return (c.App == "" || c.App == r.AppID) &&
		(c.Path == "" || c.Path == r.Path) &&
		(c.OpenID == "" || c.OpenID == r.OpenID || r.Names(c.OpenID))
}

// script holds the cues that programs have given.
type script struct {
	mu    sync.Mutex
	first []cue // to begin with, and after a reset
	cues  []cue
}

// next is the answer of the first cue that matches, which has one time less from now on.
func (s *script) next(r *Request) *cueAnswer {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.cues {
		c := &s.cues[i]
		if !c.matches(r) {
			continue
		}
		answer := c.Answer
		if c.Times--; c.Times == 0 {
			s.cues = slices.Delete(s.cues, i, i+1)
		} else if c.Times < 0 {
			c.Times = 0 // it was: always
		}
		return answer
	}
	return nil
}

// rule is the script's [Rule].
func (s *script) rule(r *Request) Answer {
	a := s.next(r)
	if a == nil {
		return Answer{}
	}
	if d, _ := a.delay(); d > 0 && !r.Wait(d) {
		return Answer{Fault: Reset}
	}
	return a.answer()
}

// begin puts first in the place of what there is. It takes all or none.
func (s *script) begin(first []cue) error {
	if err := fewEnough(len(first)); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.first, s.cues = first, slices.Clone(first)
	return nil
}

func fewEnough(n int) error {
	if n > maxCues {
		return &msdkclient.FieldError{Field: "rules", Value: strconv.Itoa(n) + " in all", Want: strconv.Itoa(maxCues) + " at most"}
	}
	return nil
}

// add puts more behind those there are. It takes all or none.
func (s *script) add(more []cue) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := fewEnough(len(s.cues) + len(more)); err != nil {
		return err
	}
	s.cues = append(s.cues, more...)
	return nil
}

func (s *script) list() cues {
	s.mu.Lock()
	defer s.mu.Unlock()
	return cues{append([]cue{}, s.cues...)}
}

func (s *script) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cues = nil
}

// restart begins again with the first cues.
func (s *script) restart() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cues = slices.Clone(s.first)
}

// LoadScript has the calls answered by a script, JSON as POST /_/script takes it, in the place of what there was; a reset
// returns to it. It is asked before the rules of SetRules. An error is a [msdkclient.FieldError], and changes nothing.
func (s *Server) LoadScript(text []byte) error {
	var first cues
	if err := decode(text, &first); err != nil {
		return err
	}
	if err := first.check(s.knows); err != nil {
		return err
	}
	return s.script.begin(first.Rules)
}

func (s *Server) knows(appid string) bool {
	_, known := s.apps[appid]
	return known
}
