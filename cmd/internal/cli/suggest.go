package cli

import (
	"strings"

	"github.com/spf13/cobra"
)

// Suggestion asks whether one of those words was meant that are most like word, three at most: "; did you mean a or b?".
// It is empty if none is like it, by a slip of a letter or two, or by its beginning.
func Suggestion(word string, words []string) string {
	found := alike(word, words)
	return suggestion("", found[:min(len(found), 3)])
}

// alike returns those of words that are like word.
func alike(word string, words []string) []string {
	list := &cobra.Command{} // cobra knows what is alike among commands only
	for _, w := range words {
		list.AddCommand(&cobra.Command{Use: w, Run: func(*cobra.Command, []string) {}})
	}
	return suggestions(list, word)
}

func suggestions(cmd *cobra.Command, name string) []string {
	cmd.SuggestionsMinimumDistance = 2
	return cmd.SuggestionsFor(name)
}

func suggestion(prefix string, names []string) string {
	if len(names) == 0 {
		return ""
	}
	return "; did you mean " + prefix + strings.Join(names, " or "+prefix) + "?"
}
