package stream

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// A clock that is set in the middle of a visit makes no hour in which the disk hung.
func TestAClockThatIsSetBlocksNothing(t *testing.T) {
	began := time.Now()
	now := began
	s := New(Config{Now: func() time.Time { return now }})
	s.shown.visiting.Store(s.age(began))
	now = kit.WallSet(t, began, 3600)
	assert.Zero(t, s.Account().LongestBlocked)
	assert.False(t, s.Blocked())
	now = kit.WallSet(t, began.Add(2*time.Second), -3600)
	assert.InDelta(t, 2*time.Second, s.Account().LongestBlocked, float64(time.Microsecond))
	assert.True(t, s.Blocked())
}

// A rate in terabytes does not overflow over the months in which nothing comes.
func TestARateOutlivesAYear(t *testing.T) {
	at := time.Now()
	b := bucket{perSecond: 1 << 40}
	require.Equal(t, quantumBytes, b.allowance(at))
	b.spend(int(b.fill()))
	require.Zero(t, b.allowance(at))
	assert.Equal(t, quantumBytes, b.allowance(at.Add(365*24*time.Hour)))
}
