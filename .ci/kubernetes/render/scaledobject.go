package render

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	_ "github.com/kedacore/keda/v2/version" // so that go.mod names KEDA, for its definition of a ScaledObject
	scaling "k8s.io/api/autoscaling/v2"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"
)

// ScaledObject is what is used of KEDA's. KEDA's own package of types brings its webhooks with it, and by them all of
// Kubernetes' client: five hundred packages. KEDA's definition says instead whether an object is one that it takes.
type ScaledObject struct {
	meta.TypeMeta   `json:",inline"`
	meta.ObjectMeta `json:"metadata"`
	Spec            struct {
		ScaleTargetRef struct {
			Name string `json:"name"`
		} `json:"scaleTargetRef"`
		MinReplicaCount int32     `json:"minReplicaCount"`
		MaxReplicaCount int32     `json:"maxReplicaCount"`
		PollingInterval int32     `json:"pollingInterval"`
		Triggers        []Trigger `json:"triggers"`
		Advanced        struct {
			ScalingModifiers struct {
				Formula    string                   `json:"formula"`
				MetricType scaling.MetricTargetType `json:"metricType"`
				Target     string                   `json:"target"`
			} `json:"scalingModifiers"`
			HorizontalPodAutoscalerConfig struct {
				Behavior *scaling.HorizontalPodAutoscalerBehavior `json:"behavior"`
			} `json:"horizontalPodAutoscalerConfig"`
		} `json:"advanced"`
	} `json:"spec"`
}

// Trigger is one of what a ScaledObject goes by.
type Trigger struct {
	Type       string                   `json:"type"`
	Name       string                   `json:"name"`
	MetricType scaling.MetricTargetType `json:"metricType"`
	Metadata   map[string]string        `json:"metadata"`
}

// schema is what is looked at of the schema in a definition of a kind.
type schema struct {
	Type                 string            `json:"type"`
	Properties           map[string]schema `json:"properties"`
	AdditionalProperties *schema           `json:"additionalProperties"`
	Required             []string          `json:"required"`
	Items                *schema           `json:"items"`
	Enum                 []any             `json:"enum"`
}

// kedas is the schema of ScaledObjects that comes with the version of KEDA in go.mod.
var kedas = sync.OnceValues(func() (schema, error) {
	list := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2")
	list.Dir = filepath.Join(Deploy, "../.ci/kubernetes")
	dir, err := list.Output()
	if err != nil {
		return schema{}, fmt.Errorf("find KEDA: %w", err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(dir)), "config/crd/bases/keda.sh_scaledobjects.yaml"))
	if err != nil {
		return schema{}, err
	}
	var definition struct {
		Spec struct {
			Versions []struct {
				Name   string `json:"name"`
				Schema struct {
					OpenAPIV3Schema schema `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(text, &definition); err != nil {
		return schema{}, err
	}
	for _, v := range definition.Spec.Versions {
		if v.Name == "v1alpha1" {
			return v.Schema.OpenAPIV3Schema, nil
		}
	}
	return schema{}, errors.New("KEDA defines no ScaledObject of v1alpha1")
})

// isScaledObject says whether KEDA takes it: a field that it does not know is an error too.
func isScaledObject(text []byte) error {
	s, err := kedas()
	if err != nil {
		return err
	}
	var object any
	if err := yaml.Unmarshal(text, &object); err != nil {
		return err
	}
	return errors.Join(s.faults("", object)...)
}

// faults are what is wrong with the value at the path.
func (s schema) faults(path string, value any) (all []error) {
	at := strings.TrimPrefix(path, ".")
	if len(s.Enum) > 0 && !slices.Contains(s.Enum, value) {
		all = append(all, fmt.Errorf("%s is %v, want one of %v", at, value, s.Enum))
	}
	is := "null"
	switch v := value.(type) {
	case map[string]any:
		is = "object"
		for _, name := range s.Required {
			if _, found := v[name]; !found {
				all = append(all, fmt.Errorf("%s has no %s", at, name))
			}
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			if of, known := s.Properties[name]; known {
				all = append(all, of.faults(path+"."+name, v[name])...)
			} else if s.AdditionalProperties != nil {
				all = append(all, s.AdditionalProperties.faults(path+"."+name, v[name])...)
			} else if s.Properties != nil {
				all = append(all, fmt.Errorf("unknown field %q", strings.TrimPrefix(path+"."+name, ".")))
			}
		}
	case []any:
		is = "array"
		for i, item := range v {
			if s.Items != nil {
				all = append(all, s.Items.faults(fmt.Sprintf("%s[%d]", path, i), item)...)
			}
		}
	case string:
		is = "string"
	case bool:
		is = "boolean"
	case float64: // as JSON has all numbers
		if is = "number"; v == float64(int64(v)) && s.Type == "integer" {
			is = "integer"
		}
	}
	if s.Type != "" && s.Type != is {
		all = append(all, fmt.Errorf("%s is of type %s, want %s", at, is, s.Type))
	}
	return all
}
