package msdktest

import (
	"sync"
	"time"
)

type user struct{ appid, openid string }

// limiter allows one call per user and second. Two generations of a second each hold all that can still matter, so that
// forgetting a user costs nothing.
type limiter struct {
	mu       sync.Mutex
	now, old map[user]time.Time
	turned   time.Time // when now became the present generation
}

func (l *limiter) allow(u user, at time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.now == nil || at.Sub(l.turned) >= time.Second {
		l.old, l.now, l.turned = l.now, map[user]time.Time{}, at
	}
	for _, generation := range []map[user]time.Time{l.now, l.old} {
		if last, ok := generation[u]; ok && at.Sub(last) < time.Second {
			return false
		}
	}
	l.now[u] = at
	return true
}

func (l *limiter) clear() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now, l.old = nil, nil
}
