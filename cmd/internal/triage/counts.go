package triage

import (
	"cmp"
	"slices"
)

// counts counts by key in bounded room. When it is full, the rarer half of the keys becomes "others": a key that stands
// for more than a small share survives that, and if it first falls to it, it is counted from its return on.
type counts[K comparable] struct {
	most    int // keys
	of      map[K]int64
	others  int64 // of keys that were dropped
	dropped func(K)
}

func newCounts[K comparable](most int) *counts[K] {
	return &counts[K]{most: most, of: map[K]int64{}}
}

func (c *counts[K]) add(key K) {
	if _, known := c.of[key]; !known && len(c.of) >= c.most {
		c.drop()
	}
	c.of[key]++
}

// drop makes room.
func (c *counts[K]) drop() {
	sizes := make([]int64, 0, len(c.of))
	for _, n := range c.of {
		sizes = append(sizes, n)
	}
	slices.Sort(sizes)
	median, left := sizes[len(sizes)/2], len(c.of)
	for key, n := range c.of {
		// Below the median all go, and at it as many as leave half, so that room is made if all are alike.
		if n < median || n == median && left > c.most/2 {
			c.others += n
			left--
			delete(c.of, key)
			if c.dropped != nil {
				c.dropped(key)
			}
		}
	}
}

// A counted is a key with its count.
type counted[K any] struct {
	key K
	n   int64
}

// top returns the n most frequent keys, those alike in the order of compare, and how many the others have.
func (c *counts[K]) top(n int, compare func(a, b K) int) (top []counted[K], others int64) {
	for key, n := range c.of {
		top = append(top, counted[K]{key, n})
	}
	slices.SortFunc(top, func(a, b counted[K]) int {
		return cmp.Or(cmp.Compare(b.n, a.n), compare(a.key, b.key))
	})
	others = c.others
	for len(top) > n {
		others += top[len(top)-1].n
		top = top[:len(top)-1]
	}
	return top, others
}
