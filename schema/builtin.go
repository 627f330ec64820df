package schema

import (
	"embed"
	"strings"
)

const (
	builtInPrefix = "builtin:"
	builtInBase   = "https://github.com/battlereport/battlereport/schema/builtin/"
)

// editions are the built-in schemas without their prefix: the newer edition of the interface document (English), the
// older one (Japanese), and what either allows.
var editions = []string{"en", "ja", "any"}

//go:embed builtin/*.json
var builtInFiles embed.FS

// BuiltIns returns the names of the built-in schemas: "builtin:en", "builtin:ja" and "builtin:any".
func BuiltIns() []string {
	names := make([]string, len(editions))
	for i, edition := range editions {
		names[i] = builtInPrefix + edition
	}
	return names
}

// BuiltIn returns the text of the built-in schema of that name, one of [BuiltIns], as it is embedded; nil if there is none.
// It may be kept as a file and loaded as such.
func BuiltIn(name string) []byte {
	edition, ok := strings.CutPrefix(name, builtInPrefix)
	if !ok {
		return nil
	}
	return builtIn(builtInID(edition))
}

// builtInID returns the "$id" of a built-in schema.
func builtInID(edition string) string { return builtInBase + edition + ".json" }

// builtIn returns the text of the built-in schema with that "$id", or nil if there is none.
func builtIn(id string) []byte {
	name, ok := strings.CutPrefix(id, builtInBase)
	if !ok {
		return nil
	}
	text, err := builtInFiles.ReadFile("builtin/" + name)
	if err != nil {
		return nil
	}
	return text
}
