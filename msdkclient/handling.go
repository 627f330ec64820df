package msdkclient

// Handling is what the interface document has the caller do about a code, as a word that is fit for a metric label.
type Handling string

// What is to be done.
const (
	HandlingNone        Handling = "none"
	HandlingRetry       Handling = "retry"       // try again later
	HandlingSlowDown    Handling = "slow_down"   // call less often
	HandlingRefresh     Handling = "refresh"     // refresh the user's access token
	HandlingReauthorize Handling = "reauthorize" // have the user log in again
	HandlingFixRequest  Handling = "fix_request" // the request is at fault
	HandlingFixApp      Handling = "fix_app"     // the app, or what the platform knows of it, is at fault
	HandlingOtherLogin  Handling = "other_login" // have the user log in another way, not as a guest
	HandlingContact     Handling = "contact"     // ask the platform's people
	HandlingSeeMsg      Handling = "see_msg"     // look for the code in the message
)

// String is the word.
func (h Handling) String() string { return string(h) }

func (h Handling) isOfUser() bool { return h == HandlingRefresh || h == HandlingReauthorize }

// Meaning is what the tables say of the answer's code, or of the one that Ret passes on. known is false without an answer,
// and for a code in no table.
func (e *Error) Meaning() (m Meaning, known bool) {
	if !e.HasRet {
		return Meaning{}, false
	}
	return meaningOf(e.Ret, e.Inner)
}

// Handling is what to do: what is documented for the code, where that fits the call and its class, and otherwise what
// follows from the class. A token is an affair of the user only where Class is User.
func (e *Error) Handling() Handling {
	m, known := e.Meaning()
	h := m.Handling
	switch {
	case !known, m.Class == accepted, m.leads() && e.Class == User, h.isOfUser() && e.Class != User:
		h = e.handlingByClass()
	}
	if h == HandlingRefresh && e.Path == PathRefreshToken {
		return HandlingReauthorize // what cannot be refreshed is over
	}
	return h
}

func (e *Error) handlingByClass() Handling {
	switch e.Class {
	case Throttle:
		return HandlingSlowDown
	case Record, Endpoint:
		return HandlingFixRequest
	case AppClass:
		return HandlingFixApp
	case User:
		if e.ErrType == errTypeRefresh {
			return HandlingRefresh
		}
		return HandlingReauthorize
	default:
		return HandlingRetry
	}
}
