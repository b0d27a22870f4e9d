package stream

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
	sluicepb "sluice/proto"
)

// A write fails: the output waits for full_wait, then it is dropped and counted, and a mark
// ends that.
func TestALossFromTheFailingWriteToItsMark(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.settings.WhenFull = settings.WhenFull{Wait: 10 * time.Second}
	s.lives(func(l *life) {
		l.writes("written\n")
		l.after(0)
		mend := l.breaks()
		l.writes("lost, one\n")
		next := l.after(0)
		assert.Equal(t, Next{After: retrySoon, Backoff: true}, next)
		assert.Equal(t, backingOff, l.of.phase)
		assert.True(t, l.of.Blocked())
		assert.False(t, l.of.Dropping())
		assert.Zero(t, l.of.Account().DroppedBytes)

		assert.True(t, l.after(10*time.Second).Busy)
		assert.Equal(t, dropping, l.of.phase)
		assert.False(t, l.of.Blocked())
		assert.True(t, l.of.Dropping())
		assert.Equal(t, int64(0), s.saved.Load().GetAccounting().GetGap().GetBytes(), "announced before the first byte is lost")
		assert.NotNil(t, s.saved.Load().GetAccounting().GetGap())

		l.after(0)
		assert.Equal(t, Loss{Bytes: 10, Lines: 1}, l.of.Account().Dropped[IOError])
		assert.Equal(t, int64(10), s.saved.Load().GetAccounting().GetGap().GetBytes())
		first := l.after(0)
		assert.True(t, first.Backoff)
		assert.Equal(t, 2*first.After, l.after(0).After, "a silent pipe is looked at less often")
		l.writes("lost, two\n")
		l.after(time.Second)
		l.after(0)
		assert.Equal(t, Loss{Bytes: 20, Lines: 2}, l.of.Account().Dropped[IOError])

		mend()
		assert.True(t, l.after(2*time.Second).Busy)
		assert.Equal(t, serving, l.of.phase)
		l.writes("written again\n")
		l.after(0)
		a := l.of.Account()
		assert.Equal(t, int64(len("written\nwritten again\n")), a.WrittenBytes)
		assert.Equal(t, 10*time.Second, a.LongestBlocked)
		assert.EqualValues(t, 1, a.Marks)
	})
	assert.Regexp(t, `^written\n\[sluice\] \S+ lost 20 bytes in 2 lines since \S+: bad file descriptor\nwritten again\n$`, s.text("stdout"))
	s.lives(func(l *life) {
		assert.Equal(t, serving, l.of.phase)
		a := l.of.Account()
		assert.EqualValues(t, 20, a.DroppedBytes)
		assert.Equal(t, int64(len("written\nwritten again\n")), a.WrittenBytes)
		assert.EqualValues(t, 1, a.Marks)
	})
}

// What can be written again before full_wait is over is no loss.
func TestAnOutageIsNoLoss(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.settings.WhenFull = settings.WhenFull{Wait: time.Minute, Policy: settings.Block}
	s.lives(func(l *life) {
		mend := l.breaks()
		l.writes("late\n")
		l.after(0)
		assert.Equal(t, Next{After: time.Second, Backoff: true}, l.after(2*time.Minute), "on_full=block")
		mend()
		l.after(time.Second)
		assert.Equal(t, serving, l.of.phase)
		assert.False(t, l.of.Blocked())
		assert.Equal(t, 2*time.Minute+time.Second, l.of.Account().LongestBlocked)
	})
	assert.Equal(t, "late\n", s.text("stdout"))
	assert.Contains(t, s.log.String(), "writing works again")
}

// Each owner of a loss is killed where it hurts; every byte is counted once.
func TestOwnersOfALossComeAndGo(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.breaks()
		l.writes("a line that is lost\n")
		l.after(0) // full_wait is nothing
		require.Equal(t, dropping, l.of.phase)
		// The record cannot be written any more: the chunk stays in the spill.
		s.saveErr = unix.ENOSPC
		next := l.after(0)
		assert.Equal(t, Next{After: time.Second, Backoff: true}, next)
		assert.True(t, l.of.Blocked())
		l.writes("waits in the pipe\n")
		l.after(0)
		assert.EqualValues(t, len("a line that is lost\n"), l.of.Account().DroppedBytes)
		assert.Contains(t, s.log.String(), "make room in state_dir")
	})
	s.saveErr = nil
	s.lives(func(l *life) {
		assert.Equal(t, dropping, l.of.phase)
		assert.EqualValues(t, len("a line that is lost\n"), l.of.Account().DroppedBytes)
	})
	s.lives(func(l *life) {
		assert.EqualValues(t, len("a line that is lost\n"), l.of.Account().DroppedBytes)
		for range 3 {
			l.after(time.Second)
		}
		assert.Equal(t, serving, l.of.phase)
	})
	assert.Contains(t, s.text("stdout"), "lost 20 bytes in 1 lines")
	assert.True(t, strings.HasSuffix(s.text("stdout"), "\nwaits in the pipe\n"))
}

// Nothing is dropped before it can be counted.
func TestALossThatCannotBeAnnouncedDoesNotBegin(t *testing.T) {
	for name, fail := range map[string]func(s *served){
		"no record": func(s *served) { s.saveErr = unix.ENOSPC },
		"no spill":  func(s *served) { s.spillErr = unix.EROFS },
		"shortage":  func(s *served) { s.spillErr = unix.EMFILE },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServed(t, "rotate 2")
			s.lives(func(l *life) {
				mend := l.breaks()
				fail(s)
				l.writes("kept\n")
				for range 3 {
					next := l.after(time.Second)
					assert.True(t, next.Backoff)
					assert.Positive(t, next.After)
					assert.True(t, l.of.Blocked())
				}
				assert.Equal(t, backingOff, l.of.phase)
				assert.Nil(t, l.of.Record.GetAccounting().GetGap())
				mend()
				s.saveErr, s.spillErr = nil, nil
				l.after(time.Second)
				assert.Equal(t, serving, l.of.phase)
			})
			assert.Equal(t, "kept\n", s.text("stdout"))
		})
	}
}

// A loss takes the rest of the line whose beginning is in the file, and the line whose
// beginning it took.
func TestALossTakesWholeLines(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.writes("begun ")
		l.after(0)
		mend := l.breaks()
		l.writes("and lost\nlost ")
		l.after(0)
		l.after(0)
		mend()
		l.after(2 * time.Second)
		assert.Equal(t, dropping, l.of.phase, "the line has not ended")
		l.writes("too\nkept\n")
		l.after(2 * time.Second)
		l.after(0)
		assert.Equal(t, serving, l.of.phase)
	})
	assert.Regexp(t, `^begun \n\[sluice\] .* lost 18 bytes in 2 lines .*; the line before is incomplete\nkept\n$`, s.text("stdout"))
}

// The container ends within a loss: its mark is waited for, an hour at most.
func TestALossOfAContainerThatEnds(t *testing.T) {
	for _, mended := range []bool{true, false} {
		s := newServed(t, "rotate 2")
		s.lives(func(l *life) {
			mend := l.breaks()
			l.writes("lost\n")
			l.after(0)
			l.after(0)
			require.NoError(t, s.container.Close())
			assert.Equal(t, Next{After: time.Second, Backoff: true}, l.after(0))
			assert.Equal(t, Next{After: time.Minute, Backoff: true}, l.after(time.Hour-time.Second))
			if mended {
				mend()
				assert.True(t, l.after(time.Minute).Busy)
			}
			assert.Equal(t, Next{Ended: true}, l.after(time.Minute))
			assert.True(t, l.of.Over())
			assert.Equal(t, 1, s.forgotten)
		})
		assert.Equal(t, mended, strings.Contains(s.text("stdout"), "lost 5 bytes"))
		assert.Equal(t, !mended, strings.Contains(s.log.String(), "could not be marked in the log"))
	}
}

// Nobody knows what was in a pipe that nobody had open: a mark says so, once.
func TestAPipeThatNobodyHadOpen(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.saved.Load().Unattended = &sluicepb.Unattended{}
	require.NoError(t, s.container.Close())
	s.lives(func(l *life) {
		assert.True(t, l.after(0).Busy)
		assert.Equal(t, dropping, l.of.phase)
		assert.True(t, l.after(0).Busy)
		assert.Equal(t, Next{Ended: true}, l.after(0))
	})
	assert.Contains(t, s.text("stdout"), "lost an unknown amount, perhaps nothing, since")
	assert.NotContains(t, s.log.String(), "writing works again")
}
