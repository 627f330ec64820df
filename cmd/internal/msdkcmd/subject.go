package msdkcmd

import (
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/msdkclient"
)

// The rets that pass on the code of another platform, and that platform's layers.
var passingOn = map[int]string{-20000: "wechat", -10000: "qq gamecenter"}

// A subject is what is to be explained.
type subject struct {
	status int // of HTTP; 0: it is a code
	code   int
	ret    int // behind which the code comes; 0: that is not said
}

var (
	statusText = regexp.MustCompile(`(?i)^(?:http[ /]*)?([1-5][0-9][0-9])$`)
	codeText   = regexp.MustCompile(`(?s)^([-+]?[0-9]{1,9})\s*(?:[/,]\s*(?:([-+]?[0-9]{1,9})\s*(?:,.*)?$|.*))?$`)
)

// parseSubject reads a code as people have it before them. No code is like an HTTP status.
func parseSubject(text string) (subject, error) {
	text = strings.TrimSpace(text)
	if parts := statusText.FindStringSubmatch(text); parts != nil {
		status, _ := strconv.Atoi(parts[1])
		return subject{status: status}, nil
	}
	parts := codeText.FindStringSubmatch(text)
	if parts == nil {
		return subject{}, fmt.Errorf("%q is no code: want one such as -503, -20000/40001, or HTTP 413", text)
	}
	s := subject{}
	s.code, _ = strconv.Atoi(parts[1])
	if inner, err := strconv.Atoi(parts[2]); err == nil && passingOn[s.code] != "" {
		s.ret, s.code = s.code, inner
	}
	return s, nil
}

// explain returns all that the subject means; nothing if that is unknown.
func (s subject) explain() []explanation {
	switch {
	case s.status == http.StatusOK:
		return nil
	case s.status != 0:
		return []explanation{explainStatus(s.status)}
	case s.ret == 0:
		return explainAll(msdkclient.Explain(s.code))
	}
	m, known := (&msdkclient.Error{HasRet: true, Ret: s.ret, Inner: s.code}).Meaning()
	if !known || m.Code != s.code {
		return nil
	}
	return []explanation{explainCode(m)}
}

// unknown says what is made of a subject that has no meaning.
func (s subject) unknown() string {
	switch {
	case s.status != 0:
		return fmt.Sprintf("HTTP %d: what it means is said by the ret of the answer", s.status)
	case s.ret != 0:
		return fmt.Sprintf("no table has %d behind ret %d: it is taken for what passes, and tried again (retry), unless err_type says more", s.code, s.ret)
	case -1999 <= s.code && s.code <= -1000:
		return fmt.Sprintf("no table has %d: a ret from -1999 to -1000 is taken for the caller's fault (record), unless err_type says more", s.code)
	default:
		return fmt.Sprintf("no table has %d: a ret that is not from -1999 to -1000 is taken for what passes, and tried again (retry), unless err_type says more", s.code)
	}
}
