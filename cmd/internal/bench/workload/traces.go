package workload

import (
	"fmt"
	"strconv"
	"strings"
)

// Traces is what of a load is traced: "", its events tell of no trace; "off", each tells in which span it was made, and
// nobody follows; "1%" and the like, that share of those spans is sampled, and run follows as the standard variables have
// it: parentbased_traceidratio with the same share.
type Traces string

// Told reports whether events tell in which span they were made.
func (t Traces) Told() bool { return t != "" }

// Share is the part of the producers' spans that is sampled, 0 to 1; 0: nobody follows.
func (t Traces) Share() (float64, error) {
	if t == "" || t == "off" {
		return 0, nil
	}
	percent, ok := strings.CutSuffix(string(t), "%")
	share, err := strconv.ParseFloat(percent, 64)
	if !ok || err != nil || !(share > 0 && share <= 100) {
		return 0, fmt.Errorf("--traces %s: want off, or a share such as 1%%", string(t))
	}
	return share / 100, nil
}

// Parent is the traceparent of an event; the spans that are sampled come at regular intervals.
func (t Traces) Parent(number uint64) string {
	share, _ := t.Share()
	sampled := 0
	if uint64(float64(number+1)*share) > uint64(float64(number)*share) {
		sampled = 1
	}
	return fmt.Sprintf("00-%032x-%016x-%02x", number+1, number+1, sampled)
}
