package msdkclient

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestSignDocumentedVector(t *testing.T) {
	t.Parallel()
	for _, parts := range [][2]string{{"111", "111"}, {"", "111111"}} {
		if got, want := sign(parts[0], parts[1]), "96e79218965eb72c92a549dd5a330112"; got != want {
			t.Errorf("sign(%q) = %s, want %s", parts, got, want)
		}
	}
}

func TestAppNeverShowsItsKey(t *testing.T) {
	t.Parallel()
	const key = "sesame"
	app := App{ID: "wx1", Key: key, Encode: 2}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%d", "%x", "%X", "%T", "%t", "%e"} {
		fmt.Fprintf(&shown, verb+"\n", app)
		fmt.Fprintf(&shown, verb+"\n", &app)
		fmt.Fprintf(&shown, verb+"\n", []any{app, struct{ A App }{app}, map[string]App{"a": app}})
	}
	for _, handler := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(handler).Info("call", "app", app, "pointer", &app, "nested", struct{ A App }{app})
	}
	text, err := json.Marshal(app)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(text)
	fmt.Fprintln(&shown, app.String())

	for _, secret := range []string{key, fmt.Sprintf("%x", key), fmt.Sprintf("%X", key), fmt.Sprint([]byte(key))} {
		if strings.Contains(shown.String(), secret) {
			t.Errorf("%q is shown:\n%s", secret, shown.String())
		}
	}
	if !strings.Contains(shown.String(), `"app":{"appid":"wx1","encode":2}`) {
		t.Errorf("the JSON log does not name the app:\n%s", shown.String())
	}
}
