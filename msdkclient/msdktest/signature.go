package msdktest

import (
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	maxSkew = 10 * time.Minute
	aYear   = 365 * 24 * time.Hour // a time further off was not meant
)

var serialPattern = regexp.MustCompile(`^[A-Za-z0-9_]*$`)

// checkParams checks the parameters of a URL and the signature among them. The body is looked at for what it may tell of a
// signature that is wrong.
func (s *Server) checkParams(r *Request, query string, params url.Values) Answer {
	app, known := s.apps[r.AppID]
	switch {
	case strings.HasPrefix(r.AppID, guestPrefix):
		return refuse(-901, "not for guests", "appid begins with G_: guests may call nothing but /auth/guest_check_token")
	case !known && r.AppID == "":
		return refuse(-504, "unknown appid", "the URL has no appid")
	case !known:
		return refuse(-504, "unknown appid", "this platform knows no app "+clip(r.AppID))
	}
	for _, name := range []string{"timestamp", "sig", "openid", "encode"} {
		if params.Get(name) == "" && (name != "openid" || r.call.Path != pathUpload) {
			return refuse(-506, "missing URL parameter "+name, whyMissing(name, r.text))
		}
	}
	key, timestamp, sig := app.AppKey, params.Get("timestamp"), params.Get("sig")
	switch params.Get("encode") {
	case "1":
	case "2":
		if key = app.MSDKKey; key == "" {
			return refuse(-502, "wrong signature", "encode is 2, and the app has no msdkkey")
		}
	default:
		return refuse(-502, "wrong signature", "encode must be 1 or 2")
	}
	if sig != md5Hex(key+timestamp) {
		return refuse(-502, "wrong signature", whySignature(app, sig, timestamp, query, r.text))
	}
	if why := whyTimestamp(timestamp, time.Now()); why != "" {
		return refuse(-502, "timestamp out of range", why)
	}
	switch {
	case strings.HasPrefix(r.OpenID, guestPrefix):
		return refuse(-901, "not for guests", "openid begins with G_: guests may call nothing but /auth/guest_check_token")
	case !serialPattern.MatchString(r.Serial):
		return refuse(-1011, "msdkExtInfo must be letters, digits and underscores", "it is "+strconv.Quote(clip(r.Serial)))
	}
	return Answer{}
}

func whyMissing(name string, body []byte) string {
	if bytes.Contains(body, []byte(`"`+name+`"`)) {
		return "it stands in the body: want it in the URL too"
	}
	return ""
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text))
	return hex.EncodeToString(sum[:])
}

// whySignature says what may have been done in the place of md5(key + timestamp).
func whySignature(app App, sig, timestamp, query string, body []byte) string {
	const want = "want 32 lowercase hex digits: the md5 of the key with the timestamp behind it"
	lower := strings.ToLower(sig)
	for _, k := range []struct{ name, key string }{{"appkey", app.AppKey}, {"msdkkey", app.MSDKKey}} {
		if k.key == "" {
			continue
		}
		switch lower {
		case md5Hex(k.key + timestamp):
			if lower != sig {
				return "it is in upper case; " + want
			}
			return fmt.Sprintf("it is signed with the %s: encode 1 is for the appkey, encode 2 for the msdkkey", k.name)
		case md5Hex(timestamp + k.key):
			return "key and timestamp are swapped; " + want
		case md5Hex(k.key + timestamp + "\n"):
			return "a line feed was signed too, as echo writes one; " + want
		case md5Hex(k.key):
			return "the key was signed without the timestamp; " + want
		}
		for _, text := range signedByMistake(query) {
			if slices.Contains([]string{md5Hex(k.key + text), md5Hex(text + k.key), md5Hex(text + "&key=" + k.key)}, lower) {
				return "the parameters were signed; " + want
			}
		}
		if lower == md5Hex(k.key+string(body)) || lower == md5Hex(string(body)+k.key) {
			return "the body was signed; " + want
		}
	}
	switch {
	case lower == md5Hex(timestamp):
		return "the timestamp was signed without the key; " + want
	case len(sig) != 2*md5.Size:
		return fmt.Sprintf("it has %d characters; %s", len(sig), want)
	case sig != lower:
		return "it is in upper case; " + want
	}
	return want
}

// signedByMistake are the ways to write the parameters but sig that other platforms have signed.
func signedByMistake(query string) []string {
	var pairs, decoded []string
	for pair := range strings.SplitSeq(query, "&") {
		if strings.HasPrefix(pair, "sig=") {
			continue
		}
		pairs = append(pairs, pair)
		plain, err := url.QueryUnescape(pair)
		if err == nil {
			decoded = append(decoded, plain)
		}
	}
	sorted := slices.Sorted(slices.Values(pairs))
	slices.Sort(decoded)
	return []string{
		strings.Join(pairs, "&"), strings.Join(sorted, "&"), strings.Join(decoded, "&"), strings.Join(decoded, ""),
	}
}

// whyTimestamp is empty if the timestamp is a Unix time near now.
func whyTimestamp(timestamp string, now time.Time) string {
	const want = "want the Unix time in seconds"
	seconds, err := strconv.ParseInt(timestamp, 10, 64)
	if err != nil {
		return want + ", have " + strconv.Quote(clip(timestamp))
	}
	if _, err := time.Parse("20060102150405", timestamp); err == nil {
		return "it is written yyyyMMddHHmmss; " + want
	}
	near := func(at time.Time) bool { return now.Sub(at).Abs() <= 24*time.Hour }
	off := now.Sub(time.Unix(seconds, 0))
	switch {
	case off.Abs() <= maxSkew:
		return ""
	case near(time.UnixMilli(seconds)):
		return "it is in milliseconds; " + want
	case near(time.UnixMicro(seconds)):
		return "it is in microseconds; " + want
	case near(time.Unix(0, seconds)):
		return "it is in nanoseconds; " + want
	case off.Abs() > aYear:
		return want + ", have " + strconv.Quote(clip(timestamp))
	case off > 0:
		return fmt.Sprintf("it is %s old; ten minutes are allowed, and every attempt is signed anew", off.Round(time.Second))
	default:
		return fmt.Sprintf("it is %s ahead; ten minutes are allowed", (-off).Round(time.Second))
	}
}
