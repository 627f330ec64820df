package config

import (
	"net"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A rule says which texts are good. The form is what the JSON Schema can say as well; also is the rest.
type rule struct {
	want   string
	form   *regexp.Regexp
	also   func(string) bool
	flaw   func(string) string // what is wrong with a text that may not be shown; nil if it may
	number bool                // a plain number may stand for the text
}

func (r rule) fits(text string) bool {
	return r.form.MatchString(text) && (r.also == nil || r.also(text))
}

// topicVariable stands for the source topic in the names of the dead-letter and replay topics.
const topicVariable = "{topic}"

// The forms are written in what Go's and JavaScript's regular expressions have in common.
var (
	anyRule    = rule{want: "a string", form: regexp.MustCompile(``)}
	filledRule = rule{want: "a string that is not empty", form: regexp.MustCompile(`.`)}
	keyRule    = rule{
		want: "printable ASCII without white space at its ends",
		form: regexp.MustCompile(`^[!-~]([ -~]*[!-~])?$`),
		flaw: keyFlaw,
	}
	credentialRule = rule{
		want: "printable text without white space at its ends",
		form: regexp.MustCompile(`^[^\x00-\x1f\x7f]*$`),
		flaw: flaw,
	}
	labelRule = rule{
		want: "1 to 249 printable ASCII characters without spaces",
		form: regexp.MustCompile(`^[!-~]{1,249}$`),
	}
	brokerRule = rule{
		want: "host:port with a port from 1 to 65535",
		form: regexp.MustCompile(`^([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?\]):[0-9]+$`),
		also: func(text string) bool { return validPort(text, 1) },
	}
	serverRule = rule{
		want: "a host name or an IP address, without a port, or an empty string",
		form: regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9._-]*[A-Za-z0-9_])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]+)?$`),
		also: func(text string) bool { return !strings.Contains(text, ":") || net.ParseIP(text) != nil },
	}
	listenRule = rule{
		want: "host:port or :port with a port from 0 to 65535, or an empty string",
		form: regexp.MustCompile(`^(([A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+(%[A-Za-z0-9._-]+)?\]):[0-9]+)?$`),
		also: func(text string) bool { return text == "" || validPort(text, 0) },
	}
	appIDRule = rule{
		want: "1 to 64 letters, digits and underscores, not beginning with G_ (guest mode may not report)",
		form: regexp.MustCompile(`^[A-Za-z0-9_]{1,64}$`),
		also: func(text string) bool { return !strings.HasPrefix(text, "G_") },
	}
	topicRule = rule{
		want: "a topic name of 1 to 249 letters, digits, dots, underscores and hyphens",
		form: regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`),
		also: func(text string) bool { return text != "." && text != ".." },
	}
	topicTemplateRule = rule{
		want: "a topic name, in which {topic} may stand for the source topic",
		form: regexp.MustCompile(`^([A-Za-z0-9._-]|\{topic\})+$`),
		also: func(text string) bool { return topicRule.fits(strings.ReplaceAll(text, topicVariable, "t")) },
	}
	unixTimeRule = rule{
		want:   `Unix time in seconds, such as 1893456000, or "0" for never; no duration, no milliseconds`,
		form:   regexp.MustCompile(`^(0|[1-9][0-9]{9,11})$`), // of msdkclient.ReportScoreRequest
		number: true,
	}
)

func validPort(hostPort string, least int) bool {
	_, text, err := net.SplitHostPort(hostPort)
	if err != nil {
		return false
	}
	port, err := strconv.Atoi(text)
	return err == nil && least <= port && port <= 65535
}

// baseURL takes off trailing slashes, so that a path can be appended.
func baseURL(to *string) *scalar {
	s := text(to, rule{
		want: "an absolute http or https URL without user, query and fragment",
		form: regexp.MustCompile(`^https?://[^/?#@\s]+(/[^?#\s]*)?$`),
		also: func(text string) bool {
			u, err := url.Parse(text)
			return err == nil && u.Hostname() != "" && u.User == nil
		},
	})
	set := s.set
	s.set = func(text string) string {
		want := set(text)
		if want == "" {
			*to = strings.TrimRight(text, "/")
		}
		return want
	}
	return s
}
