package deadlettercmd

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/triage/view"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/deadletter"
)

// tableLimit is how many letters a table has if nothing else was asked for.
const tableLimit = 50

func listCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list -c FILE",
		Short: "List letters, the newest first",
		Long: `Lists the letters that the filters select, pending ones by default, the newest first.

Of a letter that was written twice in a crash one is listed; what is done about one is done about the other.

As a table, on a terminal, it shows the newest 50, cut to fit; into a pipe nothing is cut. -o jsonl writes one JSON
object a line and -o json one array, whole letters with no limit but --limit.

` + letterJSONHelp + `
Who has resolved it, when, in which run and why is what "show -o json" has besides, as history.

` + filterHelp,
		Example: `  battlereport deadletter list -c battlereport.yaml
  battlereport deadletter list -c battlereport.yaml --reason schema_violation --violation /baseinfo/platid --limit 10
  battlereport deadletter list -c battlereport.yaml --where '.value.battleinfo.score > 1000000' -o jsonl
  battlereport deadletter list -c battlereport.yaml --openid oGRTijrV0l67hDGN7dstOl8CphN0 --state all`,
		Args: cli.UpTo(0),
	}
	load := cli.ConfigFlag(cmd)
	output := cli.OutputFlag(cmd, "table", "json", "jsonl")
	limit := cmd.Flags().Int64("limit", tableLimit, "at most `N` letters; 0: all, which is the default for JSON")
	flags := newFilterFlags(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if *limit < 0 {
			return cli.Usage(cmd, fmt.Errorf("--limit %d: want 0 or more", *limit))
		}
		if *output != "table" && !cmd.Flags().Changed("limit") {
			*limit = 0
		}
		box, filter, err := flags.open(cmd, load, time.Now())
		if err != nil {
			return err
		}
		defer box.close()
		progress := cli.NewProgress(cmd)
		progress.Begin(taskOf("reading", 0))
		defer progress.End()
		sink := newLetterSink(*output, progress.Over(cmd.OutOrStdout()), styleOf(cmd.OutOrStdout()))
		var listed int64
		more := false
		for e, err := range box.all(cmd.Context(), scan{filter: filter, progress: progress.Set, failed: flags.noteFailed}) {
			if err != nil {
				return err // what is shown so far must not look whole
			}
			if *limit > 0 && listed == *limit {
				more = true
				break
			}
			if err := sink.Add(&e); err != nil {
				return err
			}
			listed++
		}
		if err := sink.Close(); err != nil {
			return err
		}
		progress.End()
		box.complain(flags, progress.Complain)
		switch {
		case listed == 0:
			return box.none(flags, progress.Print)
		case more:
			progress.Print(fmt.Sprintf("these are the newest %s; more match, of %s: --limit 0 lists all, stats counts them",
				words.Grouped(listed), words.Number(box.lookedAt(), "record")))
		}
		return nil
	}
	return cmd
}

// A letterSink writes letters in some form.
type letterSink interface {
	Add(*deadletter.Entry) error
	Close() error
}

func newLetterSink(form string, out io.Writer, style view.Style) letterSink {
	if form == "table" {
		return view.NewTable(out, style)
	}
	s := &jsonSink{out: bufio.NewWriterSize(out, 64<<10), array: form == "json"}
	s.encoder = json.NewEncoder(s.out)
	s.encoder.SetEscapeHTML(false)
	return s
}

// A jsonSink writes letters as JSON, one a line, in an array or not.
type jsonSink struct {
	out     *bufio.Writer
	encoder *json.Encoder
	array   bool
	any     bool
}

func (s *jsonSink) Add(e *deadletter.Entry) error {
	if s.array {
		separator := "["
		if s.any {
			separator = ","
		}
		if err := s.out.WriteByte(separator[0]); err != nil {
			return err
		}
	}
	s.any = true
	return s.encoder.Encode(e)
}

func (s *jsonSink) Close() error {
	if s.array {
		if !s.any {
			s.out.WriteByte('[')
		}
		s.out.WriteString("]\n")
	}
	return s.out.Flush()
}
