package letters

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// Cause is what letters of a kind have in common.
type Cause struct {
	Reason     string     `json:"reason"` // of deadletter, or [Foreign]
	AppID      string     `json:"appid,omitempty"`
	Ret        string     `json:"ret,omitempty"`
	HTTPStatus int        `json:"http_status,omitempty"`
	Violation  *Violation `json:"violation,omitempty"` // of a schema_violation, the first
}

// Foreign is, in the place of a reason, what a record of a dead-letter topic is that is no letter.
const Foreign = "foreign"

// others is the reason of causes that were too many to be told apart.
const others = "others"

// Violation is what violations of a kind have in common. Instance is the JSON Pointer into the value with a * for each
// number in it; Message is of the first that was seen.
type Violation struct {
	Instance string `json:"instance"`
	Keyword  string `json:"keyword"`
	Message  string `json:"message"`
}

// String is the violation in a line, fit to be shown.
func (v Violation) String() string {
	place := v.Instance
	if place == "" {
		place = "the value"
	}
	return words.Visible(place + ": " + v.Message)
}

// causeKey is what makes two causes the same.
type causeKey struct {
	reason, appID, ret string
	httpStatus         int
	violation          violationKey
}

// violationKey is what makes two violations the same: not the message, which may quote the value.
type violationKey struct{ instance, keyword string }

func causeOf(e *deadletter.Entry) causeKey {
	if e.Foreign != "" {
		return causeKey{reason: Foreign}
	}
	l := &e.Letter
	key := causeKey{reason: string(l.Reason), appID: l.AppID, ret: retOf(l), httpStatus: l.HTTPStatus}
	if key.ret != "" || l.HTTPStatus == 200 {
		key.httpStatus = 0 // the platform has said more than that
	}
	if len(l.Violations) > 0 {
		key.violation = keyOf(l.Violations[0])
	}
	return key
}

func retOf(l *deadletter.Letter) string {
	if l.Ret == nil {
		return ""
	}
	return strconv.Itoa(*l.Ret)
}

func keyOf(v deadletter.Violation) violationKey { return violationKey{wild(v.Instance), v.Keyword} }

// wild puts a * for each token of a pointer that is a number: an index, or what players number.
func wild(pointer string) string {
	if !strings.ContainsAny(pointer, "0123456789") {
		return pointer
	}
	tokens := strings.Split(pointer, "/")
	for i, token := range tokens {
		if i > 0 && token != "" && strings.Trim(token, "0123456789") == "" {
			tokens[i] = "*"
		}
	}
	return strings.Join(tokens, "/")
}

func (k violationKey) compare(other violationKey) int {
	return cmp.Or(strings.Compare(k.instance, other.instance), strings.Compare(k.keyword, other.keyword))
}

func (k causeKey) compare(other causeKey) int {
	return cmp.Or(strings.Compare(k.reason, other.reason), strings.Compare(k.appID, other.appID),
		strings.Compare(k.ret, other.ret), cmp.Compare(k.httpStatus, other.httpStatus), k.violation.compare(other.violation))
}

// String is the cause in a few words, fit to be shown: "rejected, ret -1011, app wx1".
func (c Cause) String() string {
	text := c.Reason
	switch {
	case c.Violation != nil:
		text += " " + c.Violation.String()
	case c.Ret != "":
		text += ", ret " + c.Ret
	case c.HTTPStatus != 0:
		text += fmt.Sprintf(", HTTP %d", c.HTTPStatus)
	}
	if c.AppID != "" {
		text += ", app " + words.Visible(c.AppID)
	}
	return text
}
