package main

// scenario is what a group meets, minute by minute.
type scenario struct {
	name       string
	minutes    int
	begin      int                          // replicas at the start
	arrivals   func(minute float64) float64 // events a second, of all partitions
	hot        float64                      // the share of them that is of one partition; 0: all alike
	backlog    float64                      // events that wait at the start
	platform   func(minute float64) float64 // events a second that it takes; nil: any number
	quota      float64                      // events a minute, after which it takes none until the minute is over; 0: no quota
	held       int                          // partitions of an app that is held
	prometheus func(minute float64) bool    // whether it is there; nil: always
	unseen     func(minute float64) bool    // whether scrapes fail; nil: never
	rollouts   []int                        // minutes
}

const (
	partitions = 24
	capacity   = 1000.0 // of a member, events a second
	plenty     = 1e9
)

// moment is the state at the end of a minute.
type moment struct {
	minute, replicas    int
	pods                int     // at most, in that minute
	arrivals, delivered float64 // events a second
	lag                 float64
}

type play struct {
	scenario
	moments []moment
	steps   []step
}

// step is a change of the number of replicas.
type step struct {
	change
	limited bool // then the platform took all that it would, and that was less than waited
}

func playOut(s scenario, of *spec) (*play, error) {
	g, prom := newGroup(partitions, capacity), newPrometheus()
	a := &autoscaler{spec: of, replicas: s.begin}
	p := &play{scenario: s}
	revision := 0
	g.scale(-startTime-learning, s.begin, revision)
	for i := range g.backlogs {
		g.backlogs[i] = s.backlog / partitions
	}
	delivered, most := 0.0, 0
	for now := 0; now < 60*s.minutes; now++ {
		minute := float64(now) / 60
		for _, r := range s.rollouts {
			if now == 60*r {
				revision++
			}
		}
		g.scale(now, a.replicas, revision)
		g.roll(now, a.replicas, revision)
		for _, gone := range g.join(now) {
			prom.forget(now, gone.id)
		}
		most = max(most, len(g.pods))
		platform := s.takes(minute, delivered)
		done := g.pass(now, s.shared(minute), platform, s.held)
		delivered += done
		limited := done >= platform
		if n := len(p.moments); s.quota > 0 && n > 0 {
			limited = 60*p.moments[n-1].delivered > s.quota-1
		}
		prom.away = s.prometheus != nil && !s.prometheus(minute)
		unseen := prom.away || s.unseen != nil && s.unseen(minute)
		for _, pod := range g.pods {
			if !unseen && pod.joined >= 0 && (now+7*pod.id)%scrapeEvery == 0 {
				prom.scrape(now, pod.id, pod.shown())
			}
		}
		if now%syncEvery == 0 {
			before := a.replicas
			value, err := of.evaluate(prom, now)
			a.sync(now, g.ready(), value, err)
			if a.replicas != before {
				p.steps = append(p.steps, step{change{now, a.replicas - before}, limited})
			}
		}
		if now%60 == 59 {
			p.moments = append(p.moments, moment{
				minute: now / 60, replicas: a.replicas, pods: most,
				arrivals: s.arrivals(minute), delivered: delivered / 60, lag: g.lag(),
			})
			delivered, most = 0, 0
		}
	}
	return p, nil
}

// shared is what comes to each partition in a second.
func (s *scenario) shared(minute float64) []float64 {
	all, by := s.arrivals(minute), make([]float64, partitions)
	for i := range by {
		by[i] = all * (1 - s.hot) / partitions
	}
	by[0] += all * s.hot
	return by
}

// takes is how many events the platform takes in this second, of which minute it has taken so many already.
func (s *scenario) takes(minute, already float64) float64 {
	takes := plenty
	if s.platform != nil {
		takes = s.platform(minute)
	}
	if s.quota > 0 {
		takes = min(takes, max(0, s.quota-already))
	}
	return takes
}
