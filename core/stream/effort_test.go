package stream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestRotationsAreHeldBackThatTakeTooMuch(t *testing.T) {
	var e effort
	now := time.Now()
	assert.Zero(t, e.wait(now))
	e.spend(effortBurst, now)
	assert.Zero(t, e.wait(now), "a burst")
	e.spend(10*time.Millisecond, now)
	assert.Equal(t, effortShare*10*time.Millisecond, e.wait(now))
	assert.Equal(t, effortShare*10*time.Millisecond, e.wait(now.Add(-time.Hour)), "the clock was set back")
	assert.Zero(t, e.wait(now.Add(effortShare*10*time.Millisecond)))

	// As fast as it may, for an hour: its share of it.
	var spent time.Duration
	for end := now.Add(time.Hour); now.Before(end); now = now.Add(max(time.Millisecond, e.wait(now))) {
		if e.wait(now) == 0 {
			e.spend(3*time.Millisecond, now)
			spent += 3 * time.Millisecond
		}
	}
	assert.InDelta(t, (time.Hour / effortShare).Seconds(), spent.Seconds(), 1)
}
