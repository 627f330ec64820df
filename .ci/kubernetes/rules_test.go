package kubernetes_test

import (
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"sigs.k8s.io/yaml"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

var update = flag.Bool("update", false, "write prometheusrule.yaml anew from deploy/alerts/rules.yaml")

const ruleHead = `# The rules of deploy/alerts/rules.yaml, which is where to change them, for the Prometheus Operator. Written by
# go -C .ci/kubernetes test . -run PrometheusRule -update
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: battlereport
spec:
`

// TestThePrometheusRuleIsTheAlertsFile keeps one truth: kustomize cannot read the file into an object, so a copy lies beside
// the overlay.
func TestThePrometheusRuleIsTheAlertsFile(t *testing.T) {
	t.Parallel()
	alerts, err := os.ReadFile(filepath.Join(render.Deploy, "alerts/rules.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	_, groups, found := strings.Cut("\n"+string(alerts), "\ngroups:")
	if !found {
		t.Fatal("deploy/alerts/rules.yaml has no groups")
	}
	want := ruleHead
	for line := range strings.Lines("groups:" + groups) {
		if line != "\n" {
			want += "  "
		}
		want += line
	}
	file := filepath.Join(render.Deploy, "kubernetes/overlays/production/prometheusrule.yaml")
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != want {
		t.Errorf("prometheusrule.yaml differs from deploy/alerts/rules.yaml (%v); to write it anew:\n"+
			"\tgo -C .ci/kubernetes test . -run PrometheusRule -update", err)
	}

	// And the operator is given what Prometheus reads of the file.
	m, err := render.Directory("overlays/production")
	if err != nil {
		t.Fatal(err)
	}
	var spec monitoring.PrometheusRuleSpec
	if err := yaml.UnmarshalStrict(alerts, &spec); err != nil {
		t.Fatalf("deploy/alerts/rules.yaml: %v", err)
	}
	if len(spec.Groups) == 0 || !reflect.DeepEqual(m.Rules.Spec, spec) {
		t.Errorf("the PrometheusRule has other groups than deploy/alerts/rules.yaml")
	}
}
