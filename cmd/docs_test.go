package cmd_test

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// documents are what people read, as paths from the root of the repository.
var documents = []string{"README.md", ".github/CONTRIBUTING.md", "deploy/README.md", "deploy/dead-letters.md", "deploy/metrics.md", "deploy/stand-in.md", "deploy/bench/README.md"}

var (
	link    = regexp.MustCompile(`\]\(([^)#: ]*)(#[^)]*)?\)`)
	code    = regexp.MustCompile("`([a-z0-9_./]+)`")
	heading = regexp.MustCompile(`(?m)^#+ (.*)$`)
	fenced  = regexp.MustCompile("(?ms)^```.*?^```$")
)

func TestLinksInDocumentsLeadSomewhere(t *testing.T) {
	t.Parallel()
	for _, document := range documents {
		links := link.FindAllStringSubmatch(read(t, document), -1)
		if links == nil && document == "README.md" {
			t.Errorf("no link was found in %s: the rule was not tried", document)
		}
		for _, l := range links {
			target := path.Join(path.Dir(document), l[1])
			if l[1] == "" {
				target = document
			}
			if !exists(target) {
				t.Errorf("%s links to %s, which is not there", document, l[1])
			} else if l[2] != "" && !slices.Contains(anchors(read(t, target)), l[2]) {
				t.Errorf("%s links to %s%s, and there is no such heading", document, l[1], l[2])
			}
		}
	}
}

// TestFilesNamedInDocumentsAreThere takes what looks like a path in a directory of the top level, from the root or from
// cmd/internal, where the packages of the programs are.
func TestFilesNamedInDocumentsAreThere(t *testing.T) {
	t.Parallel()
	found := 0
	for _, document := range documents {
		for _, c := range code.FindAllStringSubmatch(fenced.ReplaceAllString(read(t, document), ""), -1) {
			name := strings.TrimPrefix(c[1], "./")
			isFile := strings.Contains(name, "/") && path.Ext(name) == ".go"
			inRoom := slices.Contains(topLevel, top(name)) && strings.Contains(strings.TrimSuffix(name, "/"), "/")
			if !isFile && !inRoom {
				continue
			}
			found++
			if !exists(name) && !exists(path.Join("cmd/internal", name)) {
				t.Errorf("%s names %s, which is not there", document, c[1])
			}
		}
	}
	if found == 0 {
		t.Error("no file is named: the rule was not tried")
	}
}

// anchors are the links to the headings of a text, as GitHub makes them.
func anchors(text string) (all []string) {
	for _, h := range heading.FindAllStringSubmatch(fenced.ReplaceAllString(text, ""), -1) {
		kept := strings.Map(func(r rune) rune {
			switch {
			case r == ' ':
				return '-'
			case r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' || r == '_':
				return r
			}
			return -1
		}, strings.ToLower(h[1]))
		all = append(all, "#"+kept)
	}
	return all
}

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func exists(name string) bool {
	_, err := os.Stat(filepath.Join(root, filepath.FromSlash(name)))
	return err == nil
}
