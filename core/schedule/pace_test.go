package schedule

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"sluice/core/pump"
)

func TestPauseFollowsTheLoad(t *testing.T) {
	const most = 3 * time.Second
	begin := time.Now()
	for _, c := range []struct {
		name  string
		busy  int
		asked []int // looks that the kernel asked for, window by window
		want  time.Duration
	}{
		{"nothing", 0, nil, pump.ShortestPause},
		{"few are busy", 3, nil, pump.ShortestPause},
		{"thousands are busy", 4000, nil, 2 * time.Second},
		{"more than the longest pause allows", 9000, nil, most},
		{"half of the budget is asked for", 100, []int{100}, 100 * time.Millisecond},
		{"half of it was", 100, []int{100, 0}, 100 * time.Millisecond},
		{"that is past", 100, []int{100, 0, 0}, 50 * time.Millisecond},
		{"all of it is asked for", 0, []int{200}, most},
		{"all of it was", 0, []int{200, 0}, most},
		{"and is not any more", 0, []int{200, 0, 0}, pump.ShortestPause},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := pace{maxDelay: most, busy: c.busy, since: begin}
			now := begin
			for i, looks := range c.asked {
				now = begin.Add(time.Duration(i) * paceWindow)
				for range looks {
					p.polled(now)
				}
			}
			assert.Equal(t, c.want, p.pause(now))
		})
	}
}

func TestLooksOfAPastWindowAreForgotten(t *testing.T) {
	begin := time.Now()
	p := pace{maxDelay: time.Second, since: begin}
	for range 1000 {
		p.polled(begin)
	}
	assert.Equal(t, time.Second, p.pause(begin))
	assert.Equal(t, pump.ShortestPause, p.pause(begin.Add(time.Hour)))
}

// Streams that are each silent for longer than the shortest pause, but together write
// more often than there may be looks, come to be visited by the clock.
func TestManySlowStreamsKeepWithinTheBudget(t *testing.T) {
	const streams, gap, step = 1000, 10 * time.Millisecond, time.Millisecond
	type source struct {
		byClock   bool
		last, due time.Time
	}
	begin := time.Now()
	p := pace{maxDelay: 3 * time.Second, since: begin}
	sources := make([]source, streams)
	looks := 0
	for now := begin; now.Before(begin.Add(4 * time.Second)); now = now.Add(step) {
		if now.Sub(begin) == 3*time.Second {
			looks = 0
		}
		for i := range sources {
			s := &sources[i]
			written := now.Sub(begin)%gap == time.Duration(i)*step%gap
			switch {
			case s.byClock && now.Before(s.due), !s.byClock && !written:
				continue
			case s.byClock:
			case now.Before(s.last.Add(p.pause(now))):
				s.byClock, s.due = true, s.last.Add(p.pause(now))
				p.busy++
				continue
			default:
				p.polled(now)
			}
			looks++
			s.last, s.due = now, now.Add(p.pause(now))
		}
	}
	assert.Equal(t, streams, p.busy)
	assert.LessOrEqual(t, looks, pollsPerSecond)
}
