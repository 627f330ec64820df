package triage

import (
	"slices"
	"time"
)

// maxCells bounds a timeline. It takes some 3 MiB at most.
const maxCells = 1 << 16

// steps are the widths that the cells of a timeline may have, in seconds; each divides the next. Beyond them each is
// ten times the one before, since a record may claim any time.
var steps = []int64{1, 10, 60, 300, 900, 3600, 6 * 3600, 24 * 3600}

// timeline counts by cause and time, in cells as narrow as there is room for.
type timeline struct {
	step  int64 // seconds
	cells map[cell]int64
	most  int
}

// cell is a step of time, by its first second, and a cause.
type cell struct {
	at    int64
	cause int
}

func newTimeline(most int) *timeline {
	return &timeline{step: steps[0], cells: map[cell]int64{}, most: most}
}

func (t *timeline) add(at time.Time, cause int) {
	t.cells[cell{floor(at.Unix(), t.step), cause}]++
	for len(t.cells) > t.most {
		t.coarsen()
	}
}

func (t *timeline) coarsen() {
	next := t.step * 10
	if i := slices.Index(steps, t.step); i >= 0 && i+1 < len(steps) {
		next = steps[i+1]
	}
	cells := make(map[cell]int64, len(t.cells)/2)
	for c, n := range t.cells {
		cells[cell{floor(c.at, next), c.cause}] += n
	}
	t.step, t.cells = next, cells
}

// rename makes the cells of one cause another's.
func (t *timeline) rename(from map[int]bool, to int) {
	for c, n := range t.cells {
		if from[c.cause] {
			delete(t.cells, c)
			t.cells[cell{c.at, to}] += n
		}
	}
}

// total returns the counts of all causes, by time.
func (t *timeline) total() []Bucket {
	sums := map[int64]int64{}
	for c, n := range t.cells {
		sums[c.at] += n
	}
	buckets := make([]Bucket, 0, len(sums))
	for at, n := range sums {
		buckets = append(buckets, Bucket{Time: time.Unix(at, 0).UTC(), Letters: n})
	}
	slices.SortFunc(buckets, func(a, b Bucket) int { return a.Time.Compare(b.Time) })
	return buckets
}

// within returns the counts of each cause from one second up to another.
func (t *timeline) within(from, to int64) map[int]int64 {
	sums := map[int]int64{}
	for c, n := range t.cells {
		if from <= c.at && c.at < to {
			sums[c.cause] += n
		}
	}
	return sums
}

// floor returns the last multiple of step that is not after n.
func floor(n, step int64) int64 {
	return n - ((n%step)+step)%step
}
