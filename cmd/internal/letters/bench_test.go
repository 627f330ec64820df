package letters

import (
	"fmt"
	"testing"
	"time"

	"github.com/battlereport/battlereport/deadletter"
)

// BenchmarkCount is what a letter costs stats, over a month of a trickle of several kinds and of many players.
func BenchmarkCount(b *testing.B) {
	c := NewCounter()
	var letters []*deadletter.Entry
	for i := range 5000 {
		e := letter(player(fmt.Sprint("o", i)), at(noon.Add(-time.Duration(i)*time.Minute*9)))
		switch i % 3 {
		case 0:
			platid(e)
		case 1:
			refuse(e)
		}
		letters = append(letters, e)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		c.Add(letters[i%len(letters)])
	}
}
