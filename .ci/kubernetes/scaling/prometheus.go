package main

import (
	"errors"
	"maps"
	"slices"
)

const (
	scrapeEvery = 15 // seconds, as podmonitor.yaml says
	staleAfter  = 300
)

// prometheus keeps what each pod has shown, by metric and pod.
type prometheus struct {
	away    bool
	samples map[string]map[int][]sample
}

type sample struct {
	at    int
	value float64
}

func newPrometheus() *prometheus {
	return &prometheus{samples: map[string]map[int][]sample{}}
}

// scrape takes in what a pod shows.
func (p *prometheus) scrape(now, pod int, shown map[string]float64) {
	for metric, value := range shown {
		if p.samples[metric] == nil {
			p.samples[metric] = map[int][]sample{}
		}
		p.samples[metric][pod] = append(p.samples[metric][pod], sample{now, value})
	}
}

// forget marks the series of a pod that is gone as stale, as Prometheus does once the pod is no longer to be scraped. What
// it has shown before still counts in what asks for a time.
func (p *prometheus) forget(now, pod int) {
	for _, pods := range p.samples {
		if s := pods[pod]; len(s) > 0 {
			pods[pod] = append(s, sample{now, stale})
		}
	}
}

const stale = -1

var (
	errAway  = errors.New("prometheus does not answer")
	errEmpty = errors.New("the result is empty")
)

// mean answers a query.
func (p *prometheus) mean(q query, now int) (float64, error) {
	if p.away {
		return 0, errAway
	}
	sum, n := 0.0, 0.0
	pods := p.samples[q.metric]
	for _, pod := range slices.Sorted(maps.Keys(pods)) { // in an order, since sums of fractions depend on it
		samples := pods[pod]
		value := float64(stale)
		for i := len(samples) - 1; i >= 0; i-- {
			s := samples[i]
			if q.within == 0 {
				if now-s.at < staleAfter {
					value = s.value
				}
				break
			}
			if now-s.at >= q.within {
				break
			}
			value = max(value, s.value)
		}
		if value != stale {
			sum += value
			n++
		}
	}
	switch {
	case n == 0 && q.nothingIs0:
		return 0, nil
	case n == 0:
		return 0, errEmpty
	}
	return sum / n, nil
}
