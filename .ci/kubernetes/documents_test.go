package kubernetes_test

import (
	"os"
	"path/filepath"
	"regexp"
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
