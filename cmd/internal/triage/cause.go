package triage

import (
	"cmp"
	"fmt"
	"strings"

	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// Cause is what letters of a kind have in common.
type Cause struct {
	Reason     string   `json:"reason"` // of deadletter, or [Foreign]
	AppID      string   `json:"appid,omitempty"`
	Ret        string   `json:"ret,omitempty"`
	HTTPStatus int      `json:"http_status,omitempty"`
	Pattern    *Pattern `json:"violation,omitempty"` // of the first violation of a schema_violation
}

// Foreign is, in the place of a reason, what a record of a dead-letter topic is that is no letter.
const Foreign = "foreign"

// others is the reason of causes that were too many to be told apart.
const others = "others"

// causeKey is what makes two causes the same.
type causeKey struct {
	reason, appID, ret string
	httpStatus         int
	pattern            patternKey
}

func causeOf(e *deadletter.Entry) causeKey {
	if e.Foreign != "" {
		return causeKey{reason: Foreign}
	}
	l := &e.Letter
	key := causeKey{reason: string(l.Reason), appID: l.AppID, ret: RetOf(l), httpStatus: l.HTTPStatus}
	if key.ret != "" || l.HTTPStatus == 200 {
		key.httpStatus = 0 // the platform has said more than that
	}
	if len(l.Violations) > 0 {
		key.pattern = patternOf(l.Violations[0])
	}
	return key
}

func (k causeKey) compare(other causeKey) int {
	return cmp.Or(strings.Compare(k.reason, other.reason), strings.Compare(k.appID, other.appID),
		strings.Compare(k.ret, other.ret), cmp.Compare(k.httpStatus, other.httpStatus), k.pattern.compare(other.pattern))
}

// String is the cause in a few words, fit to be shown: "rejected, ret -1011, app wx1".
func (c Cause) String() string {
	text := c.Reason
	switch {
	case c.Pattern != nil:
		text += " " + c.Pattern.String()
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
