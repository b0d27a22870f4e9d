package stream

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"sluice/core/worker"
	"sluice/tests/kit"
	"sluice/tests/kit/timestest"
)

func (s *served) times() string { return filepath.Join(s.dir, "stdout.times") }

// timed holds the index of the stream against its files.
func (s *served) timed(began time.Time, from int64) (ranges int64) {
	s.t.Helper()
	return timestest.Require(s.t, timestest.Log{Sandbox: s.dir, Live: "stdout", Bytes: s.moved, From: from, Began: began})
}

func TestEveryByteHasATime(t *testing.T) {
	s, began := newServed(t, "rotate 1000"), time.Now()
	for i := range 5 {
		s.owner(func(t *worker.Thread, of *Stream) {
			s.writes(t, of, 999)
			s.writes(t, of, 7)
		})
		ranges := s.timed(began, 0)
		if i == 0 {
			assert.Zero(t, ranges)
		}
	}
}

// The beginning of a line that is carried over lies in the next file, and is counted once.
func TestTimesOfCarriedLines(t *testing.T) {
	s, began := newServed(t, "rotate 1000"), time.Now()
	s.owner(func(thread *worker.Thread, of *Stream) {
		for _, part := range []string{strings.Repeat("x", 3000) + "\n", strings.Repeat("y", 1000), strings.Repeat("z", 1000) + "\n"} {
			_, err := s.container.WriteString(part)
			require.NoError(t, err)
			s.moved += int64(len(part))
			of.Service(thread, nil, time.Now(), 0)
			of.CountOn()
		}
	})
	info, err := os.Stat(filepath.Join(s.dir, "stdout.1"))
	require.NoError(t, err)
	require.EqualValues(t, 3001, info.Size())
	assert.Zero(t, s.timed(began, 0))
}

// The time of what is not in the index is a range, where a kill has cost it.
func TestAKillCostsTimesOnly(t *testing.T) {
	s, began := newServed(t, "rotate 1000"), time.Now()
	s.lives(func(l *life) {
		l.writes("one\n")
		l.after(0)
		l.writes("two\n")
		l.after(0) // it is in the file, and its time is not in the index
		l.of.timed.index = nil
		s.clock = time.Now
	})
	s.moved = 8
	s.owner(func(*worker.Thread, *Stream) {})
	assert.EqualValues(t, 4, s.timed(began, 0))
}

// A busy stream has its index written once a second, and every stream before it is left to
// its pipe.
func TestTimesAreWrittenOnceASecond(t *testing.T) {
	s := newServed(t, "rotate 1000")
	s.lives(func(l *life) {
		size := func() int64 {
			info, err := os.Stat(s.times())
			require.NoError(t, err)
			return info.Size()
		}
		l.writes("one\n")
		l.after(0)
		before := size()
		for range 9 {
			l.writes("more\n")
			l.after(timesEvery / 10)
			require.Equal(t, before, size())
		}
		l.writes("more\n")
		l.after(timesEvery / 10)
		assert.Greater(t, size(), before)
		l.writes("last\n")
		l.after(timesEvery / 10)
		before = size()
		l.of.CountOn()
		assert.Greater(t, size(), before)
	})
}

// What a stream of a version without times has written has none.
func TestTimesBeginWithTheUpgrade(t *testing.T) {
	s := newServed(t, "rotate 1000")
	resolution := s.settings.Times
	s.settings.Times = 0
	s.owner(func(t *worker.Thread, of *Stream) { s.writes(t, of, 1000) })
	assert.NoFileExists(t, s.times())
	s.settings.Times = resolution
	before, began := s.moved, time.Now()
	s.owner(func(t *worker.Thread, of *Stream) { s.writes(t, of, 100) })
	x := timestest.Open(t, s.dir, "stdout")
	_, known, err := x.At(before - 1)
	require.NoError(t, err)
	assert.False(t, known)
	begin, end := x.Bounds()
	assert.Equal(t, before, begin)
	assert.Equal(t, s.moved, end)
	span, known, err := x.At(before)
	require.NoError(t, err)
	assert.True(t, known)
	assert.False(t, span.Latest.Before(began.Truncate(time.Millisecond)))
}

// A mark has the time at which it was written.
func TestTimesOfAMark(t *testing.T) {
	s, began := newServed(t, "rotate 1000"), time.Now()
	s.lives(func(l *life) {
		l.writes("one\n")
		l.after(0)
		mend := l.breaks()
		l.writes("lost\n")
		for range 5 {
			l.after(time.Second)
		}
		mend()
		for range 5 {
			l.after(time.Second)
		}
		l.writes("two\n")
		l.after(time.Second)
		a := l.of.Account()
		require.EqualValues(t, 1, a.Marks)
		s.moved = a.WrittenBytes + a.MarkBytes
		s.clock = time.Now
	})
	x := timestest.Open(t, s.dir, "stdout")
	mark, ok, err := x.At(int64(len("one\n")))
	require.NoError(t, err)
	require.True(t, ok)
	assert.InDelta(t, 6*time.Second, mark.Latest.Sub(began), float64(5*time.Second))
	_, end := x.Bounds()
	assert.Equal(t, s.moved, end)
}

// hostile is what a task does to its index while its log is written.
var hostile = map[string]func(s *served) error{
	"removes":  func(s *served) error { return os.Remove(s.times()) },
	"empties":  func(s *served) error { return os.Truncate(s.times(), 0) },
	"extends":  func(s *served) error { return os.Truncate(s.times(), 1<<40) },
	"garbles":  func(s *served) error { return os.WriteFile(s.times(), []byte("sTI1 but no"), 0o600) },
	"replaces": func(s *served) error { _ = os.Remove(s.times()); return os.Symlink("/etc/passwd", s.times()) },
	"links":    func(s *served) error { return os.Link(s.times(), s.times()+"2") },
	"forbids":  func(s *served) error { _ = os.Remove(s.times()); return os.Mkdir(s.times(), 0o700) },
}

// Whatever a task does to its index, its log is whole.
func TestATaskAgainstItsIndex(t *testing.T) {
	passwd, err := os.ReadFile("/etc/passwd")
	require.NoError(t, err)
	for name, does := range hostile {
		t.Run(name, func(t *testing.T) {
			s := newServed(t, "rotate 1000")
			for range 3 {
				s.owner(func(t *worker.Thread, of *Stream) {
					s.writes(t, of, 1000)
					_ = of.timed.index.Flush()
					_ = does(s)
					s.writes(t, of, 1000)
				})
			}
			var whole []byte
			for i := 1000; i > 0; i-- {
				part, err := os.ReadFile(filepath.Join(s.dir, fmt.Sprintf("stdout.%d", i)))
				if err == nil {
					whole = append(whole, part...)
				}
			}
			whole = append(whole, s.text("stdout")...)
			kit.Same(t, strings.Repeat("nine more\n", 6000), string(whole))
			now, err := os.ReadFile("/etc/passwd")
			require.NoError(t, err)
			require.Equal(t, passwd, now)
		})
	}
}

// The index goes on when the task has let go of it.
func TestAnIndexIsBegunAgain(t *testing.T) {
	for name, does := range hostile {
		t.Run(name, func(t *testing.T) {
			s := newServed(t, "rotate 1000")
			s.owner(func(t *worker.Thread, of *Stream) { s.writes(t, of, 1000) })
			require.NoError(t, does(s))
			if name == "forbids" {
				require.NoError(t, os.Remove(s.times()))
			}
			from, began := s.moved, time.Now()
			s.owner(func(t *worker.Thread, of *Stream) { s.writes(t, of, 1000) })
			x := timestest.Open(t, s.dir, "stdout")
			span, ok, err := x.At(from)
			require.NoError(t, err)
			require.True(t, ok)
			assert.False(t, span.Latest.Before(began.Truncate(time.Millisecond)))
			_, end := x.Bounds()
			assert.Equal(t, s.moved, end)
		})
	}
}

// The index knows where the files begin also where the task changes its log.
func TestTimesOfALogThatTheTaskChanges(t *testing.T) {
	for name, does := range map[string]func(live string) error{
		"truncates": func(live string) error { return os.Truncate(live, 100) },
		"extends":   func(live string) error { return os.Truncate(live, 3000) },
		"removes":   os.Remove,
	} {
		t.Run(name, func(t *testing.T) {
			s, began := newServed(t, "rotate 1000"), time.Now()
			s.owner(func(thread *worker.Thread, of *Stream) {
				s.writes(thread, of, 1050)
				require.NoError(t, does(s.live()))
				s.writes(thread, of, 1050)
			})
			s.timed(began, 0)
		})
	}
}

// A task may empty its log for ever: what it prints is written all the same, and the index
// takes what it may and no more.
func TestTimesOfALogThatIsEmptiedForEver(t *testing.T) {
	s := newServed(t, "rotate 1")
	most := s.settings.MostTimesBytes()
	s.lives(func(l *life) {
		for i := range 8000 {
			line := fmt.Sprintf("line %d\n", i)
			l.writes(line)
			l.after(time.Second)
			text := s.text("stdout")
			if text != line {
				require.Equal(t, line, text)
			}
			require.NoError(t, os.Truncate(s.live(), 0))
			if info, err := os.Stat(s.times()); assert.NoError(t, err) && info.Size() > most {
				require.LessOrEqual(t, info.Size(), most)
			}
		}
		assert.Zero(t, l.of.Account().DroppedBytes)
	})
}
