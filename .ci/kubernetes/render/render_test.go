package render

import (
	"strings"
	"testing"
)

func TestWhatAnAPIServerWouldRefuseIsRefused(t *testing.T) {
	t.Parallel()
	for rule, c := range map[string]struct{ text, want string }{
		"a field that the kind does not have":      {"apiVersion: apps/v1\nkind: Deployment\nspec: {template: {spec: {restartPolice: Always}}}", `unknown field "spec.template.spec.restartPolice"`},
		"a field in another letter case":           {"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {minreplicacount: 1}", `unknown field "spec.minreplicacount"`},
		"a key twice":                              {"apiVersion: v1\nkind: ConfigMap\ndata: {a: b, a: c}", `"a" already set`},
		"a number where a text is wanted":          {"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {triggers: [{type: prometheus, metadata: {threshold: 1}}]}", "spec.triggers[0].metadata.threshold is of type number, want string"},
		"a trigger that does not say what it is":   {"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {triggers: [{metadata: {}}]}", "spec.triggers[0] has no type"},
		"a word that is none of those allowed":     {"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {advanced: {scalingModifiers: {metricType: Utilization}}}", "spec.advanced.scalingModifiers.metricType is Utilization, want one of [AverageValue Value]"},
		"a number with a fraction":                 {"apiVersion: keda.sh/v1alpha1\nkind: ScaledObject\nspec: {maxReplicaCount: 1.5}", "spec.maxReplicaCount is of type number, want integer"},
		"a kind that nothing here is meant to use": {"apiVersion: extensions/v1beta1\nkind: Deployment", "no rule is for objects of kind Deployment of extensions/v1beta1"},
		"a second of a kind":                       {"apiVersion: v1\nkind: Namespace\nmetadata: {name: other}", "there is another of its kind, first"},
	} {
		m := &Manifests{}
		if err := m.add([]byte("apiVersion: v1\nkind: Namespace\nmetadata: {name: first}")); err != nil {
			t.Fatal(err)
		}
		if err := m.add([]byte(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %s", rule, err, c.want)
		}
	}
}
