// Package validatecmd is the command validate: it holds reports, one a line, against a schema, and writes what it finds of
// each before it reads the next. It knows no app: what run and publish ask besides, an openid whatever the schema and a score
// on the legacy route, it does not.
package validatecmd

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/schema"
)

// New returns the command.
func New() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "validate [FILE|-]",
		Short: "Check battle reports, one a line, as the pipeline does",
		Long: `Reads JSON Lines, one battle report a line, from FILE or standard input, and writes one JSON object for each:

  {"line":1,"valid":true}
  {"line":2,"valid":false,"reason":"schema_violation","detail":"...","violations":[{"instance":"/baseinfo/platid","keyword":"...","message":"..."}]}

A schema file of your own is asked alone; run and publish also need baseinfo.openid, whatever the schema, to know whose
report it is. The built-in schemas ask for it themselves.

The reasons are invalid_json, schema_violation and too_large; only schema_violation has violations. Lines count from 1;
blank ones count but are skipped. A line ends with \n or \r\n, which are no part of the report, nor is a byte order mark
before the first. FILE is text in UTF-8: one in UTF-16, as PowerShell's > writes it, has no lines to check.

--explain reads no reports. It lists what of the schema looks like a check and is none, one JSON object a line with kind and
message: keywords that are unknown or misspelt, or say nothing in the schema's draft or where they stand, and formats that
are unknown or not checked. Then it lists, with a reason, what is checked the slow way.

Patterns mean what ECMA 262 says, as everywhere in JSON Schema; but lookahead, lookbehind and backreferences are refused.
Formats are checked up to draft 7, without "$schema", and where a schema of draft 2020-12 has
"$vocabulary": {"https://json-schema.org/draft/2020-12/vocab/format-assertion": true}. "$ref" leads to files, relative
to the "$id" or, if there is none, to the file it stands in.

Exit codes: 0 all valid, 1 some invalid, 2 could not check.`,
		Example: `  battlereport validate reports.jsonl
  battlereport validate --schema builtin:en < reports.jsonl
  battlereport validate --schema mygame.schema.json reports.jsonl | jq 'select(.valid | not)'
  battlereport validate --schema mygame.schema.json --explain`,
		Args: cli.UpTo(1),
	}
	explain := cmd.Flags().Bool("explain", false,
		"list what of the schema is not checked, or in the slow way, and why; reads no reports")
	name := cmd.Flags().String("schema", "builtin:any",
		"`NAME|FILE` of the schema: "+strings.Join(schema.BuiltIns(), ", ")+", or a JSON Schema file")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		limits := schema.DefaultLimits()
		checker, err := schema.Load(*name, limits)
		if err != nil {
			return err
		}
		if *explain {
			if len(args) > 0 {
				return cli.Usage(cmd, errors.New("--explain is about the schema and reads no reports"))
			}
			return explainSchema(cmd.OutOrStdout(), checker)
		}
		in, err := cli.OpenInput(cmd, args)
		if err != nil {
			return err
		}
		defer in.Close()
		mentionNotes(cmd.ErrOrStderr(), *name, len(checker.Lint()))
		total, err := validate(in, cmd.OutOrStdout(), checker, limits.MaxBytes)
		if err != nil {
			return cli.OfInput(args, err)
		}
		if stderr := cmd.ErrOrStderr(); cli.IsTerminal(stderr) {
			fmt.Fprintln(stderr, total)
		}
		if total.invalid > 0 {
			return cli.ErrNo
		}
		return nil
	}
	return cmd
}

// mentionNotes says how much of a schema checks nothing, if any does.
func mentionNotes(stderr io.Writer, name string, notes int) {
	if notes > 0 {
		fmt.Fprintf(stderr, "%s: what it says in %s is not checked: see --explain\n", name, words.Count(notes, "place"))
	}
}

// explainSchema writes which keywords are not checked, and then which are not decided on the raw bytes of a record. A
// record to which one of those applies is decoded and left to the library, which takes some twenty times as long.
func explainSchema(out io.Writer, checker *schema.Schema) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	for _, n := range checker.Lint() {
		if err := encoder.Encode(n); err != nil {
			return err
		}
	}
	for _, n := range checker.Explain() {
		if err := encoder.Encode(n); err != nil {
			return err
		}
	}
	return nil
}

// A result is what validate writes about one line.
type result struct {
	Line       int                `json:"line"`
	Valid      bool               `json:"valid"`
	Reason     schema.Reason      `json:"reason,omitempty"`
	Detail     string             `json:"detail,omitempty"`
	Violations []schema.Violation `json:"violations,omitempty"`
}

// A summary counts results.
type summary struct{ checked, invalid int }

func (s summary) String() string {
	if s.invalid == 0 {
		return words.Count(s.checked, "report") + ", all valid"
	}
	return fmt.Sprintf("%s, %d invalid", words.Count(s.checked, "report"), s.invalid)
}

// validate checks every line of in and writes its result to out. What was checked is written even if an error ends it.
func validate(in io.Reader, out io.Writer, checker *schema.Schema, limit int) (total summary, err error) {
	buffered := bufio.NewWriter(out)
	defer func() {
		if flushErr := buffered.Flush(); err == nil {
			err = flushErr
		}
	}()
	encoder := json.NewEncoder(buffered)
	encoder.SetEscapeHTML(false)
	records := cli.NewLines(flushFirst{in, buffered}, limit)
	for {
		record, err := records.Next()
		switch {
		case errors.Is(err, io.EOF):
			return total, nil
		case err != nil:
			return total, err // it names the file, read or written
		}
		r := check(checker, record, limit)
		total.checked++
		if !r.Valid {
			total.invalid++
		}
		if err := encoder.Encode(r); err != nil {
			return total, err
		}
	}
}

func check(checker *schema.Schema, record cli.Line, limit int) result {
	r := result{Line: record.Number}
	if record.TooLong() {
		r.Reason, r.Detail = schema.TooLarge, fmt.Sprintf("%d bytes, %d are allowed", record.Size, limit)
		return r
	}
	refusal := checker.Validate(record.Text)
	if refusal == nil {
		r.Valid = true
		return r
	}
	r.Reason, r.Detail, r.Violations = refusal.Reason, refusal.Detail, refusal.Violations
	return r
}

// flushFirst flushes out before each read: whoever feeds us line by line sees each result before the next line, and
// whoever feeds us a file pays one write a buffer.
type flushFirst struct {
	in  io.Reader
	out *bufio.Writer
}

func (f flushFirst) Read(p []byte) (int, error) {
	if err := f.out.Flush(); err != nil {
		return 0, err
	}
	return f.in.Read(p)
}
