package renewal

import (
	"crypto/x509"
	"time"
)

// A Stage is how near the end of a certificate is. Each is said once.
type Stage int

// The stages that have a name; between them lie those of a certificate that expires soon.
const (
	Far     Stage = 0
	Expired       = Stage(len(stages))
)

// stages begin so long before the end, or with that part of the certificate's life that is left, whichever is later. Those
// who renew at two thirds of the life are before the first.
var stages = [...]struct {
	left time.Duration
	part time.Duration
}{{30 * 24 * time.Hour, 4}, {7 * 24 * time.Hour, 10}, {24 * time.Hour, 40}, {0, 1}}

// StageOf is that of a certificate at a time.
func StageOf(c *x509.Certificate, now time.Time) Stage {
	life, left := c.NotAfter.Sub(c.NotBefore), c.NotAfter.Sub(now)
	stage := Far
	for _, s := range stages {
		if left <= min(s.left, life/s.part) {
			stage++
		}
	}
	return stage
}
