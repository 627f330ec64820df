package msdkcmd

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/cmd/internal/words"
	"github.com/battlereport/battlereport/msdkclient"
)

// outcomes are the classes of failures, and by which code the command ends. The codes are beyond those that all commands have.
var outcomes = []struct {
	class   string // as msdkclient.Class says it
	code    int
	meaning string
}{
	{"retry", 10, "it passes"},
	{"throttle", 11, "the calls come too fast"},
	{"record", 12, "something in this request is wrong"},
	{"app", 13, "the app is misconfigured or barred"},
	{"endpoint", 14, "the call itself is wrong: its base URL, its path, the form of its body"},
	{"user", 15, "the token of this user is no good"},
}

// exitCodesHelp says of the exit codes what --help does.
func exitCodesHelp() string {
	var b strings.Builder
	b.WriteString("Exit codes: 0 accepted (ret 0 or 1), or shown and not sent; 2 could not do it: usage, configuration, or no answer came;\n" +
		"3 there is no such letter. Refused by the platform, by class, with what to do on standard error:\n\n")
	for _, o := range outcomes {
		fmt.Fprintf(&b, "  %d  %-9s %s\n", o.code, o.class, o.meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// conclude writes the answer to standard output and what it means to standard error, and returns the error to end with.
func conclude(cmd *cobra.Command, form string, answer []byte, took time.Duration, err error) error {
	var failure *msdkclient.Error
	if err != nil && (!errors.As(err, &failure) || failure.HTTPStatus == 0) {
		return err // no answer came
	}
	if err := writeAnswer(cmd.OutOrStdout(), form, answer); err != nil {
		return err
	}
	if failure == nil {
		status, _ := msdkclient.StatusOf(answer)
		meaning := "success"
		if status.Ret != 0 {
			meaning = "empty result"
		}
		remark(cmd, "HTTP 200, ret %d, %s, in %s", status.Ret, meaning, words.Rough(took))
		return nil
	}
	told := *failure
	told.Msg = "" // the answer has it, and whatever secret of the request it repeats
	status := ""
	if told.HTTPStatus == 200 {
		status = "HTTP 200, "
	}
	remark(cmd, "%s%v, in %s", status, &told, words.Rough(took))
	for _, o := range outcomes {
		if o.class == failure.Class.String() {
			remark(cmd, "class %s: %s; %s", o.class, o.meaning, advice[failure.Handling()])
			return cli.ExitError(o.code)
		}
	}
	return cli.ErrNo
}

// remark says something about a call that was made.
func remark(cmd *cobra.Command, format string, args ...any) {
	stderr := cmd.ErrOrStderr()
	fmt.Fprintln(stderr, words.Fit(fmt.Sprintf(format, args...), cli.Columns(stderr)))
}

// writeAnswer writes an answer: for people indented, and with nothing in it that a terminal would take for more than text.
func writeAnswer(out io.Writer, form string, answer []byte) error {
	if form == "pretty" || form == "" && cli.IsTerminal(out) {
		var b bytes.Buffer
		if json.Indent(&b, answer, "", "  ") != nil {
			b.Reset()
			b.Write(answer)
		}
		var lines []string
		for line := range strings.Lines(b.String()) {
			lines = append(lines, words.Visible(strings.TrimSuffix(line, "\n")))
		}
		answer = []byte(strings.Join(lines, "\n") + "\n")
	}
	_, err := out.Write(answer)
	return err
}
