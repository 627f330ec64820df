package msdkclient

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Error is a call that failed. Its text holds neither key nor signature, and no user but one whom the platform names in
// its message.
type Error struct {
	Class      Class
	Path       string        // of the endpoint, as the interface document writes it: "/profile/wxscore"
	HTTPStatus int           // 0: no answer came
	Ret        int           // the answer's ret, if HasRet
	HasRet     bool          // an answer came and could be read
	Inner      int           // the code of WeChat or mobile QQ that Ret passes on; 0: none
	ErrType    int           // the answer's err_type: 1 try later, 2 log in again, 3 refresh the token, 5 unknown; 0: none
	Msg        string        // the platform's own words, cut at 512 bytes; it may hold any character
	RetryAfter time.Duration // as the platform asked, however long; with Throttle at least a second; 0: not asked
	// Uncertain: the request was sent, at least in part, and no answer came that tells all it has to, so that the
	// platform may have acted on it. Trying again may then report twice.
	Uncertain bool
	Err       error // what went wrong below the protocol; nil if the answer says it all
}

// Error is one line: the path, what was answered, what it means, and what went wrong below.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("msdk " + e.Path + ":")
	if e.HTTPStatus != 0 && e.HTTPStatus != http.StatusOK {
		fmt.Fprintf(&b, " HTTP %d", e.HTTPStatus)
	}
	if e.HasRet {
		fmt.Fprintf(&b, " ret %d", e.Ret)
		if e.Inner != 0 {
			fmt.Fprintf(&b, "/%d", e.Inner)
		}
		if m, known := e.Meaning(); known {
			fmt.Fprintf(&b, ", %s", m.Text)
		}
		if e.Msg != "" {
			fmt.Fprintf(&b, ", %q", e.Msg)
		}
	}
	if e.Err != nil {
		if e.HasRet {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, " %v", e.Err)
	}
	fmt.Fprintf(&b, " (%s", e.Class)
	if e.Uncertain {
		b.WriteString(", outcome uncertain")
	}
	b.WriteByte(')')
	return b.String()
}

// Unwrap returns Err.
func (e *Error) Unwrap() error {
	return e.Err
}
