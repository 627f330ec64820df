package kubernetes_test

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

// directories are what people apply.
var directories = []string{"base", "overlays/small", "overlays/production"}

// each runs the rule on what each directory renders to.
func each(t *testing.T, rule func(t *testing.T, m *render.Manifests)) {
	t.Parallel()
	for _, directory := range directories {
		t.Run(directory, func(t *testing.T) {
			m, err := render.Directory(directory)
			if err != nil {
				t.Fatal(err)
			}
			rule(t, m)
		})
	}
}

// members says of a pod what a selector must find.
func members(d *apps.Deployment) labels.Set { return d.Spec.Template.Labels }

func selects(t *testing.T, what string, selector *meta.LabelSelector, pod labels.Set) {
	t.Helper()
	s, err := meta.LabelSelectorAsSelector(selector)
	if err != nil {
		t.Errorf("%s: %v", what, err)
	} else if s.Empty() || !s.Matches(pod) {
		t.Errorf("%s selects %q, which is not the pods of the Deployment alone, %v", what, s, pod)
	}
}

func TestObjectsAreOfOneNamespaceAndName(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		if m.Namespace == nil || m.Deployment == nil || m.ConfigMap == nil || m.Budget == nil || m.Network == nil {
			t.Fatal("the base is not whole")
		}
		for _, o := range m.All {
			if o != meta.Object(m.Namespace) && o.GetNamespace() != m.Namespace.Name {
				t.Errorf("%T %s is in the namespace %q, want %q", o, o.GetName(), o.GetNamespace(), m.Namespace.Name)
			}
			if name := o.GetName(); name != "battlereport" && !(o == meta.Object(m.ConfigMap) && strings.HasPrefix(name, "battlereport-")) {
				t.Errorf("%T is named %q", o, name)
			}
			if o.GetLabels()["app.kubernetes.io/name"] != "battlereport" {
				t.Errorf("%T %s is labelled %v", o, o.GetName(), o.GetLabels())
			}
		}
		if got := m.Namespace.Labels["pod-security.kubernetes.io/enforce"]; got != "restricted" {
			t.Errorf("pods of the namespace have to be %q, want restricted", got)
		}
	})
}

func TestEverySelectorFindsThePods(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		pod := members(m.Deployment)
		selects(t, "the Deployment", m.Deployment.Spec.Selector, pod)
		selects(t, "the PodDisruptionBudget", m.Budget.Spec.Selector, pod)
		selects(t, "the NetworkPolicy", &m.Network.Spec.PodSelector, pod)
		for _, spread := range m.Deployment.Spec.Template.Spec.TopologySpreadConstraints {
			selects(t, "the spread over "+spread.TopologyKey, spread.LabelSelector, pod)
		}
		if m.PodMonitor != nil {
			selects(t, "the PodMonitor", &m.PodMonitor.Spec.Selector, pod)
		}
		if m.Scaled != nil && m.Scaled.Spec.ScaleTargetRef.Name != m.Deployment.Name {
			t.Errorf("the ScaledObject scales %q, want %q", m.Scaled.Spec.ScaleTargetRef.Name, m.Deployment.Name)
		}
	})
}

func TestPodsAreSpreadOverZonesAndHosts(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		var keys []string
		for _, c := range m.Deployment.Spec.Template.Spec.TopologySpreadConstraints {
			keys = append(keys, c.TopologyKey)
			if c.WhenUnsatisfiable != core.ScheduleAnyway {
				t.Errorf("%s: with %s pods stay away when a zone is gone", c.TopologyKey, c.WhenUnsatisfiable)
			}
		}
		if !slices.Equal(keys, []string{"topology.kubernetes.io/zone", "kubernetes.io/hostname"}) {
			t.Errorf("pods are spread over %v", keys)
		}
	})
}

var pinned = regexp.MustCompile(`:v?[0-9]+\.[0-9]+\.[0-9]+[-.0-9a-z]*$|@sha256:[0-9a-f]{64}$`)

func TestEveryContainerIsPinnedAndConfined(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		pod := m.Deployment.Spec.Template.Spec
		if s := pod.SecurityContext; s == nil || !is(s.RunAsNonRoot, true) || s.RunAsUser == nil || *s.RunAsUser == 0 ||
			s.SeccompProfile == nil || s.SeccompProfile.Type != core.SeccompProfileTypeRuntimeDefault {
			t.Errorf("pods run as %+v", s)
		}
		if !is(pod.AutomountServiceAccountToken, false) || !is(m.ServiceAccount.AutomountServiceAccountToken, false) {
			t.Error("the pod gets a token for Kubernetes")
		}
		if pod.ServiceAccountName != m.ServiceAccount.Name {
			t.Errorf("the pod's account is %q, want %q", pod.ServiceAccountName, m.ServiceAccount.Name)
		}
		if pod.HostNetwork || pod.HostPID || pod.HostIPC {
			t.Error("the pod shares what is its host's")
		}
		for _, c := range slices.Concat(pod.InitContainers, pod.Containers) {
			if !pinned.MatchString(c.Image) {
				t.Errorf("%s: the image %s may be another tomorrow", c.Name, c.Image)
			}
			if s := c.SecurityContext; s == nil || !is(s.AllowPrivilegeEscalation, false) || !is(s.ReadOnlyRootFilesystem, true) ||
				s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []core.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 {
				t.Errorf("%s may do %+v", c.Name, s)
			}
			requests, limits := c.Resources.Requests, c.Resources.Limits
			if requests.Cpu().IsZero() || requests.Memory().IsZero() || limits.Memory().Cmp(*requests.Memory()) != 0 {
				t.Errorf("%s: requests %v, limits %v: want CPU and memory requested, and the limit of memory the same", c.Name, requests, limits)
			}
			for _, e := range c.Env {
				if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil || regexp.MustCompile("(?i)key|password|token").MatchString(e.Name) {
					t.Errorf("%s: the variable %s has a secret, which whoever may look at the pod can read", c.Name, e.Name)
				}
			}
		}
	})
}

func is(b *bool, want bool) bool { return b != nil && *b == want }

func TestProbesAskForThePagesThatThereAre(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		c := m.Deployment.Spec.Template.Spec.Containers[0]
		for name, p := range map[string]struct {
			probe *core.Probe
			path  string
		}{"startup": {c.StartupProbe, "/livez"}, "liveness": {c.LivenessProbe, "/livez"}, "readiness": {c.ReadinessProbe, "/readyz"}} {
			if p.probe == nil || p.probe.HTTPGet == nil || p.probe.HTTPGet.Path != p.path || port(c, p.probe.HTTPGet.Port) != 9600 {
				t.Errorf("%s: %+v, want %s of port 9600", name, p.probe, p.path)
			}
		}
		if l := c.LivenessProbe; time.Duration(l.PeriodSeconds*l.FailureThreshold)*time.Second < 30*time.Second {
			t.Error("liveness: a pause of half a minute restarts the pod")
		}
	})
}

// port is the number of a container's port by its name or number, 0 if there is none.
func port(c core.Container, name intstr.IntOrString) int {
	for _, p := range c.Ports {
		if p.Name == name.StrVal || name.Type == intstr.Int && p.ContainerPort == name.IntVal {
			return int(p.ContainerPort)
		}
	}
	return 0
}

func TestARolloutIsFewChangesOfTheGroup(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		r := m.Deployment.Spec.Strategy.RollingUpdate
		if r == nil || r.MaxSurge.String() != "100%" || r.MaxUnavailable.String() != "0" {
			t.Errorf("a rollout takes %+v, want all new pods at once, and no old one away before", r)
		}
		if m.Budget.Spec.MaxUnavailable == nil || m.Budget.Spec.MaxUnavailable.IntValue() != 1 {
			t.Errorf("a drained node may take %v pods at a time, want 1", m.Budget.Spec.MaxUnavailable)
		}
		switch replicas := m.Deployment.Spec.Replicas; {
		case m.Scaled != nil && replicas != nil:
			t.Errorf("the Deployment says %d replicas, as KEDA does: each apply would set them back", *replicas)
		case m.Scaled == nil && (replicas == nil || *replicas < 2):
			t.Error("there is no second pod to go on while a node is drained")
		}
	})
}

func TestTheNetworkLetsInPrometheusAndOutWhatIsUsed(t *testing.T) {
	each(t, func(t *testing.T, m *render.Manifests) {
		n := m.Network.Spec
		if !slices.Equal(n.PolicyTypes, []networking.PolicyType{networking.PolicyTypeIngress, networking.PolicyTypeEgress}) {
			t.Errorf("it is for %v", n.PolicyTypes)
		}
		c := m.Deployment.Spec.Template.Spec.Containers[0]
		if len(n.Ingress) != 1 || len(n.Ingress[0].From) == 0 || len(n.Ingress[0].Ports) != 1 || port(c, *n.Ingress[0].Ports[0].Port) != 9600 {
			t.Errorf("lets in %+v, want port 9600 from somewhere named", n.Ingress)
		}
		out := map[int]bool{}
		for _, e := range n.Egress {
			if len(e.To) == 0 || len(e.Ports) == 0 {
				t.Errorf("lets out %+v to anywhere", e)
			}
			for _, p := range e.Ports {
				out[p.Port.IntValue()] = true
			}
		}
		want := []int{53, 443, 4317, 4318}
		for _, broker := range configuration(t, m).Kafka.Brokers {
			_, number, _ := strings.Cut(broker, ":")
			n, err := strconv.Atoi(number)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, n)
		}
		for _, p := range want {
			if !out[p] {
				t.Errorf("does not let out to port %d; it does to %v", p, slices.Sorted(maps.Keys(out)))
			}
		}
	})
}

func TestPrometheusTakesInThePodsThatKEDAAsksFor(t *testing.T) {
	t.Parallel()
	m, err := render.Directory("overlays/production")
	if err != nil {
		t.Fatal(err)
	}
	endpoints := m.PodMonitor.Spec.PodMetricsEndpoints
	if len(endpoints) != 1 || endpoints[0].Path != "/metrics" || endpoints[0].Port == nil ||
		port(m.Deployment.Spec.Template.Spec.Containers[0], intstr.FromString(*endpoints[0].Port)) != 9600 {
		t.Errorf("it scrapes %+v", endpoints)
	}
	// The operator names a PodMonitor's job after its namespace and name.
	want := `namespace="` + m.Namespace.Name + `",job="` + m.PodMonitor.Namespace + "/" + m.PodMonitor.Name + `"`
	if len(m.Scaled.Spec.Triggers) == 0 {
		t.Error("KEDA asks for nothing")
	}
	for _, trigger := range m.Scaled.Spec.Triggers {
		if !strings.Contains(trigger.Metadata["query"], "{"+want+"}") {
			t.Errorf("%s: asks for %s, want that of {%s}", trigger.Name, trigger.Metadata["query"], want)
		}
	}
}
