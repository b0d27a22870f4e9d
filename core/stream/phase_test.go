package stream

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Every pair of phases is tried: those of the table are entered, all others are faults.
func TestPhasesChangeByTheTable(t *testing.T) {
	table := map[phase]string{ // as in the comment of phase
		resuming:   "resuming serving dropping discarding ended closed",
		serving:    "serving resuming backing off dropping discarding ended closed",
		backingOff: "backing off resuming serving dropping discarding closed",
		dropping:   "dropping resuming serving discarding ended closed",
		discarding: "discarding ended closed",
		ended:      "ended resuming closed",
		closed:     "closed",
	}
	for from := range phase(phases) {
		entered := from.String()
		for to := range phase(phases) {
			s := New(Config{Now: time.Now})
			s.phase = from
			if from != to && !slices.Contains(follows[from], to) {
				assert.PanicsWithValue(t, fmt.Sprintf("a stream that is %v cannot become %v", from, to), func() { s.enter(to) })
				assert.Equal(t, from, s.phase)
				continue
			}
			s.enter(to)
			assert.Equal(t, to, s.phase)
			if from != to {
				entered += " " + to.String()
			}
		}
		assert.Equal(t, table[from], entered)
	}
}

// What others are told of a phase.
func TestPhasesAsOthersSeeThem(t *testing.T) {
	for now := range phase(phases) {
		s := New(Config{Now: time.Now})
		s.discardCause = SandboxRemoved
		if now != resuming {
			s.phase = resuming
			if !s.phase.may(now) {
				s.phase = serving
			}
			s.enter(now)
		}
		assert.Equal(t, now == dropping || now == discarding, s.Dropping(), now)
		assert.Equal(t, now == ended || now == closed, s.Over(), now)
	}
	s := New(Config{Now: time.Now})
	s.discard(Discarded)
	assert.False(t, s.Dropping(), "the first bytes are all that is wanted")
}

// A stream that gives up once drops what comes with an account of it, and one that does again
// has no part in the state directory any more. The first cause of that stays.
func TestGivingUpTwiceDiscards(t *testing.T) {
	for _, from := range []phase{resuming, serving, backingOff, dropping} {
		s := New(Config{Now: time.Now})
		s.phase = from
		s.GiveUp()
		assert.Equal(t, from, s.phase)
		s.GiveUp()
		assert.Equal(t, discarding, s.phase)
		s.discard(SandboxRemoved)
		assert.Equal(t, Panic, s.discardCause)
	}
	for _, over := range []phase{ended, closed} {
		s := New(Config{Now: time.Now})
		s.phase = over
		s.GiveUp()
		s.GiveUp()
		assert.Equal(t, over, s.phase)
	}
}
