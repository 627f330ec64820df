package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	scaling "k8s.io/api/autoscaling/v2"

	"github.com/battlereport/battlereport/ci/kubernetes/render"
)

// spec is what the ScaledObject says.
type spec struct {
	formula   *vm.Program
	queries   map[string]query // by the trigger's name, as the formula has it
	target    float64
	min, max  int
	behaviour *scaling.HorizontalPodAutoscalerBehavior
}

// readSpec reads the ScaledObject of the production overlay.
func readSpec() (*spec, error) {
	m, err := render.Directory("overlays/production")
	if err != nil {
		return nil, err
	}
	return specOf(m.Scaled)
}

func specOf(scaled *render.ScaledObject) (*spec, error) {
	advanced := scaled.Spec.Advanced
	if advanced.ScalingModifiers.MetricType != scaling.ValueMetricType {
		return nil, fmt.Errorf("metricType %s: only a Value is followed here", advanced.ScalingModifiers.MetricType)
	}
	target, err := strconv.ParseFloat(advanced.ScalingModifiers.Target, 64)
	if err != nil {
		return nil, err
	}
	names := map[string]float64{}
	for _, trigger := range scaled.Spec.Triggers {
		names[trigger.Name] = 0
	}
	// As KEDA does it, which has the result be a float, and knows the triggers by name.
	formula, err := expr.Compile("float("+advanced.ScalingModifiers.Formula+")", expr.Env(names))
	if err != nil {
		return nil, err
	}
	s := &spec{
		formula: formula, queries: map[string]query{}, target: target,
		min: int(scaled.Spec.MinReplicaCount), max: int(scaled.Spec.MaxReplicaCount),
		behaviour: advanced.HorizontalPodAutoscalerConfig.Behavior,
	}
	for _, trigger := range scaled.Spec.Triggers {
		if s.queries[trigger.Name], err = queryOf(trigger.Metadata["query"]); err != nil {
			return nil, fmt.Errorf("trigger %s: %w", trigger.Name, err)
		}
		q := s.queries[trigger.Name]
		q.nothingIs0 = trigger.Metadata["ignoreNullValues"] != "false"
		s.queries[trigger.Name] = q
	}
	return s, nil
}

// query is a mean over the members of what each has shown last, or at most within a time.
type query struct {
	metric     string
	within     int  // seconds; 0: the last
	nothingIs0 bool // ignoreNullValues: no series is no error
}

// queryOf understands avg(METRIC{…}) and avg(max_over_time(METRIC{…}[2m])), which is all that is needed.
func queryOf(text string) (q query, err error) {
	inner, isMean := strings.CutPrefix(text, "avg(")
	if !isMean {
		return q, fmt.Errorf("%q is no query of a kind that is known here", text)
	}
	if ranged, found := strings.CutPrefix(inner, "max_over_time("); found {
		inner = ranged
		var minutes int
		if _, err := fmt.Sscanf(inner[strings.LastIndex(inner, "["):], "[%dm]", &minutes); err != nil {
			return q, fmt.Errorf("%q: %w", text, err)
		}
		q.within = 60 * minutes
	}
	q.metric, _, _ = strings.Cut(inner, "{")
	return q, nil
}

// evaluate is the metric that KEDA gives the autoscaler. It fails where a trigger has no value.
func (s *spec) evaluate(p *prometheus, now int) (float64, error) {
	values := map[string]float64{}
	for name, q := range s.queries {
		v, err := p.mean(q, now)
		if err != nil {
			return 0, err
		}
		values[name] = math.Trunc(v*1000) / 1000 // a quantity in thousandths
	}
	result, err := expr.Run(s.formula, values)
	if err != nil {
		return 0, err
	}
	number, isNumber := result.(float64)
	if !isNumber {
		return 0, fmt.Errorf("the formula gives %v, which is no number", result)
	}
	return math.Trunc(number*1000) / 1000, nil
}
