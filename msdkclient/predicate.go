package msdkclient

import (
	"context"
	"errors"
)

// IsRetryable reports whether err is an [*Error], wrapped or not, of a call that may succeed if it is tried again: after a
// while, and no sooner than RetryAfter. That is so of the classes Retry and Throttle, unless the caller has cancelled the
// call. Where Uncertain is set, trying again may do twice what the call does.
func IsRetryable(err error) bool {
	e := errorIn(err)
	return e != nil && passes(e.Class) && !errors.Is(err, context.Canceled)
}

// IsThrottled reports whether err is an [*Error], wrapped or not, of a call that came too fast.
func IsThrottled(err error) bool {
	e := errorIn(err)
	return e != nil && e.Class == Throttle
}

// NeedsRefresh reports whether err is an [*Error], wrapped or not, which says that the user's access token must be
// refreshed. A [TokenSource] does so. It and [Reauthorize] are both true where the code says the one and err_type the
// other; a refresh is the cheaper one to try.
func NeedsRefresh(err error) bool {
	e := errorIn(err)
	return e != nil && (e.Handling() == HandlingRefresh ||
		e.ErrType == errTypeRefresh && e.isOfUser() && e.Path != PathRefreshToken)
}

// Reauthorize reports whether err is an [*Error], wrapped or not, which says that the user must log in, and so authorise
// the app, again.
func Reauthorize(err error) bool {
	e := errorIn(err)
	return e != nil && (e.Handling() == HandlingReauthorize || e.ErrType == errTypeReauthorize && e.isOfUser())
}

func errorIn(err error) *Error {
	e, _ := errors.AsType[*Error](err)
	return e
}

// isOfUser reports whether err_type can be about the user's token: the call carries one, and no table says that the code
// is about something else.
func (e *Error) isOfUser() bool {
	if e.Class == User {
		return true
	}
	call, _ := LookupCall(e.Path)
	m, known := e.Meaning()
	return e.HasRet && call != nil && call.UserToken && (!known || m.leads())
}
