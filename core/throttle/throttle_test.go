package throttle

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestOneReportAMinute(t *testing.T) {
	began := time.Now()
	var reports Reports
	for _, c := range []struct {
		name     string
		after    time.Duration
		heldBack int
		ok       bool
	}{
		{"the first", 0, 0, true},
		{"at once", 0, 0, false},
		{"too soon", Interval - 1, 0, false},
		{"after a minute", Interval, 2, true},
		{"too soon after that", 2*Interval - 1, 0, false},
		{"long after", time.Hour, 1, true},
		{"with nothing held back", 2 * time.Hour, 0, true},
	} {
		heldBack, ok := reports.Allow(began.Add(c.after))
		assert.Equal(t, c.ok, ok, c.name)
		assert.Equal(t, c.heldBack, heldBack, c.name)
	}
}

// A clock without a monotonic reading that is set back holds reports back until it has caught up.
func TestReportsOfAClockThatIsSetBack(t *testing.T) {
	began := time.Now().Round(0)
	var reports Reports
	_, ok := reports.Allow(began)
	assert.True(t, ok)
	_, ok = reports.Allow(began.Add(-time.Hour))
	assert.False(t, ok)
	heldBack, ok := reports.Allow(began.Add(Interval))
	assert.True(t, ok)
	assert.Equal(t, 1, heldBack)
}

func TestReportsOfManyAtOnce(t *testing.T) {
	const many = 100
	now := time.Now()
	var reports Reports
	var passed atomic.Int32
	var all sync.WaitGroup
	for range many {
		all.Add(1)
		go func() {
			defer all.Done()
			if _, ok := reports.Allow(now); ok {
				passed.Add(1)
			}
		}()
	}
	all.Wait()
	assert.EqualValues(t, 1, passed.Load())
	heldBack, ok := reports.Allow(now.Add(Interval))
	assert.True(t, ok)
	assert.Equal(t, many-1, heldBack)
}
