package stream

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
	"google.golang.org/protobuf/proto"

	sluicepb "sluice/proto"
)

// Where the sandbox is removed, the container goes on without a log.
func TestASandboxIsRemoved(t *testing.T) {
	for name, before := range map[string]func(l *life){
		"while it is served": func(*life) {},
		"while writing fails": func(l *life) {
			l.of.Settings.WhenFull.Wait = time.Hour
			mend := l.breaks()
			l.writes("0123\n")
			l.after(0)
			require.Equal(l.t, backingOff, l.of.phase)
			mend()
		},
		"while it drops": func(l *life) {
			mend := l.breaks()
			l.writes("0123\n")
			l.after(0)
			l.after(0)
			require.Equal(l.t, dropping, l.of.phase)
			mend()
		},
		"when it is to be rotated": func(l *life) { l.of.Tend() },
		"before it is opened":      func(l *life) { l.of.opened = false },
	} {
		t.Run(name, func(t *testing.T) {
			s := newServed(t, "rotate 2\ndaily\ncompress")
			s.lives(func(l *life) {
				l.writes("written\n")
				l.after(0)
				before(l)
				require.NoError(t, os.RemoveAll(s.dir))
				l.writes("to nowhere\n")
				l.after(48 * time.Hour)
				l.after(time.Second)
				assert.Equal(t, discarding, l.of.phase)
				assert.Equal(t, SandboxRemoved, l.of.discardCause)
				assert.True(t, l.of.Dropping())
				assert.False(t, l.of.Blocked())
				a := l.of.Account()
				assert.GreaterOrEqual(t, a.Dropped[SandboxRemoved].Bytes, int64(len("to nowhere\n")))
				assert.EqualValues(t, len("written\n"), a.WrittenBytes)
				assert.Zero(t, a.RotationErrors)
				assert.Equal(t, 1, strings.Count(s.log.String(), "the sandbox was removed"))

				l.of.Rebuild(l.thread)
				assert.Equal(t, discarding, l.of.phase)
				require.NoError(t, s.container.Close())
				assert.Equal(t, Next{Ended: true}, l.after(0))
				assert.Equal(t, 1, s.forgotten)
			})
		})
	}
}

// After faults again and again what comes is dropped: counted in the record at first, and in
// memory alone after another.
func TestGivenUp(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.writes("written\n")
		l.after(0)
		l.of.GiveUp()
		l.writes("lost\n")
		l.after(time.Hour)
		assert.Equal(t, dropping, l.of.phase)
		for range 3 {
			l.after(time.Hour)
		}
		assert.Equal(t, dropping, l.of.phase, "it is not tried to be ended")
		assert.EqualValues(t, 5, l.of.Account().Dropped[Panic].Bytes)
		saves := s.saves
		l.of.GiveUp()
		l.writes("lost too\n")
		l.after(0)
		assert.Equal(t, discarding, l.of.phase)
		assert.EqualValues(t, 14, l.of.Account().Dropped[Panic].Bytes)
		assert.Equal(t, saves, s.saves)
		require.NoError(t, s.container.Close())
		assert.Equal(t, Next{Ended: true}, l.after(0))
	})
	assert.Equal(t, "written\n", s.text("stdout"))
}

// A stream that is given up while its container ends does not wait for its mark.
func TestGivenUpAtTheEnd(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.of.GiveUp()
		l.writes("lost\n")
		l.after(0)
		l.after(0)
		require.NoError(t, s.container.Close())
		assert.Equal(t, Next{Ended: true}, l.after(0))
		assert.Contains(t, s.log.String(), "a fault in the logger")
	})
}

// Of a stream that is drained nothing is kept and nothing is looked at.
func TestDrained(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		of := New(Config{Name: "stdout", Sandbox: l.of.Sandbox, Pipe: l.of.Pipe, Record: &sluicepb.StreamRecord{Accounting: &sluicepb.Accounting{}}, Keeper: s, Now: s.clock, Log: l.of.Log})
		l.of.Pipe = -1
		of.Drain(Unrecorded)
		assert.True(t, of.Dropping())
		require.NoError(t, of.Open(l.thread, false))
		l.writes("to nowhere\n")
		saves := s.saves
		of.Service(l.thread, errors.New("no identity"), l.now, 0)
		assert.Equal(t, Loss{Bytes: 11, Lines: 1}, of.Account().Dropped[Unrecorded])
		_, err := of.AskRotation()
		require.NoError(t, err)
		require.NoError(t, s.container.Close())
		assert.Equal(t, Next{Ended: true}, of.Service(l.thread, nil, l.now, 0))
		assert.Equal(t, saves, s.saves)
		assert.Equal(t, 1, s.forgotten)
	})
}

// A record that cannot be forgotten for a shortage is forgotten later.
func TestForgettingWaitsForAShortage(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		require.NoError(t, s.container.Close())
		s.forgetErr = unix.EMFILE
		next := l.after(0)
		assert.True(t, next.Backoff)
		assert.Equal(t, closed, l.of.phase)
		l.of.Rebuild(l.thread)
		s.forgetErr = nil
		assert.Equal(t, Next{Ended: true}, l.after(next.After))
		assert.Equal(t, 1, s.forgotten)
	})
}

// A fault in the middle of anything leaves the record, the pipe and the sandbox, and the
// stream goes on from these.
func TestRebuilt(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.writes("written\n")
		l.after(0)
		l.of.Rebuild(l.thread)
		assert.Equal(t, serving, l.of.phase)
		l.writes("written too\n")
		l.after(0)
		assert.EqualValues(t, 20, l.of.Account().WrittenBytes)

		mend := l.breaks()
		l.writes("lost\n")
		l.after(0)
		l.after(0)
		mend()
		l.of.Rebuild(l.thread)
		assert.Equal(t, dropping, l.of.phase)
		l.after(time.Second)
		assert.Equal(t, serving, l.of.phase)
		assert.EqualValues(t, 5, l.of.Account().DroppedBytes)
	})
	assert.Regexp(t, `^written\nwritten too\n\[sluice\] .* lost 5 bytes .*\n$`, s.text("stdout"))
}

// The first bytes are kept with a mark behind them, however often the owner changes.
func TestTheFirstBytes(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.settings.FirstBytes, s.settings.MaxBytes = 4096, 4096
	limit := int(firstLimit(4096))
	s.lives(func(l *life) {
		_, err := l.of.AskRotation()
		require.NoError(t, err)
		l.writes(strings.Repeat("x", limit+100))
		l.after(0)
		assert.Equal(t, discarding, l.of.phase)
		assert.Equal(t, Discarded, l.of.discardCause)
		assert.False(t, l.of.Dropping())
		a := l.of.Account()
		assert.EqualValues(t, limit, a.WrittenBytes)
		assert.EqualValues(t, 100, a.Dropped[Discarded].Bytes)
	})
	text := s.text("stdout")
	assert.Contains(t, text, "only the first 4096 bytes are kept")
	// A kill between the record and the mark.
	require.NoError(t, os.WriteFile(s.live(), []byte(text[:limit]), 0o600))
	s.lives(func(l *life) {
		assert.Equal(t, discarding, l.of.phase)
		assert.EqualValues(t, limit, l.of.Account().WrittenBytes)
	})
	assert.Len(t, s.text("stdout"), len(text))
}

// A container ends while a file of its series is compressed: the record stays, and says that
// it is complete, until that is done.
func TestParked(t *testing.T) {
	for name, full := range map[string]bool{"admitted": false, "too many": true} {
		t.Run(name, func(t *testing.T) {
			s := newServed(t, "rotate 9\ncompress")
			s.full = full
			s.lives(func(l *life) {
				for l.of.Account().Rotations == 0 {
					l.writes(strings.Repeat("nine more\n", 100))
					l.after(time.Second)
				}
				require.Len(t, s.tasks, 1)
				require.NoError(t, s.container.Close())
				for l.after(time.Second).Busy {
				}
				if !full {
					assert.Equal(t, Next{Parked: true}, l.after(0))
					assert.True(t, s.saved.Load().GetComplete())
					assert.Zero(t, s.forgotten)
					l.of.Rebuild(l.thread)
					assert.Equal(t, ended, l.of.phase)
					assert.Equal(t, Next{Parked: true}, l.after(0))
					for _, task := range s.tasks {
						task(nil)
					}
					assert.Equal(t, Next{Ended: true}, l.after(0))
					s.text("stdout.1.gz")
				} else {
					s.text("stdout.1")
				}
				assert.Equal(t, closed, l.of.phase)
				assert.Equal(t, 1, s.forgotten)
			})
		})
	}
}

// Members of the record that are not the stream's own are saved when it is asked for, and
// later where the host runs short.
func TestARecordIsSavedSoon(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.of.Record.ContainerId = "told"
		l.of.SaveSoon()
		s.saveErr = unix.EMFILE
		l.after(0)
		s.saveErr = unix.EIO
		l.after(0)
		assert.Contains(t, s.log.String(), "cannot save the record of the stream")
		assert.Empty(t, s.saved.Load().GetContainerId())
		s.saveErr = nil
		saves := s.saves
		l.after(0)
		assert.Equal(t, saves, s.saves, "an error that is no shortage is told, and that is all")
		l.of.SaveSoon()
		l.after(0)
		assert.Equal(t, "told", s.saved.Load().GetContainerId())
	})
}

// A record of a newer version gets the account as it is when this one begins.
func TestTheAccountThatWasTakenOver(t *testing.T) {
	s := newServed(t, "rotate 2")
	s.lives(func(l *life) {
		l.writes("of the newer version\n")
		l.after(0)
	})
	s.saved.Load().Interlude = &sluicepb.Interlude{}
	s.lives(func(l *life) {
		taken := s.saved.Load().GetInterlude().GetTaken()
		assert.EqualValues(t, 21, taken.GetWrittenBytes())
		l.writes("of this one\n")
		l.after(0)
	})
	before := proto.Clone(s.saved.Load().GetInterlude())
	s.lives(func(l *life) {
		assert.True(t, proto.Equal(before, s.saved.Load().GetInterlude()))
		assert.EqualValues(t, 33, l.of.Account().WrittenBytes)
	})
}
