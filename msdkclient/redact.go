package msdkclient

import (
	"net/url"
	"strings"
)

// RedactURL is a call's URL as it may be shown and logged: in the place of sig, appid and openid, and of whatever else its
// query holds but the parameters that say nothing, stands "REDACTED".
func RedactURL(u *url.URL) string {
	shown := *u
	shown.User = nil
	params := strings.Split(u.RawQuery, "&")
	for i, param := range params {
		name, value, _ := strings.Cut(param, "=")
		switch name {
		case "timestamp", "encode", "conn", "msdkExtInfo":
		default:
			if value != "" {
				params[i] = name + "=REDACTED"
			}
		}
	}
	shown.RawQuery = strings.Join(params, "&")
	return shown.String()
}
