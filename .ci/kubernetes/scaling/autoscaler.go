package main

import (
	"math"

	scaling "k8s.io/api/autoscaling/v2"
)

const (
	syncEvery = 15  // seconds: the controller manager's --horizontal-pod-autoscaler-sync-period
	tolerance = 0.1 // and its --horizontal-pod-autoscaler-tolerance
)

// autoscaler decides as the HorizontalPodAutoscaler's controller does.
type autoscaler struct {
	*spec
	wishes   []change // the numbers recommended
	ups      []change // the steps taken
	downs    []change
	unsure   bool // there was no metric the last time
	replicas int
}

type change struct{ at, by int }

// sync is one look: replicas is then what is wanted. ready is how many pods are.
func (a *autoscaler) sync(now, ready int, value float64, err error) {
	if a.unsure = err != nil; a.unsure {
		return // there is no metric, and so no wish
	}
	wish := a.replicas
	if ratio := value / a.target; math.Abs(ratio-1) > tolerance {
		wish = int(math.Ceil(ratio * float64(ready)))
	}
	a.to(now, a.limit(now, a.steady(now, wish)))
}

// steady is the wish that all of the window's agree to: up to the least of them, or down to the greatest.
func (a *autoscaler) steady(now, wish int) int {
	up, down := wish, wish
	for _, w := range a.wishes {
		if now-w.at < int(*a.behaviour.ScaleUp.StabilizationWindowSeconds) {
			up = min(up, w.by)
		}
		if now-w.at < int(*a.behaviour.ScaleDown.StabilizationWindowSeconds) {
			down = max(down, w.by)
		}
	}
	a.wishes = append(a.wishes, change{now, wish})
	return min(max(a.replicas, up), down)
}

// limit is as near to the wish as the policies allow in one step.
func (a *autoscaler) limit(now, wish int) int {
	switch {
	case wish > a.replicas:
		most := 0
		for _, policy := range a.behaviour.ScaleUp.Policies {
			before := a.replicas - since(a.ups, now-int(policy.PeriodSeconds)) + since(a.downs, now-int(policy.PeriodSeconds))
			most = max(most, grown(policy, before))
		}
		return min(wish, max(a.replicas, most), a.max)
	case wish < a.replicas:
		least := math.MaxInt
		for _, policy := range a.behaviour.ScaleDown.Policies {
			before := a.replicas - since(a.ups, now-int(policy.PeriodSeconds)) + since(a.downs, now-int(policy.PeriodSeconds))
			least = min(least, shrunk(policy, before))
		}
		return max(wish, min(a.replicas, least), a.min)
	}
	return wish
}

func since(steps []change, begin int) (sum int) {
	for _, s := range steps {
		if s.at > begin {
			sum += s.by
		}
	}
	return sum
}

func grown(policy scaling.HPAScalingPolicy, before int) int {
	if policy.Type == scaling.PercentScalingPolicy {
		return int(math.Ceil(float64(before) * (1 + float64(policy.Value)/100)))
	}
	return before + int(policy.Value)
}

func shrunk(policy scaling.HPAScalingPolicy, before int) int {
	if policy.Type == scaling.PercentScalingPolicy {
		return int(float64(before) * (1 - float64(policy.Value)/100))
	}
	return before - int(policy.Value)
}

// to takes the step.
func (a *autoscaler) to(now, replicas int) {
	replicas = min(max(replicas, a.min), a.max)
	switch by := replicas - a.replicas; {
	case by > 0:
		a.ups = append(a.ups, change{now, by})
	case by < 0:
		a.downs = append(a.downs, change{now, -by})
	}
	a.replicas = replicas
}
