package wiretest

import (
	"bytes"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// Frame is a frame of zstd; the writer, unlike EncodeAll, does not know how much is to come.
func Frame(t testing.TB, text []byte, streamed bool, options ...zstd.EOption) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, options...)
	if err != nil {
		t.Fatal(err)
	}
	if !streamed {
		return w.EncodeAll(text, nil)
	}
	if _, err = w.Write(text); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
