package sandbox

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/screen"
)

// play runs a sandbox for a person, or for a pipe. It returns cli.ErrNo if not every event is accounted for.
func play(ctx context.Context, o *options, stdout, stderr io.Writer, signals <-chan os.Signal) error {
	display, live := screen.Of(stdout, os.Getenv)
	logTo := stderr
	if live {
		defer display.End()
		stdout, logTo = display, display
	}
	log, closeLog, err := openLog(o, logTo)
	if err != nil {
		return err
	}
	defer closeLog()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop, hurry := interruptions(ctx, signals, func() {
		if live {
			display.End()
		}
		os.Exit(130) // as a shell would say: by Ctrl-C
	})
	s, err := start(hurry, o, log) // one Ctrl-C lets it come up, and go down again in order
	if err != nil {
		return err
	}
	defer s.close()
	if _, err := io.WriteString(stdout, greeting(s)); err != nil {
		return err
	}

	var showing sync.WaitGroup
	shown, hide := context.WithCancel(ctx)
	showing.Go(func() {
		if live {
			showLive(shown, &watcher{s: s}, display)
		} else {
			showLines(shown, &watcher{s: s}, stdout)
		}
	})
	r, err := s.run(stop, hurry)
	hide()
	showing.Wait()
	if live {
		display.End()
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(stdout, summary(r)); err != nil {
		return err
	}
	if !r.ok() {
		return cli.ErrNo
	}
	return nil
}

// How often a snapshot is shown.
const (
	liveInterval = 250 * time.Millisecond
	lineInterval = 2 * time.Second
)

func showLive(ctx context.Context, w *watcher, display *screen.Screen) {
	look := blank
	if os.Getenv("NO_COLOR") == "" {
		look = colours
	}
	every(ctx, liveInterval, func(now time.Time) {
		display.Draw(render(w.look(now), display.Width(), look))
	})
}

func showLines(ctx context.Context, w *watcher, out io.Writer) {
	every(ctx, lineInterval, func(now time.Time) {
		_, _ = fmt.Fprintln(out, line(w.look(now))) // who has closed the pipe has seen enough
	})
}

// every calls f now and then, and once when ctx ends.
func every(ctx context.Context, interval time.Duration, f func(now time.Time)) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		f(time.Now())
		select {
		case <-ticker.C:
		case <-ctx.Done():
			f(time.Now())
			return
		}
	}
}

// interruptions turns signals into the ends of two contexts, in turn; one more calls abort. It listens until ctx ends.
func interruptions(ctx context.Context, signals <-chan os.Signal, abort func()) (stop, hurry context.Context) {
	stop, endStop := context.WithCancel(ctx)
	hurry, endHurry := context.WithCancel(ctx)
	go func() {
		defer endStop()
		defer endHurry()
		for _, f := range []func(){endStop, endHurry, abort} {
			select {
			case <-signals:
				f()
			case <-ctx.Done():
				return
			}
		}
	}()
	return stop, hurry
}
