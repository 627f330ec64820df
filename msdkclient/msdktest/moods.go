package msdktest

import (
	"net/http"
	"time"
)

// Moods are the troubles of a platform that works otherwise. The zero value has none.
type Moods struct {
	Latency  time.Duration // that every call takes
	Fail     float64       // the share of calls, from 0 to 1, answered with HTTP 500
	Throttle float64       // … with a frequency limit
	Timeout  float64       // … never
	Seed     uint64        // picks the calls: the same seed the same ones, by their order
}

// Rules are the moods as rules.
func (m Moods) Rules() []Rule {
	var rules []Rule
	if m.Latency > 0 {
		rules = append(rules, Latency(m.Latency))
	}
	for i, trouble := range []struct {
		share  float64
		answer Answer
	}{
		{m.Fail, Answer{HTTP: http.StatusInternalServerError}},
		{m.Throttle, Answer{Ret: -20000, Msg: "45009,api freq out of limit"}},
		{m.Timeout, Answer{Fault: Hang}},
	} {
		if trouble.share > 0 {
			rules = append(rules, Random(m.Seed+uint64(i), trouble.share, trouble.answer))
		}
	}
	return rules
}
