package msdkclient

import (
	"net/url"
	"strings"
)

// redacted stands in the place of what is not to be shown.
const redacted = "REDACTED"

// RedactURL is a call's URL as it may be shown and logged: in the place of sig, appid and openid, and of whatever else its
// query holds but timestamp, encode, conn and msdkExtInfo, stands "REDACTED". A URL that is malformed loses more rather
// than less: no path has parameters in it, no parameter goes without a name, and user and fragment are left away.
func RedactURL(u *url.URL) string {
	shown := *u
	shown.User, shown.Fragment, shown.RawFragment = nil, "", ""
	if shown.Opaque != "" {
		shown.Opaque = redacted
	}
	if i := strings.IndexAny(shown.Path, "?&;=#%"); i >= 0 {
		shown.Path, shown.RawPath = shown.Path[:i]+redacted, ""
	}
	params := strings.Split(u.RawQuery, "&")
	for i, param := range params {
		params[i] = redactParam(param)
	}
	shown.RawQuery = strings.Join(params, "&")
	return shown.String()
}

func redactParam(param string) string {
	name, value, named := strings.Cut(param, "=")
	switch {
	case param == "", named && isHarmless(name, value):
		return param
	case !named, !isPlainName(name):
		return redacted
	case value == "":
		return param // which may be what is wrong with it
	default:
		return name + "=" + redacted
	}
}

// isHarmless reports whether a parameter says nothing of a user, an app or a key, in the form that it has.
func isHarmless(name, value string) bool {
	const digits = "0123456789"
	switch name {
	case "timestamp", "encode", "conn":
		return len(value) <= 19 && strings.Trim(value, digits) == ""
	case "msdkExtInfo":
		return len(value) <= 128 && strings.Trim(value, digits+"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
	default:
		return false
	}
}

// isPlainName tells names from values that have lost theirs.
func isPlainName(name string) bool {
	for _, c := range []byte(strings.ToLower(name)) {
		if c != '_' && (c < 'a' || c > 'z') {
			return false
		}
	}
	return name != "" && len(name) <= 16
}
