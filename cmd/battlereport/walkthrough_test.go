package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A step of a walk-through is commands, and what they write, in which … stands for anything.
type step struct{ commands, output string }

var block = regexp.MustCompile("(?ms)^```(sh|json)\n(.*?)^```$")

// walkThrough reads a document from a heading to the next of its kind, or the whole: the arguments of the stand-in that it
// begins with, and its steps.
func walkThrough(t *testing.T, document, heading string) (args []string, steps []step) {
	t.Helper()
	file, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	text := string(file)
	if heading != "" {
		_, text, _ = strings.Cut(text, "\n"+heading+"\n")
		text, _, _ = strings.Cut(text, "\n## ")
	}
	for _, b := range block.FindAllStringSubmatch(text, -1) {
		serve, isServe := strings.CutPrefix(b[2], "battlereport msdk serve ")
		switch {
		case isServe:
			serve, _, _ = strings.Cut(serve, "#")
			args = strings.Fields(serve)
		case b[1] == "sh":
			steps = append(steps, step{commands: b[2]})
		default:
			steps[len(steps)-1].output = b[2]
		}
	}
	return args, steps
}

// TestTheWalkThroughsOfTheStandInHoldWordForWord gives the commands to a shell, as a reader does.
func TestTheWalkThroughsOfTheStandInHoldWordForWord(t *testing.T) {
	t.Parallel()
	for _, tool := range []string{"sh", "curl", "md5sum", "od"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("the walk-throughs are for a shell with %s: %v", tool, err)
		}
	}
	for document, heading := range map[string]string{"README.md": "## Without the platform", "deploy/stand-in.md": ""} {
		t.Run(document, func(t *testing.T) {
			t.Parallel()
			args, steps := walkThrough(t, filepath.Join("..", "..", document), heading)
			if len(args) == 0 || len(steps) == 0 {
				t.Fatalf("%q and %d steps: the walk-through is not read", args, len(steps))
			}
			walk(t, serveStand(t, args...), steps)
		})
	}
}

func walk(t *testing.T, s *stand, steps []step) {
	const mark = "== the next step"
	script := "set -eu\n"
	for _, step := range steps {
		script += strings.ReplaceAll(step.commands, "http://127.0.0.1:9700", s.url) + "echo '" + mark + "'\n"
	}
	shell := exec.CommandContext(t.Context(), "sh")
	shell.Stdin, shell.Dir = strings.NewReader(script), t.TempDir()
	var stderr strings.Builder
	shell.Stderr = &stderr
	stdout, err := shell.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("the shell ends with %v: %s", err, stderr.String())
	}
	outputs := strings.Split(string(stdout), mark+"\n")
	for i, step := range steps {
		if i >= len(outputs) || !likeOutput(step.output).MatchString(outputs[i]) {
			t.Fatalf("%s\nwrites\n%s\nwant\n%s", step.commands, strings.Join(outputs[min(i, len(outputs)):], mark+"\n"), step.output)
		}
	}
}

// likeOutput matches what a document says is written.
func likeOutput(text string) *regexp.Regexp {
	parts := strings.Split(text, "…")
	for i := range parts {
		parts[i] = regexp.QuoteMeta(parts[i])
	}
	return regexp.MustCompile("(?s)^" + strings.Join(parts, ".*?") + "$")
}
