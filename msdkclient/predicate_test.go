package msdkclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
)

func TestErrTypeDecidesWhatTheTablesLeaveOpen(t *testing.T) {
	t.Parallel()
	again := verdict{class: Retry, retryable: true, handling: HandlingRetry}
	vague := verdict{class: Retry, retryable: true, handling: HandlingSeeMsg}
	refresh := verdict{class: User, refresh: true, handling: HandlingRefresh}
	login := verdict{class: User, reauthorize: true, handling: HandlingReauthorize}
	badRecord := verdict{class: Record, handling: HandlingFixRequest}
	for rule, tt := range map[string]struct {
		answer        string
		list, reports verdict
	}{
		"3 is a token to refresh, where there is one":     {`{"ret":-9999,"err_type":3}`, refresh, again},
		"2 is a user to log in":                           {`{"ret":-9999,"err_type":2}`, login, again},
		"1 passes":                                        {`{"ret":-9999,"err_type":1}`, again, again},
		"5 says nothing":                                  {`{"ret":-9999,"err_type":5}`, again, again},
		"nor does 0":                                      {`{"ret":-9999,"err_type":0}`, again, again},
		"nor one that is unknown":                         {`{"ret":-9999,"err_type":4}`, again, again},
		"a string is read":                                {`{"ret":-9999,"err_type":"3"}`, refresh, again},
		"it comes before the range":                       {`{"ret":-1500,"err_type":1}`, again, again},
		"… whatever it says":                              {`{"ret":-1500,"err_type":3}`, refresh, badRecord},
		"… unless it says nothing":                        {`{"ret":-1500,"err_type":5}`, badRecord, badRecord},
		"it tells of an error that is passed on nameless": {`{"ret":-20000,"msg":"what?","err_type":3}`, refresh, vague},
		"… or with a code that is unknown":                {`{"ret":-10000,"msg":"7,what?","err_type":2}`, login, vague},
		"… which otherwise is passing":                    {`{"ret":-20000,"msg":"50002,what?"}`, vague, vague},
		"the tables win: a bad request remains one":       {`{"ret":-1011,"err_type":3}`, badRecord, badRecord},
		"… and what passes passes":                        {`{"ret":-306,"err_type":2}`, again, again},
		"… and so does a wrong key": {
			`{"ret":-502,"err_type":1}`,
			verdict{class: AppClass, handling: HandlingFixApp},
			verdict{class: AppClass, handling: HandlingFixApp},
		},
		"… and success is success": {`{"ret":0,"err_type":3}`, verdict{}, verdict{}},
		"of a user's token both are told, table and err_type": {
			`{"ret":-20000,"msg":"40001,x","err_type":3}`,
			verdict{class: User, refresh: true, reauthorize: true, handling: HandlingReauthorize},
			verdict{class: AppClass, handling: HandlingFixApp},
		},
		"… the other way round too": {
			`{"ret":-20000,"msg":"42001,x","err_type":2}`,
			verdict{class: User, refresh: true, reauthorize: true, handling: HandlingRefresh},
			verdict{class: AppClass, handling: HandlingFixApp},
		},
		"without a ret it says nothing": {`{"err_type":3}`, again, again},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c, answer := scripted(t)
			*answer = tt.answer
			for call, want := range map[*Call]verdict{callFriends: tt.list, callReportBattle: tt.reports} {
				_, err := c.Send(t.Context(), testApp, call, "o1", []byte(`{}`))
				if want == (verdict{}) {
					if err != nil {
						t.Errorf("%s: %v", call.Path, err)
					}
				} else if got := verdictOn(t, err); got != want {
					t.Errorf("%s: got %+v, want %+v", call.Path, got, want)
				}
			}
		})
	}
}

func TestWhatARefusedRefreshNeedsIsALogin(t *testing.T) {
	t.Parallel()
	c, answer := scripted(t)
	for _, *answer = range []string{
		`{"ret":-20000,"msg":"42001,x"}`, `{"ret":-20000,"msg":"40032,x"}`, `{"ret":-9999,"err_type":3}`,
		`{"ret":-20000,"msg":"40032,x","err_type":3}`, `{"ret":-9999,"err_type":2}`,
	} {
		_, err := c.RefreshToken(t.Context(), testApp, RefreshTokenRequest{RefreshToken: "r", OpenID: "o1"})
		if got := verdictOn(t, err); got != (verdict{class: User, reauthorize: true, handling: HandlingReauthorize}) {
			t.Errorf("%s: %+v", *answer, got)
		}
	}
}

func TestAStatusThatFailsIsJudgedAsBefore(t *testing.T) {
	t.Parallel()
	for rule, tt := range map[string]struct {
		status int
		answer string
		want   verdict
	}{
		"a known code of the user's wins over it": {
			500, `{"ret":-20000,"msg":"42001,x"}`, verdict{class: User, refresh: true, handling: HandlingRefresh},
		},
		"success does not":                {404, `{"ret":0}`, verdict{class: Endpoint, handling: HandlingFixRequest}},
		"401 without a ret is of the app": {401, `denied`, verdict{class: AppClass, handling: HandlingFixApp}},
		"429 is too fast": {
			429, ``, verdict{class: Throttle, retryable: true, throttled: true, handling: HandlingSlowDown},
		},
		"413 is too much": {413, ``, verdict{class: Record, handling: HandlingFixRequest}},
		"503 passes":      {503, ``, verdict{class: Retry, retryable: true, handling: HandlingRetry}},
		"the class of an unknown code is the status's, and yet the token is to be refreshed": {
			503, `{"ret":-9999,"err_type":3}`, verdict{class: Retry, retryable: true, refresh: true, handling: HandlingRetry},
		},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.answer)
			})
			_, err := c.Friends(t.Context(), testApp, FriendsRequest{OpenID: "o1", AccessToken: "a"})
			if got := verdictOn(t, err); got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestAUserWhoIsToWaitIsStillOneToRefresh(t *testing.T) {
	t.Parallel()
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		_, _ = io.WriteString(w, `{"ret":-20000,"msg":"42001,x"}`)
	})
	_, err := c.Friends(t.Context(), testApp, FriendsRequest{OpenID: "o1", AccessToken: "a"})
	if e := asError(t, err); e.Class != User || e.RetryAfter != 7e9 || IsThrottled(err) || !NeedsRefresh(err) {
		t.Errorf("%+v", e)
	}
}

func TestPredicatesTakeAnyError(t *testing.T) {
	t.Parallel()
	var none *Error
	retry := &Error{Class: Retry}
	for rule, tt := range map[string]struct {
		err       error
		retryable bool
	}{
		"no error":                             {nil, false},
		"an error that is none":                {none, false},
		"another's":                            {errors.New("x"), false},
		"a context's own":                      {context.DeadlineExceeded, false},
		"a call that passes":                   {retry, true},
		"wrapped":                              {fmt.Errorf("x: %w", retry), true},
		"joined":                               {errors.Join(errors.New("x"), retry), true},
		"a call that took too long":            {&Error{Class: Retry, Err: context.DeadlineExceeded}, true},
		"a call that the caller has cancelled": {&Error{Class: Retry, Err: context.Canceled}, false},
		"a call that was refused here":         {&Error{Class: Record, Err: &FieldError{}}, false},
	} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			if IsRetryable(tt.err) != tt.retryable || IsThrottled(tt.err) || NeedsRefresh(tt.err) || Reauthorize(tt.err) {
				t.Errorf("%v: retryable %v, throttled %v, refresh %v, log in %v",
					tt.err, IsRetryable(tt.err), IsThrottled(tt.err), NeedsRefresh(tt.err), Reauthorize(tt.err))
			}
		})
	}
}

// TestAnErrorMadeByHandSpeaksForItself: callers make them in their own tests.
func TestAnErrorMadeByHandSpeaksForItself(t *testing.T) {
	t.Parallel()
	for want, e := range map[Handling]*Error{
		HandlingReauthorize: {Class: User},
		HandlingRefresh:     {Class: User, HasRet: true, Ret: -20000, Inner: 42001},
		HandlingFixApp:      {Class: AppClass, HasRet: true, Ret: -20000, Inner: 42001},
		HandlingOtherLogin:  {Class: Endpoint, HasRet: true, Ret: -901},
		HandlingNone:        {Class: Retry, HasRet: true, Ret: -507},
	} {
		if got := e.Handling(); got != want || NeedsRefresh(e) != (want == HandlingRefresh) || Reauthorize(e) != (want == HandlingReauthorize) {
			t.Errorf("%+v: %s, want %s", e, got, want)
		}
	}
}
