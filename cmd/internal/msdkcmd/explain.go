package msdkcmd

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/msdkclient"
)

func newExplain() *cobra.Command {
	cmd := cli.Negatives(&cobra.Command{
		Use:   "explain [CODE]",
		Short: "Say what an answer means, what to do, and what the pipeline does",
		Long: `Explains CODE: what it means, what to do about it, and what the pipeline does with it. Where a number means several
things, by the layer that says it, all are shown. Without CODE, lists all codes there are.

CODE is the ret of an answer, or the code at the head of its msg, alone or with the ret before it, as logs and dead letters
have it; or the HTTP status of an answer without a ret.

A code means one thing in a call without a user's token, as reports are, and may mean another in a call with one. The
classes: retry (it passes), throttle (too fast), record (a report is bad), app (the app is misconfigured or barred), endpoint
(the call is wrong), user (the token of one user is no good).

-o json writes an array of objects with layer, code, ret (behind which the code comes), meaning, without_token and with_token
(each with class, handling and advice), and pipeline.

Exit codes: 0 explained, 2 CODE is none, 3 no table has CODE, and what is made of it is told.`,
		Example: `  battlereport msdk explain -503
  battlereport msdk explain -20000/40001
  battlereport msdk explain '42001,access_token expired'
  battlereport msdk explain HTTP 413
  battlereport msdk explain -o json | jq '.[] | select(.without_token.class == "app") | .code'`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 2 && strings.EqualFold(args[0], "http") {
				return nil
			}
			return cli.UpTo(1)(cmd, args)
		},
		ValidArgsFunction: completeCode,
	})
	output := cli.OutputFlag(cmd, "text", "json")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		out := cmd.OutOrStdout()
		if len(args) == 0 {
			all := explainAll(msdkclient.Codes())
			if *output == "json" {
				return writeJSON(out, all)
			}
			return writeTable(out, all, cli.Columns(out))
		}
		s, err := parseSubject(strings.Join(args, " "))
		if err != nil {
			return cli.Usage(cmd, err)
		}
		found := s.explain()
		if len(found) == 0 {
			cli.Complain(cmd, s.unknown())
			return cli.ErrNone
		}
		if *output == "json" {
			return writeJSON(out, found)
		}
		return writeText(out, found, cli.Columns(out))
	}
	return cmd
}

// completeCode offers the codes with what they mean.
func completeCode(_ *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var offers []cobra.Completion
	at := map[int]int{} // where a code is in offers
	for _, m := range msdkclient.Codes() {
		code := strconv.Itoa(m.Code)
		i, known := at[m.Code]
		switch {
		case len(args) > 0 || !strings.HasPrefix(code, begun):
		case known:
			offers[i] += fmt.Sprintf("; %s: %s", m.Layer, m.Text)
		default:
			at[m.Code] = len(offers)
			offers = append(offers, cobra.CompletionWithDesc(code, m.Layer+": "+m.Text))
		}
	}
	return offers, cobra.ShellCompDirectiveNoFileComp
}

func writeJSON(out io.Writer, all []explanation) error {
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(all)
}

// writeText writes all at length, in lines of a width; 0 is any.
func writeText(out io.Writer, all []explanation, width int) error {
	var err error
	line := func(indent, text string) {
		for i, part := range strings.Split(words.Fit(text, max(width-len(indent)-2, 0)), "\n") {
			if i == 1 {
				indent += "  "
			}
			_, failed := fmt.Fprintln(out, indent+part)
			err = errors.Join(err, failed)
		}
	}
	for i, e := range all {
		if i > 0 {
			line("", "")
		}
		line("", e.title())
		if e.WithToken == e.WithoutToken {
			line("  ", "class: "+e.WithoutToken.String())
		} else {
			line("  ", "class in a report: "+e.WithoutToken.String())
			line("  ", "class in a call with a user's token: "+e.WithToken.String())
		}
		line("  ", "the pipeline: "+e.Pipeline)
	}
	return err
}

// writeTable lists all, a line each, cut to a width; 0 is any.
func writeTable(out io.Writer, all []explanation, width int) error {
	rows := [][]string{{"LAYER", "CODE", "CLASS", "WITH TOKEN", "WHAT TO DO", "MEANING"}}
	for _, e := range all {
		rows = append(rows, []string{
			e.Layer, strconv.Itoa(e.Code), e.WithoutToken.Class, e.WithToken.Class, string(e.WithToken.Handling), e.Meaning,
		})
	}
	widest := make([]int, len(rows[0])-1) // the last ends the line
	for _, row := range rows {
		for i := range widest {
			widest[i] = max(widest[i], words.Width(row[i]))
		}
	}
	for _, row := range rows {
		for i, w := range widest {
			row[i] = words.Pad(row[i], w)
		}
		text := strings.Join(row, "  ")
		if width > 0 {
			text = words.Cut(text, width)
		}
		if _, err := fmt.Fprintln(out, text); err != nil {
			return err
		}
	}
	return nil
}
