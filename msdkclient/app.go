package msdkclient

import (
	"cmp"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"strconv"
)

// App is the identity that a call is made with. Printed, logged or marshalled, it shows ID and Encode alone. There are
// two gaps that fmt leaves no way to close: an App in an unexported field of a struct that is printed, and the verbs %p
// and %w, which are wrong for it.
type App struct {
	ID     string // the appid
	Key    string `json:"-" yaml:"-"` // the appkey, or with Encode 2 the msdkkey
	Encode int    // 1: Key is the appkey; 2: Key is the msdkkey
}

// String names the app without its key.
func (a App) String() string {
	return fmt.Sprintf("app %s (encode %d)", a.ID, a.Encode)
}

// Format prints String for every verb: without it, verbs such as %d print the fields.
func (a App) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, a.String())
}

// LogValue is the app as an slog group, without its key.
func (a App) LogValue() slog.Value {
	return slog.GroupValue(slog.String("appid", a.ID), slog.Int("encode", a.Encode))
}

// own is the appid that a request holds, or that of the app if it holds none.
func (a App) own(appid string) string {
	return cmp.Or(appid, a.ID)
}

// check finds what no call can be made with. The key is not shown.
func (a App) check() error {
	switch {
	case a.ID == "":
		return &FieldError{Field: "appid", Want: "the app's, for the URL"}
	case a.Key == "":
		return &FieldError{Field: "key", Want: "the appkey, or with encode 2 the msdkkey"}
	case a.Encode != 1 && a.Encode != 2:
		return &FieldError{Field: "encode", Value: strconv.Itoa(a.Encode), Want: "1 if the key is the appkey, 2 if it is the msdkkey"}
	}
	return nil
}

// sign is the URL parameter sig: md5 of key and timestamp, in lowercase hex (MSDK interface document, chapter 1).
func sign(key, timestamp string) string {
	sum := md5.Sum([]byte(key + timestamp))
	return hex.EncodeToString(sum[:])
}
