package kubernetes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

type compose struct {
	Services map[string]struct {
		Image string `json:"image"`
		Build *struct {
			Context    string `json:"context"`
			Dockerfile string `json:"dockerfile"`
		} `json:"build"`
		Environment map[string]any `json:"environment"`
		Volumes     []string       `json:"volumes"`
		Ports       []string       `json:"ports"`
	} `json:"services"`
	Volumes map[string]any `json:"volumes"`
}

func composed(t *testing.T) (c compose) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(render.Deploy, "compose.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposeNamesFilesThatAreThereAndImagesThatStay(t *testing.T) {
	t.Parallel()
	c := composed(t)
	for _, name := range []string{"kafka", "battlereport", "msdk", "prometheus", "grafana"} {
		if _, found := c.Services[name]; !found {
			t.Errorf("there is no %s", name)
		}
	}
	home, _ := c.Services["grafana"].Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"].(string)
	if _, err := os.Stat(filepath.Join(render.Deploy, "dashboards", filepath.Base(home))); err != nil {
		t.Errorf("grafana: %v", err)
	}
	for name, s := range c.Services {
		switch {
		case s.Build != nil:
			if _, err := os.Stat(filepath.Join(render.Deploy, s.Build.Context, s.Build.Dockerfile)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		case !pinned.MatchString(s.Image):
			t.Errorf("%s: the image %s may be another tomorrow", name, s.Image)
		}
		for _, v := range s.Volumes {
			source, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[source]; named {
				continue
			}
			if _, err := os.Stat(filepath.Join(render.Deploy, source)); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		for _, p := range s.Ports {
			if !strings.HasPrefix(p, "127.0.0.1:") {
				t.Errorf("%s: %s is there for the whole network", name, p)
			}
		}
	}
}

func TestComposeRunsWithoutCredentials(t *testing.T) {
	t.Parallel()
	file, err := program()
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command(file, "config", "check", "-c", filepath.Join(render.Deploy, "config.yaml"))
	unless := regexp.MustCompile(`^\$\{([A-Z_]+):-(.*)\}$`)
	check.Env = os.Environ()
	for name, value := range composed(t).Services["battlereport"].Environment {
		text, _ := value.(string)
		of := unless.FindStringSubmatch(text)
		if of == nil || of[1] != name {
			t.Fatalf("%s is %v, and has no value unless it is set", name, value)
		}
		check.Env = append(check.Env, name+"="+of[2])
	}
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("config check: %v\n%s", err, out)
	}
}
