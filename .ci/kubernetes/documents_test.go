package kubernetes_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

func TestWhatDocumentsApplyIsThere(t *testing.T) {
	t.Parallel()
	apply := regexp.MustCompile(`kubectl apply -([kf]) deploy/(\S+)`)
	for _, document := range []string{"README.md", "kubernetes/overlays/small/kustomization.yaml", "kubernetes/overlays/production/kustomization.yaml"} {
		text, err := os.ReadFile(filepath.Join(render.Deploy, document))
		if err != nil {
			t.Fatal(err)
		}
		all := apply.FindAllStringSubmatch(string(text), -1)
		if len(all) < 2 {
			t.Errorf("%s applies %d things: the rule was hardly tried", document, len(all))
		}
		for _, a := range all {
			path := filepath.Join(render.Deploy, a[2])
			if a[1] == "k" {
				path = filepath.Join(path, "kustomization.yaml")
			}
			if _, err := os.Stat(path); err != nil {
				t.Errorf("%s: %v", document, err)
			}
		}
	}
}

func TestWhatDocumentsRunInAPodIsWhatThePodHas(t *testing.T) {
	t.Parallel()
	m, err := render.Directory("overlays/production")
	if err != nil {
		t.Fatal(err)
	}
	image, err := os.ReadFile(filepath.Join(render.Deploy, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	entrypoint := regexp.MustCompile(`(?m)^ENTRYPOINT \["(\S+)"\]$`).FindStringSubmatch(string(image))
	if entrypoint == nil {
		t.Fatal("the Dockerfile has no entry point")
	}
	args := m.Deployment.Spec.Template.Spec.Containers[0].Args
	text, err := os.ReadFile(filepath.Join(render.Deploy, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"kubectl exec -n " + m.Namespace.Name + " deployment/" + m.Deployment.Name + " -- " + entrypoint[1] + " status " + strings.Join(args[1:], " ") + "\n",
		"kubectl port-forward -n " + m.Namespace.Name + " deployment/" + m.Deployment.Name + " 9600\n",
		"kubectl annotate -n " + m.Namespace.Name + " scaledobject/" + m.Scaled.Name + " autoscaling.keda.sh/paused-replicas=0\n",
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("deploy/README.md does not have\n\t%s", want)
		}
	}
}

// TestTheLineForVariablesIsTaken adds it to the patch of the small overlay, as the document says.
func TestTheLineForVariablesIsTaken(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(render.Deploy, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile("`(- {op: add, path: /spec/.*})`").FindStringSubmatch(string(text))
	if line == nil {
		t.Fatal("deploy/README.md has no line for variables")
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(render.Deploy, "kubernetes"))); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlays/small/kustomization.yaml")
	overlay, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(overlay, "      "+line[1]+"\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	m, err := render.Overlay(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	if env := m.Deployment.Spec.Template.Spec.Containers[0].Env; len(env) != 1 || env[0].Name != "OTEL_EXPORTER_OTLP_ENDPOINT" {
		t.Errorf("the container's variables are %v", env)
	}
}
