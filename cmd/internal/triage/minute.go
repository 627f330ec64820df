package triage

import "time"

// minute counts what came in each second of the last minute.
type minute struct {
	seconds [60]int64
	newest  int64 // the last of them, in Unix time
}

// add counts something that came at a time, unless that is more than a minute ago.
func (m *minute) add(at time.Time) {
	second := at.Unix()
	m.turn(second)
	if second > m.newest-60 {
		m.seconds[second%60]++
	}
}

// count is how many came in the minute up to now.
func (m *minute) count(now time.Time) (n int64) {
	m.turn(now.Unix())
	for _, c := range m.seconds {
		n += c
	}
	return n
}

// turn goes on to a second.
func (m *minute) turn(second int64) {
	for s := max(m.newest+1, second-59); s <= second; s++ {
		m.seconds[s%60] = 0
	}
	m.newest = max(m.newest, second)
}

// join adds what another has counted.
func (m *minute) join(other *minute) {
	m.turn(other.newest)
	other.turn(m.newest)
	for i, c := range other.seconds {
		m.seconds[i] += c
	}
}
