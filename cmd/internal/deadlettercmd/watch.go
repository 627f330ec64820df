package deadlettercmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/screen"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

func watchCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "watch -c FILE",
		Short: "Show letters as they come, grouped by why",
		Long: `Shows what comes from now on, or with --since also what has come since then, until Ctrl-C. On a terminal it is a screen that
is drawn anew each second: for each cause (the reason, with the answer of the platform or the first violation) how many
letters came, how many of these are pending still, and how many were written in the last minute; then their apps, and the
last of them with its detail. The causes to which something came in the last minute are above. What is replayed or
discarded meanwhile, by whomever, is no longer pending, nor is what retention deletes.

Into a pipe it writes a line for each letter: its time, name, reason, app and detail. -o json writes each as an object in a
line of its own, as "list -o jsonl" does, with the state it has as it comes.

A letter that was written twice in a crash counts once, unless a million others come in between. Beyond 256 causes the
rarer ones count as others; of more than 262,144 letters the newest are followed to tell whether they are pending.

Brokers that cannot be reached, and a topic that does not exist yet or is made anew, are waited for, which is said; then it
goes on where it was. It asks the brokers once a second, is in no group, and writes nothing.

` + letterJSONHelp + `

` + watchFilterHelp,
		Example: `  battlereport deadletter watch -c battlereport.yaml
  battlereport deadletter watch -c battlereport.yaml --since 1h --app wxcde873f99466f74a
  battlereport deadletter watch -c battlereport.yaml --reason rejected -o json | jq --unbuffered -r .detail`,
		Args: cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	output := cli.OutputFlag(cmd, "text", "json")
	flags := newFilterFlags(cmd)
	for _, name := range []string{"state", "until"} {
		_ = cmd.Flags().MarkHidden(name) // it is of all that come, and has no end
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		for _, name := range []string{"state", "until"} {
			if flag := cmd.Flags().Lookup(name); flag.Changed {
				return cli.Usage(cmd, fmt.Errorf("--%s %s: want that of list or stats; watch shows letters as they come, whatever their state, until Ctrl-C", name, flag.Value))
			}
		}
		began := time.Now()
		box, filter, err := flags.open(cmd, load, began)
		if err != nil {
			return err
		}
		defer box.close()
		w := newWatcher(box, filter, flags)
		tell := func(text string) { cli.Complain(cmd, text) }
		display, live := screen.Of(cmd.OutOrStdout(), os.Getenv)
		if live && *output == "text" {
			if !filter.Since.IsZero() {
				began = filter.Since
			}
			err = w.draw(cmd, display, began)
		} else {
			w.say = tell
			w.write(cmd, *output)
			err = w.do(cmd.Context(), func() {})
		}
		box.complain(flags, tell)
		return err
	}
	return cmd
}

// write has the watcher write letters as they come, each in a line.
func (w *watcher) write(cmd *cobra.Command, form string) {
	out := bufio.NewWriterSize(cmd.OutOrStdout(), 64<<10)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	w.flush = out.Flush
	w.arrive = func(e *deadletter.Entry) error {
		if form == "json" {
			return encoder.Encode(e)
		}
		_, err := out.WriteString(view.Arrival(e) + "\n")
		return err
	}
}

// draw watches on a screen.
func (w *watcher) draw(cmd *cobra.Command, display *screen.Screen, began time.Time) error {
	defer display.End()
	style := styleOf(cmd.OutOrStdout())
	w.say = func(text string) {
		fmt.Fprintln(display, words.Fit(time.Now().Format(time.TimeOnly)+" "+text, display.Width()))
	}
	return w.do(cmd.Context(), func() {
		style.Now, style.Width = time.Now(), display.Width()
		arrivals, notes := w.look(style.Now)
		title := fmt.Sprintf("%s since %s (%s); Ctrl-C ends", w.box.topics(), words.Clock(began, style.Now, true), words.Span(style.Now.Sub(began)))
		display.Draw(view.Watch(style, display.Height(), title, notes, &arrivals))
	})
}
