package msdkcmd

import (
	"errors"
	"fmt"
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/cmd/internal/cli"
	"github.com/battlereport/battlereport/msdkclient"
)

// lookup finds a call by what people write of its path: slashes at its ends or none, or its last word alone.
func lookup(text string) (*msdkclient.Call, bool) {
	if call, ok := msdkclient.LookupCall("/" + strings.Trim(text, "/")); ok {
		return call, true
	}
	for _, call := range msdkclient.Calls() {
		if text == path.Base(call.Path) {
			return call, true
		}
	}
	return nil, false
}

// unknownCall is the error for a path that no call has.
func unknownCall(cmd *cobra.Command, text string) error {
	if text == "" {
		return cli.Usage(cmd, errors.New("which call? PATH is needed, one of\n"+callList()))
	}
	var words []string
	for _, call := range msdkclient.Calls() {
		words = append(words, path.Base(call.Path))
	}
	return cli.Usage(cmd, fmt.Errorf("unknown call %q%s\nThere are\n%s", text, cli.Suggestion(path.Base(text), words), callList()))
}

func callList() string {
	var b strings.Builder
	for _, call := range msdkclient.Calls() {
		fmt.Fprintf(&b, "  %-27s %s\n", call.Path, call.Summary)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
