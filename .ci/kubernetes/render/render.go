// Package render has kustomize render what lies under deploy/kubernetes, and decodes it strictly into the types of
// Kubernetes and the Prometheus Operator, and by KEDA's definition: a field that these do not know is an error, as it is to
// an API server.
package render

import (
	"errors"
	"fmt"
	"path/filepath"
	"runtime"

	monitoring "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/json"
	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"
)

// Deploy is the directory deploy of the checkout that this was built from.
var Deploy = func() string {
	_, file, _, _ := runtime.Caller(0)
	return filepath.Join(filepath.Dir(file), "../../../deploy")
}()

// Manifests are the objects of a directory. A pointer is nil where there is no object of that kind.
type Manifests struct {
	All            []meta.Object
	Namespace      *core.Namespace
	ServiceAccount *core.ServiceAccount
	ConfigMap      *core.ConfigMap
	Deployment     *apps.Deployment
	Budget         *policy.PodDisruptionBudget
	Network        *networking.NetworkPolicy
	PodMonitor     *monitoring.PodMonitor
	Rules          *monitoring.PrometheusRule
	Scaled         *ScaledObject
}

// Directory renders deploy/kubernetes/NAME. It refuses fields that are not known or stand twice, kinds that no field of
// Manifests is for, and two objects of a kind.
func Directory(name string) (*Manifests, error) {
	return Overlay(filepath.Join(Deploy, "kubernetes", name))
}

// Overlay renders a directory likewise.
func Overlay(name string) (*Manifests, error) {
	rendered, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), name)
	if err != nil {
		return nil, fmt.Errorf("render %s: %w", name, err)
	}
	m := &Manifests{}
	for _, resource := range rendered.Resources() {
		text, err := resource.AsYAML()
		if err != nil {
			return nil, fmt.Errorf("render %s: %w", resource.CurId(), err)
		}
		if err := m.add(text); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", name, resource.CurId(), err)
		}
	}
	return m, nil
}

// add decodes one object.
func (m *Manifests) add(text []byte) error {
	var kind meta.TypeMeta
	if err := yaml.Unmarshal(text, &kind); err != nil {
		return err
	}
	switch kind.APIVersion + " " + kind.Kind {
	case "v1 Namespace":
		return decode(m, &m.Namespace, text)
	case "v1 ServiceAccount":
		return decode(m, &m.ServiceAccount, text)
	case "v1 ConfigMap":
		return decode(m, &m.ConfigMap, text)
	case "apps/v1 Deployment":
		return decode(m, &m.Deployment, text)
	case "policy/v1 PodDisruptionBudget":
		return decode(m, &m.Budget, text)
	case "networking.k8s.io/v1 NetworkPolicy":
		return decode(m, &m.Network, text)
	case "monitoring.coreos.com/v1 PodMonitor":
		return decode(m, &m.PodMonitor, text)
	case "monitoring.coreos.com/v1 PrometheusRule":
		return decode(m, &m.Rules, text)
	case "keda.sh/v1alpha1 ScaledObject":
		if err := isScaledObject(text); err != nil {
			return err
		}
		return decode(m, &m.Scaled, text)
	}
	return fmt.Errorf("no rule is for objects of kind %s of %s", kind.Kind, kind.APIVersion)
}

// decode fills in the place for one kind.
func decode[T any, P interface {
	*T
	meta.Object
}](m *Manifests, place *P, text []byte,
) error {
	if *place != nil {
		return fmt.Errorf("there is another of its kind, %s", (*place).GetName())
	}
	object := P(new(T))
	asJSON, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		return err
	}
	// The decoder that API servers use: unlike encoding/json it tells Replicas from replicas.
	unknown, err := json.UnmarshalStrict(asJSON, object)
	if err := errors.Join(append(unknown, err)...); err != nil {
		return err
	}
	*place = object
	m.All = append(m.All, object)
	return nil
}
