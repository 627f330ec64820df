package pipeline

import "github.com/battlereport/battlereport/deadletter"

// Stats are a pipeline's counts since its start, and what is under way now.
type Stats struct {
	Delivered   int64
	DeadLetters map[deadletter.Reason]int64
	Calls       int64
	FailedCalls int64

	InFlight     int // calls
	Pending      int // events taken and not settled
	PendingBytes int
	Held         []string // appids whose breaker is not closed
}

// stats are the counts. They are not one consistent snapshot while the pipeline runs.
func (m *metrics) stats() Stats {
	s := Stats{
		Delivered:   m.nDelivered.Load(),
		DeadLetters: map[deadletter.Reason]int64{},
		Calls:       m.nCalls.Load(),
		FailedCalls: m.nFailed.Load(),
		InFlight:    m.flights.count(),
	}
	for reason, n := range m.nLetters {
		s.DeadLetters[reason] = n.Load()
	}
	return s
}

// Stats reports the counts. They are not one consistent snapshot while the
// pipeline runs.
func (p *Pipeline) Stats() Stats {
	s := p.metrics.stats()
	if e := p.engine.Load(); e != nil {
		s.Pending, s.PendingBytes = e.intake.pending()
	}
	for _, app := range p.apps {
		if app.Breaker.Held() {
			s.Held = append(s.Held, app.AppID)
		}
	}
	return s
}

// settled is how many events are delivered, or in the dead letters.
func (m *metrics) settled() int64 {
	n := m.nDelivered.Load()
	for _, letters := range m.nLetters {
		n += letters.Load()
	}
	return n
}
