package kubernetes_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

// config is what is looked at of a configuration; that it is a good one is said by the program.
type config struct {
	Kafka struct {
		Brokers []string `json:"brokers"`
	} `json:"kafka"`
	Delivery struct {
		DrainTimeout    string `json:"drain_timeout"`
		MaxPendingBytes string `json:"max_pending_bytes"`
	} `json:"delivery"`
	HTTP struct {
		Listen string `json:"listen"`
	} `json:"http"`
}

// configuration is that of the rendered ConfigMap, with the defaults of what is looked at.
func configuration(t *testing.T, m *render.Manifests) (c config) {
	t.Helper()
	c.Delivery.DrainTimeout, c.Delivery.MaxPendingBytes = "20s", "64MiB"
	if err := yaml.Unmarshal([]byte(m.ConfigMap.Data["config.yaml"]), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

// program is battlereport, built once from the checkout.
var program = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "battlereport")
	if err != nil {
		return "", err
	}
	file := filepath.Join(dir, "battlereport")
	build := exec.Command("go", "build", "-o", file, "./cmd/battlereport")
	build.Dir, build.Stderr = filepath.Dir(render.Deploy), os.Stderr
	return file, build.Run()
})

func TestMain(m *testing.M) {
	code := m.Run()
	if file, err := program(); err == nil { // built by a test
		_ = os.RemoveAll(filepath.Dir(file))
	}
	os.Exit(code)
}

// secret is what the named keys of the Secret hold, as far as config check asks: what is not here is any text.
var secret = map[string]string{"kafka-ca.crt": authority}

// TestTheProgramTakesTheConfiguration puts the files where the pod would have them, in a directory in the place of the
// root, and has the program read them with the arguments of the container.
func TestTheProgramTakesTheConfiguration(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		file, err := program()
		if err != nil {
			t.Fatal(err)
		}
		pod := m.Deployment.Spec.Template.Spec
		root, mounted := t.TempDir(), map[string]string{}
		for _, mount := range pod.Containers[0].VolumeMounts {
			if mount.SubPath != "" || !mount.ReadOnly {
				t.Errorf("%s: by subPath it stays as it was when the source changes; and nothing is written there", mount.MountPath)
			}
			mounted[mount.Name] = mount.MountPath
		}
		text := m.ConfigMap.Data["config.yaml"]
		var configPath string
		for _, v := range pod.Volumes {
			dir := filepath.Join(root, mounted[v.Name])
			if mounted[v.Name] == "" || os.MkdirAll(dir, 0o755) != nil {
				t.Fatalf("the volume %s is not mounted", v.Name)
			}
			switch {
			case v.ConfigMap != nil:
				if v.ConfigMap.Name != m.ConfigMap.Name {
					t.Errorf("the ConfigMap mounted is %s, want %s", v.ConfigMap.Name, m.ConfigMap.Name)
				}
				configPath = mounted[v.Name] + "/config.yaml"
			case v.Secret != nil:
				text = strings.ReplaceAll(text, mounted[v.Name]+"/", dir+"/")
				for _, name := range namedIn(text, dir+"/") {
					content, known := secret[name]
					if !known {
						content = "any-" + name
					}
					if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
						t.Fatal(err)
					}
				}
			default:
				t.Errorf("the volume %s is neither the ConfigMap nor the Secret", v.Name)
			}
		}
		if want := []string{"run", "-c", configPath}; !slices.Equal(pod.Containers[0].Args, want) || pod.Containers[0].Command != nil {
			t.Errorf("the container runs %q, want %q", pod.Containers[0].Args, want)
		}
		if strings.Contains(text, "/run/secrets") && !strings.Contains(text, root) {
			t.Error("a secret is named where none is mounted")
		}
		if err := os.WriteFile(filepath.Join(root, configPath), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		check := exec.Command(file, "config", "check", "-c", filepath.Join(root, configPath))
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("config check: %v\n%s", err, out)
		}
		if listen := configuration(t, m).HTTP.Listen; listen != "0.0.0.0:9600" {
			t.Errorf("the probes find nothing: http.listen is %q", listen)
		}
	})
}

// namedIn are the names of the files of a directory that a configuration names.
func namedIn(text, dir string) (names []string) {
	for _, rest := range strings.Split(text, dir)[1:] {
		names = append(names, strings.FieldsFunc(rest, func(r rune) bool { return strings.ContainsRune(" \n\"'", r) })[0])
	}
	return names
}

// What a stop takes beside delivery.drain_timeout, which counts twice: for the calls under way, and to leave a group that is
// rebalancing. They are the consumer's commitPatience and commitTimeout, and what the pages have for a last answer.
const stopMargin = 16*time.Second + 5*time.Second + 2*time.Second

func TestAPodHasTheTimeToStop(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		drain, err := time.ParseDuration(configuration(t, m).Delivery.DrainTimeout)
		if err != nil {
			t.Fatal(err)
		}
		grace := time.Duration(*m.Deployment.Spec.Template.Spec.TerminationGracePeriodSeconds) * time.Second
		if least := 2*drain + stopMargin; grace < least || grace > least+30*time.Second {
			t.Errorf("a pod is killed after %s; a stop takes at most %s", grace, least)
		}
	})
}

func TestMemoryFollowsWhatMayWait(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		pending, err := resource.ParseQuantity(strings.TrimSuffix(configuration(t, m).Delivery.MaxPendingBytes, "B"))
		if err != nil {
			t.Fatal(err)
		}
		// What run tells the garbage collector, as deploy/README.md says under Memory, and a quarter for what it does not count.
		goal := 2*pending.Value() + 64<<20
		least, limit := goal+goal/4, m.Deployment.Spec.Template.Spec.Containers[0].Resources.Limits.Memory().Value()
		if limit < least || limit > 2*goal {
			t.Errorf("the limit is %d MiB; for %d MiB that may wait, want from %d to %d", limit>>20, pending.Value()>>20, least>>20, 2*goal>>20)
		}
	})
}
