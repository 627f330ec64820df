package deadlettercmd

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/cmd/internal/words"
)

func exportCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "export -c FILE",
		Short: "Write letters whole as JSON Lines, to be edited and imported",
		Long: `Writes the letters that the filters select, pending ones by default, as JSON Lines, the oldest first: all that a letter
has, with its value as text in "value", byte for byte, or in "value_base64" if it is no UTF-8.

To repair letters by hand or with a program of one's own, change the values and import the file: letters whose lines were
taken out stay as they are. Not every program keeps what it does not change: jq before 1.7 and JavaScript round numbers
beyond 2^53. What a jq expression can repair is safe with replay --jq, which keeps all digits. With --out the file is
there once it is complete; one that was there before is replaced, unless no letter matches.

` + letterJSONHelp + `

` + filterHelp,
		Example: `  battlereport deadletter export -c battlereport.yaml --reason schema_violation --out letters.jsonl
  battlereport deadletter export -c battlereport.yaml --since 1d | sed 's/\\"platid\\":\\"\([01]\)\\"/\\"platid\\":\1/' > letters.jsonl
  battlereport deadletter import -c battlereport.yaml --dry-run --diff letters.jsonl`,
		Args: cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	path := cmd.Flags().String("out", "", "write to `FILE` instead of standard output")
	flags := newFilterFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		box, filter, err := flags.open(cmd, load, time.Now())
		if err != nil {
			return err
		}
		defer box.close()
		progress := cli.NewProgress(cmd)
		progress.Begin(taskOf("reading", 0))
		defer progress.End()
		var exported int64
		export := func(out io.Writer) error {
			sink := newLetterSink("jsonl", out, view.Style{})
			for e, err := range box.all(cmd.Context(), scan{filter: filter, oldestFirst: true, progress: progress.Set, failed: flags.noteFailed}) {
				if err == nil {
					err = sink.Add(&e)
				}
				if err != nil {
					return err
				}
				exported++
			}
			return sink.Close()
		}
		if *path == "" {
			err = export(progress.Over(cmd.OutOrStdout()))
		} else {
			err = replaceFile(*path, func(out io.Writer) error {
				err := export(out)
				if err == nil && exported == 0 {
					err = cli.ErrNone // and what was there stays
				}
				return err
			})
		}
		if err != nil && !errors.Is(err, cli.ErrNone) {
			return err
		}
		progress.End()
		box.complain(flags, progress.Complain)
		switch {
		case exported == 0:
			return box.none(flags, progress.Print)
		case *path != "":
			progress.Print(fmt.Sprintf("exported %s to %s", words.Number(exported, "letter"), *path))
		}
		return nil
	}
	return cmd
}

// replaceFile writes a file that is there under its name only once it is complete. What is no file, such as a pipe, is
// written to as it is.
func replaceFile(path string, write func(io.Writer) error) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		out, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		return errors.Join(write(out), out.Close())
	}
	given := path
	if target, err := filepath.EvalSymlinks(path); err == nil {
		path = target
	}
	file, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.part") // of letters: for nobody else to read
	if err != nil {
		return underGivenName(given, err)
	}
	defer func() {
		err = underGivenName(given, err)
		if err != nil {
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	if err := write(file); err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

// underGivenName tells an error of a file that is to become the one given as that one's. Others are returned as they are.
func underGivenName(given string, err error) error {
	var ofPath *fs.PathError
	var ofLink *os.LinkError
	switch {
	case errors.As(err, &ofPath):
		return fmt.Errorf("write %s: %w", given, ofPath.Err)
	case errors.As(err, &ofLink):
		return fmt.Errorf("write %s: %w", given, ofLink.Err)
	}
	return err
}
