package stream

import (
	"errors"
	"time"
)

// errRateReached says that the stream's rate allows no more bytes now.
var errRateReached = errors.New("the rate is reached")

// bucket limits bytes per second: it fills at that rate, up to what a tenth of a
// second gives. The zero value is without limit.
type bucket struct {
	perSecond int64
	tokens    int64
	at        time.Time
}

// fill is the most that a bucket holds, and at least a page: less is not worth a
// wake-up.
func (b *bucket) fill() int64 { return max(4096, b.perSecond/10) }

// allowance is how many bytes may pass now.
func (b *bucket) allowance(now time.Time) int {
	if b.perSecond == 0 {
		return quantumBytes
	}
	if b.at.IsZero() {
		b.tokens = b.fill()
		b.at = now
	}
	// In floating point: what a great rate gains in a year is no int64.
	gained := int64(min(now.Sub(b.at).Seconds()*float64(b.perSecond), 1<<62))
	if gained > 0 {
		b.tokens = min(b.fill(), b.tokens+gained)
		b.at = now
	}
	return int(min(b.tokens, quantumBytes))
}

// spend takes n bytes out.
func (b *bucket) spend(n int) {
	if b.perSecond > 0 {
		b.tokens -= int64(n)
	}
}

// wait is how long until half of a full bucket is there.
func (b *bucket) wait() time.Duration {
	missing := b.fill()/2 - b.tokens
	return max(time.Millisecond, time.Duration(float64(missing)/float64(b.perSecond)*float64(time.Second)))
}
