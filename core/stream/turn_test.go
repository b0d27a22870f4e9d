package stream

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
)

// The beginning of a line that does not fit goes to the next file, and a line that is longer
// than a file is cut at the limit.
func TestLinesAreCutAtTheirEnds(t *testing.T) {
	s := newServed(t, "rotate 9")
	long := strings.Repeat("x", 2*servedLimitBytes) + "\n"
	s.lives(func(l *life) {
		text := strings.Repeat("1234567\n", servedLimitBytes/8-1)
		l.writes(text + "123")
		l.after(0)
		l.writes("4567 is carried over\n")
		for l.after(0).Busy {
		}
		assert.Equal(t, text, s.text("stdout.1"))
		assert.Equal(t, "1234567 is carried over\n", s.text("stdout"))
		l.writes(long)
		for l.after(time.Second).Busy {
		}
		assert.EqualValues(t, 4, l.of.Account().Rotations)
		assert.Equal(t, "1234567 is carried over\n", s.text("stdout.3"))
		assert.Equal(t, long, s.text("stdout.2")+s.text("stdout.1")+s.text("stdout"))
	})
}

// A rotation that fails between the carried line and the next file is finished by the visits
// after it, or by the next owner.
func TestACarriedLineIsNotForgotten(t *testing.T) {
	for _, killed := range []bool{false, true} {
		s := newServed(t, "rotate 9")
		text := strings.Repeat("1234567\n", servedLimitBytes/8-1)
		s.lives(func(l *life) {
			l.writes(text + "begun ")
			l.after(0)
			require.NoError(t, l.of.note(int64(len(text)+6), 6))
			require.NoError(t, l.of.save(l.thread))
			require.NoError(t, l.of.carry(int64(len(text)), int64(len(text)+6)))
			if !killed {
				l.writes("and ended\n")
				l.after(0)
			}
		})
		s.lives(func(l *life) {
			if killed {
				l.writes("and ended\n")
				l.after(0)
			}
			assert.EqualValues(t, 1, l.of.Account().Rotations)
			assert.EqualValues(t, len(text)+16, l.of.Account().WrittenBytes)
		})
		assert.Equal(t, text, s.text("stdout.1"))
		assert.Equal(t, "begun and ended\n", s.text("stdout"))
	}
}

// Who asks for a rotation hears what became of it.
func TestARotationIsAsked(t *testing.T) {
	s := newServed(t, "rotate 9")
	s.lives(func(l *life) {
		outcome := func() RotatedNow {
			asked, err := l.of.AskRotation()
			require.NoError(t, err)
			_, err = l.of.AskRotation()
			require.ErrorIs(t, err, errAskedTwice)
			l.after(time.Second)
			return <-asked.Done()
		}
		assert.Equal(t, RotatedNow{}, outcome(), "an empty file stays")
		l.writes("a line\n")
		l.after(0)
		assert.True(t, l.of.LastRotation().IsZero())
		assert.Equal(t, RotatedNow{Name: "stdout.1", Bytes: 7}, outcome())
		assert.Equal(t, l.now.UnixNano(), l.of.LastRotation().UnixNano())
		l.writes("a line\nbegun")
		l.after(0)
		assert.Equal(t, RotatedNow{Name: "stdout.1", Bytes: 7}, outcome())
		assert.Equal(t, "begun", s.text("stdout"))

		asked, err := l.of.AskRotation()
		require.NoError(t, err)
		assert.True(t, l.of.TakeBack(asked))
		assert.False(t, l.of.TakeBack(asked))

		l.of.opened = false
		assert.ErrorIs(t, l.of.rotateNow(l.thread, nil, l.now).Err, errNotOpen)
		l.of.opened = true
		refused := errors.New("no identity")
		assert.ErrorIs(t, l.of.rotateNow(l.thread, refused, l.now).Err, refused)
		mend := l.breaks()
		l.writes("lost\n")
		l.after(0)
		assert.ErrorIs(t, outcome().Err, errNotKept)
		mend()
		l.after(2 * time.Second)
		require.NoError(t, os.RemoveAll(s.dir))
		assert.ErrorIs(t, outcome().Err, errNotKept)
		assert.Equal(t, discarding, l.of.phase)
		require.NoError(t, s.container.Close())
		l.after(0)
		assert.ErrorIs(t, outcome().Err, errStreamEnded)
		asked, err = l.of.AskRotation()
		require.NoError(t, err)
		l.of.Close()
		assert.ErrorIs(t, (<-asked.Done()).Err, errStreamEnded)
	})
}

// A period that is over rotates what is not empty; a clock that was wrong is told.
func TestAPeriodIsOver(t *testing.T) {
	s := newServed(t, "rotate 9\ndaily")
	s.saved.Load().CreatedUnixNano = time.Now().UnixNano()
	s.lives(func(l *life) {
		l.writes("yesterday\n")
		l.after(0)
		l.of.Tend()
		l.after(0)
		assert.Zero(t, l.of.Account().Rotations)
		l.of.Tend()
		l.after(48 * time.Hour)
		assert.EqualValues(t, 1, l.of.Account().Rotations)
		l.of.Tend()
		l.after(48 * time.Hour)
		assert.EqualValues(t, 1, l.of.Account().Rotations, "the file is empty")
		l.writes("today\n")
		l.after(0)
		s.saveErr = unix.EMFILE
		l.of.Tend()
		l.after(48 * time.Hour)
		assert.EqualValues(t, 1, l.of.Account().Rotations, "the host runs short")
		s.saveErr = nil
		l.after(time.Second)
		assert.EqualValues(t, 2, l.of.Account().Rotations)
		l.writes("from the future\n")
		l.after(0)
		l.of.Tend()
		l.after(-1000 * time.Hour)
		assert.EqualValues(t, 3, l.of.Account().Rotations)
		assert.Contains(t, s.log.String(), "the last rotation is in the future")
	})
}

// A rotation whose record cannot be saved is made all the same, but for a shortage.
func TestARotationWithoutARecord(t *testing.T) {
	s := newServed(t, "rotate 9")
	s.lives(func(l *life) {
		l.writes(strings.Repeat("nine more\n", servedLimitBytes/10))
		l.after(0)
		s.saveErr = unix.EMFILE
		l.writes("nine more\n")
		assert.True(t, l.after(0).Backoff)
		assert.Zero(t, l.of.Account().Rotations)
		assert.Zero(t, l.of.Account().RotationErrors)
		s.saveErr = unix.EIO
		l.after(0)
		assert.EqualValues(t, 1, l.of.Account().Rotations)
		assert.Contains(t, s.log.String(), "cannot save the account of the stream")
	})
}

// Where there is no room the oldest files go first, a little after one another.
func TestRoomIsMadeOfHistory(t *testing.T) {
	s := newServed(t, "rotate 9")
	s.settings.WhenFull = settings.WhenFull{Evict: true, Wait: time.Minute}
	for n := 1; n <= 3; n++ {
		require.NoError(t, os.WriteFile(filepath.Join(s.dir, fmt.Sprint("stdout.", n)), []byte("old\n"), 0o600))
	}
	s.lives(func(l *life) {
		full := func(d time.Duration) Next {
			l.now = l.now.Add(d)
			return l.of.failed(l.thread, l.now, "write stdout", unix.ENOSPC)
		}
		assert.Equal(t, Next{Busy: true}, full(time.Second))
		assert.NoFileExists(t, filepath.Join(s.dir, "stdout.3"))
		assert.Equal(t, Next{After: retrySoon, Backoff: true}, full(0), "it may take a while")
		assert.Equal(t, Next{Busy: true}, full(retrySoon))
		assert.Equal(t, Next{Busy: true}, full(retrySoon))
		assert.Equal(t, serving, l.of.phase)
		assert.True(t, full(retrySoon).Backoff)
		assert.Equal(t, backingOff, l.of.phase)
		a := l.of.Account()
		assert.Equal(t, [2]int64{3, 12}, [2]int64{a.RoomFiles, a.RoomBytes})
	})
	s.lives(func(l *life) { assert.EqualValues(t, 3, l.of.Account().RoomFiles) })
}

// What has the live file's name and is none is moved aside; where the task is faster, replaced.
func TestAnotherHasTheNameOfTheLiveFile(t *testing.T) {
	s := newServed(t, "rotate 9")
	require.NoError(t, os.Mkdir(s.live(), 0o755))
	s.lives(func(l *life) {
		l.writes("a line\n")
		l.after(0)
		assert.Equal(t, "a line\n", s.text("stdout"))
		assert.EqualValues(t, 1, l.of.Account().Impostors)
		assert.Contains(t, s.log.String(), "something else had the name of a log file")

		f, err := l.of.createOver()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		assert.Empty(t, s.text("stdout"))
		require.NoError(t, os.Remove(s.live()))
		require.NoError(t, os.Mkdir(s.live(), 0o755))
		f, err = l.of.createOver()
		require.NoError(t, err)
		require.NoError(t, f.Close())
		assert.Empty(t, s.text("stdout"))
	})
}

// A rate holds a stream back.
func TestARateHoldsBack(t *testing.T) {
	s := newServedWith(t, "1MB", "rotate 9")
	s.settings.MaxRateBytes = 100_000
	s.lives(func(l *life) {
		l.writes(strings.Repeat("nine more\n", 2000))
		l.after(0)
		assert.Equal(t, Next{After: 50 * time.Millisecond, Backoff: true}, l.after(0))
		assert.EqualValues(t, 10_000, l.of.Account().WrittenBytes)
		l.after(100 * time.Millisecond)
		assert.EqualValues(t, 20_000, l.of.Account().WrittenBytes)
	})
}

// A thread that could not act as the task's user writes nothing.
func TestARefusedThread(t *testing.T) {
	s := newServed(t, "rotate 9")
	s.settings.WhenFull.Wait = time.Minute
	s.lives(func(l *life) {
		l.writes("a line\n")
		next := l.of.Service(l.thread, errors.New("no identity"), l.now, 0)
		assert.Equal(t, Next{After: retrySoon, Backoff: true}, next)
		assert.Contains(t, s.log.String(), "cannot act as the task's user")
		l.after(0)
		assert.Equal(t, "a line\n", s.text("stdout"))
	})
}
