package main

import "math"

var scenarios = []scenario{
	{name: "an evening peak", minutes: 420, begin: 3, arrivals: evening},
	{
		name: "an outage of the platform as the evening begins", minutes: 420, begin: 3, arrivals: evening,
		platform: func(m float64) float64 { return outage(m, 90, 130) },
	},
	{
		name: "a platform that takes 6,000 a second and no more", minutes: 360, begin: 3, arrivals: evening,
		platform: func(float64) float64 { return 6000 },
	},
	{name: "a quota that is used up within each minute", minutes: 240, begin: 6, arrivals: always(5000), quota: 150_000},
	{name: "an app of three partitions held in a quiet group", minutes: 240, begin: 8, arrivals: always(1500), held: 3},
	{name: "a hot partition", minutes: 240, begin: 3, arrivals: always(4000), hot: 0.5},
	{name: "a new group before a backlog", minutes: 240, begin: 2, arrivals: always(1500), backlog: 5_000_000},
	{
		name: "three deploys, the third in an outage", minutes: 240, begin: 6, arrivals: always(4500), rollouts: []int{30, 60, 130},
		platform: func(m float64) float64 { return outage(m, 120, 150) },
	},
	{
		name: "Prometheus away as the evening begins", minutes: 420, begin: 3, arrivals: evening,
		prometheus: func(m float64) bool { return m < 70 || m >= 120 },
	},
	{
		name: "no member can be scraped for an hour", minutes: 240, begin: 6, arrivals: always(4500),
		unseen: func(m float64) bool { return m >= 60 && m < 120 },
	},
}

func always(n float64) func(float64) float64 { return func(float64) float64 { return n } }

func outage(m, begin, end float64) float64 {
	if m >= begin && m < end {
		return 0
	}
	return plenty
}

// evening rises within an hour and a half from 2,000 events a second to 10,000, stays, and falls again; with waves of three
// minutes and of forty seconds on it, a tenth and a twentieth of it high.
func evening(m float64) float64 {
	base := 2000 + 8000/(1+math.Exp(-(m-90)/12)) - 8000/(1+math.Exp(-(m-270)/12))
	return base * (1 + 0.1*math.Sin(2*math.Pi*m/3) + 0.05*math.Sin(2*math.Pi*m*1.5+1))
}
