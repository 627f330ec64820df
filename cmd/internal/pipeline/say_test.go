package pipeline_test

import (
	"fmt"
	"regexp"
	"strconv"
	"testing"
	"time"
)

// TestTheLogAccountsForEveryLetter adds up what the log says, which mentions a kind of letters once a minute at most.
func TestTheLogAccountsForEveryLetter(t *testing.T) {
	t.Parallel()
	virtual(t, func(w *world) {
		p, stop := w.start()
		for i := range 50 {
			w.publish(fmt.Sprint("player-", i), "{}")
			time.Sleep(time.Second)
		}
		w.settled(p, 50, time.Minute)
		stop()
		total, lines := 0, regexp.MustCompile(`msg="records are dead-lettered" reason=schema_violation .*count=(\d+)`).FindAllStringSubmatch(w.log.text(), -1)
		for _, l := range lines {
			n, _ := strconv.Atoi(l[1])
			total += n
		}
		if total != 50 || len(lines) != 2 {
			w.t.Errorf("%d lines count %d letters of 50", len(lines), total)
		}
	})
}
