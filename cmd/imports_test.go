// Package cmd_test keeps the rules about which package may know which.
package cmd_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module = "github.com/battlereport/battlereport"
	root   = ".."
)

// topLevel is all that stands in the root of the repository besides hidden files and those that git ignores.
var topLevel = []string{
	"README.md", "batcher", "cmd", "consumer", "deadletter", "deploy", "go.mod", "go.sum", "msdkclient", "schema",
}

// mayImport names, for a directory of the top level, the others that packages in it may import, their tests
// included. All may import what lies in the same directory; those that are not listed, nothing else of this module.
var mayImport = map[string][]string{
	"cmd":        {"batcher", "consumer", "deadletter", "msdkclient", "schema"},
	"deadletter": {"consumer", "schema"}, // the same connection settings; the same reader of JSON
}

// usesFakes names the packages besides tests and fakes that may import a fake of an outside system.
var usesFakes = []string{"cmd/internal/cluster", "cmd/internal/msdkcmd", "cmd/internal/sandbox"}

func TestTopLevelHoldsOnlyWhatIsMeantToStandThere(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Fields(string(text))
	var found []string
	for _, e := range entries {
		name := e.Name()
		if name[0] == '.' || slices.ContainsFunc(ignored, func(pattern string) bool {
			match, _ := path.Match(strings.TrimPrefix(pattern, "/"), name)
			return match
		}) {
			continue
		}
		found = append(found, name)
	}
	if !slices.Equal(found, topLevel) {
		t.Errorf("the root of the repository holds\n%q, want\n%q", found, topLevel)
	}
}

func TestPackagesImportOnlyWhatTheyMay(t *testing.T) {
	t.Parallel()
	forEachImport(t, func(file, imported string) {
		from, to := top(file), top(imported)
		if from != to && !slices.Contains(mayImport[from], to) {
			t.Errorf("%s imports %s: packages in %s may not import those in %s", file, imported, from, to)
		}
	})
}

func TestFakesAreImportedOnlyByTestsTheSandboxAndTheStandIn(t *testing.T) {
	t.Parallel()
	isFake := func(dir string) bool { return strings.HasSuffix(path.Base(dir), "test") }
	forEachImport(t, func(file, imported string) {
		dir := path.Dir(file)
		if isFake(imported) && !isFake(dir) && !strings.HasSuffix(file, "_test.go") && !slices.Contains(usesFakes, dir) {
			t.Errorf("%s imports %s, which would put a fake into the product", file, imported)
		}
	})
}

// forEachImport calls f for each import of a package of this module, in each Go file of the module whatever its
// build constraints. Both are given as a path from the root, with slashes.
func forEachImport(t *testing.T, f func(file, imported string)) {
	t.Helper()
	found := 0
	err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if base := entry.Name(); name != root && (base[0] == '.' || base[0] == '_' || base == "testdata") {
				return filepath.SkipDir // as the go command does
			}
			return nil
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		for _, spec := range file.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if inner, ok := strings.CutPrefix(imported, module+"/"); ok {
				found++
				f(filepath.ToSlash(relative), inner)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if found == 0 {
		t.Errorf("no file under %s imports a package of %s: the rules were not tried", root, module)
	}
}

// top returns the first element of a path.
func top(name string) string {
	first, _, _ := strings.Cut(name, "/")
	return first
}
