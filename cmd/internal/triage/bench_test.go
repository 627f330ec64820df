package triage

import (
	"fmt"
	"testing"
	"time"

	"github.com/battlereport/battlereport/cmd/internal/triage/triagetest"
	"github.com/battlereport/battlereport/deadletter"
)

// BenchmarkCount is what a letter costs stats, over a month of a trickle of several kinds and of many players.
func BenchmarkCount(b *testing.B) {
	c := NewCounter()
	var letters []*deadletter.Entry
	for i := range 5000 {
		e := triagetest.Letter(triagetest.Player(fmt.Sprint("o", i)), triagetest.At(triagetest.Noon.Add(-time.Duration(i)*time.Minute*9)))
		switch i % 3 {
		case 0:
			triagetest.Platid(e)
		case 1:
			triagetest.Refuse(e)
		}
		letters = append(letters, e)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Add(letters[i%len(letters)])
	}
}
