package msdktest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"
)

// Answer says how to answer a call. The zero Answer is no objection: the call is accepted and answered with ret 0. With
// any other the reports are not taken, unless Accept says so.
type Answer struct {
	HTTP       int    // status; 0: 200
	Ret        int    // in the body, unless it is 0 and HTTP says failure: that is a proxy's answer, without ret
	Msg        string // in the body; empty: "success" or "failure"
	Body       string // in the place of ret and msg, word for word
	RetryAfter string // the header's value
	Fault      Fault
	Every      time.Duration // how long each byte takes with Drip
	// Accept takes the reports although the answer does not say so, as a platform does whose answer gets lost.
	Accept bool

	cause   string // the usual one in words, of an answer of the server's own
	errType int    // in the body, unless it is 0
}

// msg is what the body says in words.
func (a Answer) msg() string {
	switch {
	case a.Msg != "":
		return a.Msg
	case a.Ret != 0:
		return "failure"
	default:
		return "success"
	}
}

// refuse is the server's own answer to a call that is wrong: what is wrong, and the usual cause.
func refuse(ret int, what, cause string) Answer {
	msg := what
	if cause != "" {
		msg += ": " + cause
	}
	return Answer{Ret: ret, Msg: msg, cause: msg}
}

// Fault is a failure below HTTP.
type Fault uint8

// The faults. All of them end when the client goes or the server closes.
const (
	NoFault Fault = iota
	Hang          // never answer
	Reset         // reset the connection without an answer
	Drip          // send the answer's body a byte at a time
	Cut           // send half of the answer's body and close the connection
)

// String is the name under which the ledger counts the answer: "hang", "reset", "drip" or "cut" for a fault, "http 503" for a
// status, "body" for a body word for word, "ret -1011" for a ret.
func (a Answer) String() string {
	switch {
	case a.Fault == Hang:
		return "hang"
	case a.Fault == Reset:
		return "reset"
	case a.Fault == Drip:
		return "drip"
	case a.Fault == Cut:
		return "cut"
	case a.HTTP != 0:
		return fmt.Sprintf("http %d", a.HTTP)
	case a.Body != "":
		return "body"
	default:
		return fmt.Sprintf("ret %d", a.Ret)
	}
}

// Rule is asked about every call that has passed the checks, and answers it or, with the zero Answer, has no objection.
// All rules are asked, in order, and the first answer is given, so that each can count or wait. Rules run concurrently.
type Rule func(*Request) Answer

// Always answers every call with a.
func Always(a Answer) Rule {
	return func(*Request) Answer { return a }
}

// ForApp puts the calls of one app to rule.
func ForApp(appid string, rule Rule) Rule {
	return func(r *Request) Answer {
		if r.AppID != appid {
			return Answer{}
		}
		return rule(r)
	}
}

// Poison answers a to every call with a report about one of the openids.
func Poison(a Answer, openids ...string) Rule {
	return func(r *Request) Answer {
		for _, openid := range openids {
			if r.Names(openid) {
				return a
			}
		}
		return Answer{}
	}
}

// Script answers the calls with a report about openid one by one from answers, and has no objection after the last. A
// zero Answer among them lets a call pass.
func Script(openid string, answers ...Answer) Rule {
	var next atomic.Int64
	return func(r *Request) Answer {
		if !r.Names(openid) {
			return Answer{}
		}
		if i := next.Add(1) - 1; i < int64(len(answers)) {
			return answers[i]
		}
		return Answer{}
	}
}

// Random answers a to a share of the calls, rate from 0 to 1. The same seed picks the same calls by their order.
func Random(seed uint64, rate float64, a Answer) Rule {
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(seed, 0))
	return func(*Request) Answer {
		mu.Lock()
		defer mu.Unlock()
		if random.Float64() < rate {
			return a
		}
		return Answer{}
	}
}

// Latency makes every call take d longer. A call whose client does not wait for it is not accepted.
func Latency(d time.Duration) Rule {
	return func(r *Request) Answer {
		if !r.Wait(d) {
			return Answer{Fault: Reset}
		}
		return Answer{}
	}
}

// Outage is a rule to be switched on and off while the server runs: put its Rule method among the rules. The zero
// value is off.
type Outage struct {
	answer atomic.Pointer[Answer]
}

// Begin has every call answered with a.
func (o *Outage) Begin(a Answer) {
	o.answer.Store(&a)
}

// End lets calls pass again. Calls that hang in the outage go on hanging.
func (o *Outage) End() {
	o.answer.Store(nil)
}

// Rule is the outage's [Rule].
func (o *Outage) Rule(*Request) Answer {
	if a := o.answer.Load(); a != nil {
		return *a
	}
	return Answer{}
}
