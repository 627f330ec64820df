package kubernetes_test

import (
	"crypto/sha256"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

var checkout = filepath.Dir(render.Deploy)

func dockerfile(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(render.Deploy, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func output(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir, cmd.Stderr = dir, os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(out))
}

// TestTheSameRevisionIsTheSameBinary builds as the Dockerfile does in two clones at places of different lengths. The second
// time the compiler's work comes from the cache, unless something of the place went into it.
func TestTheSameRevisionIsTheSameBinary(t *testing.T) {
	if testing.Short() {
		t.Skip("it compiles the program as the image has it")
	}
	t.Parallel()
	build := regexp.MustCompile(`(?m)^ *(CGO_ENABLED=0 .*) \\\n *(go build .*) -o /battlereport (\./cmd/battlereport)$`).FindStringSubmatch(dockerfile(t))
	if build == nil {
		t.Fatal("the Dockerfile builds in a way that is not known here")
	}
	revision := output(t, checkout, "git", "rev-parse", "HEAD")
	var sums [2][sha256.Size]byte
	for i, place := range []string{"a", "a/longer/path/to/it"} {
		dir := filepath.Join(t.TempDir(), place)
		output(t, checkout, "git", "clone", "-q", "--no-hardlinks", checkout, dir)
		output(t, dir, "git", "checkout", "-q", "--detach", revision)
		file := filepath.Join(dir, "battlereport") // which git ignores
		cmd := exec.Command("sh", "-c", build[1]+" "+build[2]+" -o "+file+" "+build[3])
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "TARGETOS=linux", "TARGETARCH=amd64")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		bytes, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(bytes)
		saysWhatItIs(t, file, revision)
		isStatic(t, file)
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds of %s are %x and %x", revision, sums[0], sums[1])
	}
}

func saysWhatItIs(t *testing.T, file, revision string) {
	t.Helper()
	var version struct {
		Version, Revision string
		Modified          bool
	}
	if err := json.Unmarshal([]byte(output(t, "", file, "version", "-o", "json")), &version); err != nil {
		t.Fatal(err)
	}
	if version.Revision != revision || version.Modified || version.Version == "" || version.Version == "(devel)" {
		t.Errorf("it says that it is %+v, and is of %s", version, revision)
	}
	info, err := buildinfo.ReadFile(file)
	if err != nil || len(info.Deps) < 10 {
		t.Errorf("of what an SBOM is read from it has %v, %v", info, err)
	}
}

func isStatic(t *testing.T, file string) {
	t.Helper()
	f, err := elf.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("it needs a loader, which the image does not have")
		}
	}
}

// TestTheContextLeavesNoFileOfGitOut keeps version from calling what is built modified.
func TestTheContextLeavesNoFileOfGitOut(t *testing.T) {
	t.Parallel()
	ignore, err := os.ReadFile(filepath.Join(checkout, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	files := strings.Split(output(t, checkout, "git", "ls-files"), "\n")
	for pattern := range strings.Lines(string(ignore)) {
		pattern = strings.TrimSpace(pattern)
		if pattern == "" || pattern[0] == '#' {
			continue
		}
		anywhere := strings.HasPrefix(pattern, "**/")
		pattern = strings.Trim(strings.TrimPrefix(pattern, "**/"), "/")
		for _, file := range files {
			for part := file; part != "."; part = path.Dir(part) {
				matches, err := path.Match(pattern, part)
				if err != nil {
					t.Fatal(err)
				}
				if anywhere && !matches {
					matches, _ = path.Match(pattern, path.Base(part))
				}
				if matches {
					t.Errorf("%s leaves out %s", pattern, file)
				}
			}
		}
	}
	if len(files) < 100 {
		t.Errorf("git knows of %d files: the rule was hardly tried", len(files))
	}
}

func TestTheImageIsWhatThePodsNeed(t *testing.T) {
	text := dockerfile(t)
	for _, arg := range regexp.MustCompile(`(?m)^ARG ([A-Z]+)=(.*)$`).FindAllStringSubmatch(text, -1) {
		if !pinned.MatchString(arg[2]) {
			t.Errorf("%s is %s, which may be another tomorrow", arg[1], arg[2])
		}
	}
	user := regexp.MustCompile(`(?m)^USER (\d+):\d+$`).FindStringSubmatch(text)
	cmd := regexp.MustCompile(`(?m)^CMD (\[.*\])$`).FindStringSubmatch(text)
	if user == nil || cmd == nil || !strings.Contains(text, "\nENTRYPOINT [\"/battlereport\"]\n") {
		t.Fatal("the Dockerfile has no USER by number, no CMD or another ENTRYPOINT")
	}
	each(t, func(t *testing.T, m *render.Manifests) {
		pod := m.Deployment.Spec.Template.Spec
		if got := *pod.SecurityContext.RunAsUser; user[1] != "65532" || got != 65532 {
			t.Errorf("the image's user is %s, the pod's %d", user[1], got)
		}
		args, err := json.Marshal(pod.Containers[0].Args)
		if err != nil || strings.ReplaceAll(string(args), ",", ", ") != cmd[1] {
			t.Errorf("the image runs %s, the pod %s", cmd[1], args)
		}
	})
}
