package msdkcmd

import (
	"path"
	"strings"

	"github.com/spf13/cobra"

	"github.com/battlereport/battlereport/msdkclient"
)

// completePath knows the paths, and their last words where none is begun with; behind a path, the examples if one is asked for.
func completePath(cmd *cobra.Command, args []string, begun string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) == 1 && cmd.Flag("example").Value.String() == anyExample {
		return completeExample(cmd, args, begun)
	}
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, call := range msdkclient.Calls() {
		text := call.Path
		if begun != "" && !strings.HasPrefix(begun, "/") {
			text = path.Base(call.Path)
		}
		if strings.HasPrefix(text, begun) {
			found = append(found, cobra.CompletionWithDesc(text, call.Summary))
		}
	}
	return found, cobra.ShellCompDirectiveNoFileComp
}

// completeField knows the fields of the call that is named, with their types.
func completeField(_ *cobra.Command, args []string, begun string) (found []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) == 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	what, known := lookup(args[0])
	if !known {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if _, value, given := strings.Cut(begun, "=@"); given && value != "" {
		return nil, cobra.ShellCompDirectiveDefault
	}
	eachField("", what.RequestFields(), func(name string, field *msdkclient.Field) {
		if text := name + "="; strings.HasPrefix(text, begun) {
			words := field.Allowed()
			if field.Required {
				words += ", required"
			}
			found = append(found, cobra.CompletionWithDesc(text, words))
		}
	})
	return found, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}

// eachField yields the fields that have values of their own, with their paths. ID stands for a name that is free.
func eachField(of string, fields []*msdkclient.Field, yield func(name string, field *msdkclient.Field)) {
	for _, f := range fields {
		name := join(of, f.Name)
		switch {
		case f.Fields != nil:
			eachField(name, f.Fields, yield)
		case f.Elem != nil && f.Elem.Fields != nil:
			eachField(join(name, "ID"), f.Elem.Fields, yield)
		default:
			yield(name, f)
		}
	}
}

// completeExample knows the examples of the call that is named.
func completeExample(_ *cobra.Command, args []string, begun string) (names []cobra.Completion, _ cobra.ShellCompDirective) {
	if len(args) > 0 {
		if what, known := lookup(args[0]); known {
			for _, e := range what.Examples() {
				if name := exampleName(e); strings.HasPrefix(name, begun) {
					names = append(names, name)
				}
			}
		}
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeApp knows the apps of the configuration.
func (f *targetFlags) completeApp(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	cfg, err := f.config()
	if cfg == nil || err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return appIDs(cfg), cobra.ShellCompDirectiveNoFileComp
}
