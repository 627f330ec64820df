package msdkclient

import (
	"errors"
	"net/http"
)

// Class says what a failure means for the caller.
type Class uint8

const (
	accepted Class = iota // no failure; no Error carries it

	// Retry is for what passes: the network, a timeout, trouble inside the platform. Back off and try again. What is
	// not understood is Retry too, so retries must be bounded.
	Retry
	// Throttle is for calls that come too fast. Wait and try again; it says nothing about the platform's health.
	Throttle
	// Record is for content: among the reports of this call, or of its URL, one is bad. Fewer of them may go through.
	Record
	// AppClass is for an app that is misconfigured or barred: all its calls will fail alike.
	AppClass
	// Endpoint is for a call that is itself wrong, by a bug or a wrong base URL: all calls to it will fail alike.
	Endpoint
	// User is for a user whose token is no good, in calls that carry one: see [Call]. The token must be refreshed, or the
	// user must log in again, which [NeedsRefresh] and [Reauthorize] tell apart. Nobody else is concerned.
	User
)

// String is a word fit for a metric label: "retry", "throttle", "record", "app", "endpoint" or "user".
func (c Class) String() string {
	switch c {
	case accepted:
		return "ok"
	case Retry:
		return "retry"
	case Throttle:
		return "throttle"
	case Record:
		return "record"
	case AppClass:
		return "app"
	case Endpoint:
		return "endpoint"
	case User:
		return "user"
	default:
		return "unknown"
	}
}

// decide says what an answer means and whether the platform may have acted although the call failed. It is the one
// place that does. userToken: the call carries a user's token.
//
// A ret that the tables know wins over an HTTP status that says failure: it comes from MSDK itself and is exact, while
// any proxy on the way may choose a status. The exception is a ret of success, which such a status contradicts: the
// call has failed, and nobody knows whether the platform acted.
func decide(status int, a answer, userToken bool) (class Class, uncertain bool) {
	byRet, known := classifyRet(a, userToken)
	switch {
	case !a.hasRet && status == http.StatusOK:
		return Retry, true
	case !a.hasRet:
		return StatusClass(status), status < 400 || status >= 500
	case status == http.StatusOK:
		return byRet, false
	case byRet == accepted:
		return StatusClass(status), true
	case known:
		return byRet, false
	default:
		return StatusClass(status), false
	}
}

// classifyRet is the verdict by ret. The tables win over err_type, which says less, and is given by few; it decides what
// they leave open, before the range does.
func classifyRet(a answer, userToken bool) (class Class, known bool) {
	m, known := meaningOf(a.ret, a.inner)
	switch {
	case known && !m.leads():
		return m.class(userToken), true
	case a.errType == errTypeTryLater:
		return Retry, known
	case userToken && (a.errType == errTypeRefresh || a.errType == errTypeReauthorize):
		return User, known
	case -1999 <= a.ret && a.ret <= -1000:
		return Record, known // the range for what the caller has done wrong
	default:
		return Retry, known
	}
}

// StatusClass is the verdict on an HTTP status other than 200, which is always a failure, unless a ret that is known comes
// with it.
//
// MSDK says what it thinks of a request's content by ret, so that a bare status comes from what stands before it, and
// most of the 4xx say that no request made like this one will do: Endpoint. That holds for 400 as well, which servers
// send to plain HTTP on a TLS port; as Record it would make one wrong base URL take every batch apart.
func StatusClass(status int) Class {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly:
		return Retry
	case http.StatusConflict, http.StatusMisdirectedRequest, http.StatusLocked:
		return Retry // about this moment or this connection, not about the request
	case http.StatusTooManyRequests:
		return Throttle
	case http.StatusRequestEntityTooLarge:
		return Record // half the batch may fit
	case http.StatusRequestURITooLong:
		return Record // all of the URL that varies is the user it names
	case http.StatusUnprocessableEntity:
		return Record // by definition about the content
	case http.StatusUnauthorized, http.StatusForbidden:
		return AppClass
	case http.StatusPaymentRequired, http.StatusUnavailableForLegalReasons:
		return AppClass // barred, in other words
	}
	switch {
	case status >= 300 && status < 500:
		return Endpoint // a redirect too: the base URL names the wrong place
	default:
		return Retry // 5xx; and the 1xx and 2xx that no MSDK sends: a confused proxy
	}
}

// classifyTrouble is the verdict on a call to which no answer came: the network passes. What a proxy refuses to connect to
// it will refuse to every call, unless it is in trouble itself.
func classifyTrouble(err error) Class {
	var refusal *proxyRefusal
	if errors.As(err, &refusal) && !passes(StatusClass(refusal.status)) {
		return Endpoint
	}
	return Retry
}

func passes(c Class) bool { return c == Retry || c == Throttle }
