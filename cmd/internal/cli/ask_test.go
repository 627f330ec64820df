package cli

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func TestOnlyYesIsYes(t *testing.T) {
	t.Parallel()
	for answer, want := range map[string]struct {
		yes   bool
		asked int
	}{
		"y\n": {true, 1}, "Yes\r\n": {true, 1}, "n\n": {false, 1}, "no\n": {false, 1}, "\n": {false, 1}, "": {false, 1},
		"yess\nwhat\ny\n": {true, 3}, "maybe\n": {false, 2},
	} {
		var out strings.Builder
		yes, err := Ask(t.Context(), strings.NewReader(answer), &out, "Replay? ")
		if yes != want.yes || err != nil || strings.Count(out.String(), "Replay? ") != want.asked {
			t.Errorf("%q: %t, %v, %q", answer, yes, err, out.String())
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	silent, feed := io.Pipe()
	defer feed.Close()
	time.AfterFunc(10*time.Millisecond, cancel)
	if yes, err := Ask(ctx, silent, io.Discard, "Replay? "); yes || !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %t, %v", yes, err)
	}
}
