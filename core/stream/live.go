package stream

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
)

// liveFile is the file that is written. The zero value is none.
type liveFile struct {
	file  *os.File // nil while it could not be opened
	fd    int
	inode uint64
	birth sandbox.Birth
	own   ownPart
	// strayed says that the one of which the record tells was removed by the task.
	strayed bool
}

// liveMode is that of a first live file, and of later ones unless the policy has
// `create`.
const liveMode = 0o644

// newPrefix begins the name of a live file that is to replace what bears that name.
func (s *Stream) newPrefix() string { return "." + s.Name + ".sluice-new-" }

// openAttempts is how often the live file is opened anew when somebody puts something
// else in its place meanwhile. A task that is faster than this only delays its own log.
const openAttempts = 16

// openLive opens what bears the live file's name, a new file where nothing does.
// Impostors are moved aside.
func (s *Stream) openLive() error {
	s.closeLive()
	var f *os.File
	var err error
	for range openAttempts {
		f, err = s.Sandbox.OpenOwnWrite(s.Name)
		if errors.Is(err, sandbox.ErrImpostor) || errors.Is(err, fs.ErrPermission) {
			if err := s.quarantine(s.Name, err); err != nil {
				return err
			}
			continue
		}
		if errors.Is(err, fs.ErrNotExist) {
			f, err = s.create(s.Name)
		}
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if errors.Is(err, sandbox.ErrImpostor) || errors.Is(err, fs.ErrExist) {
		f, err = s.createOver()
	}
	if err != nil {
		return s.lostSandbox(err)
	}
	return s.writeTo(f)
}

// createOver makes a new live file in the place of whatever bears its name, for a task
// that puts things there faster than they are moved aside. What it loses by that is its
// own. Only a directory cannot be replaced.
func (s *Stream) createOver() (*os.File, error) {
	name := s.newPrefix() + rand.Text()
	f, err := s.create(name)
	if err != nil {
		return nil, err
	}
	if err = s.putOver(name); err == nil {
		return f, nil
	}
	_ = f.Close()
	_ = s.Sandbox.Unlink(name)
	return nil, err
}

// putOver gives a file the live file's name, over whatever bears that.
func (s *Stream) putOver(name string) (err error) {
	for range openAttempts {
		err = s.Sandbox.Rename(name, s.Sandbox, s.Name)
		if !errors.Is(err, unix.EISDIR) {
			return err
		}
		if err := s.quarantine(s.Name, err); err != nil {
			return err
		}
	}
	return err
}

// create makes a file as the policy wants the next live file. What cannot be had of
// its owner is only worth a report, and one: it is asked for no more.
func (s *Stream) create(name string) (*os.File, error) {
	f, err := s.Sandbox.Create(name, s.series.next.Mode)
	if err != nil || s.series.next.UID < 0 && s.series.next.GID < 0 {
		return f, err
	}
	if err := s.series.next.Apply(f); err != nil {
		s.Log.Warn("the live file does not have the owner that the policy asks for: it stays the task's user's own", "error", err)
		s.series.set.ForgoOwner()
		s.series.next.UID, s.series.next.GID = -1, -1
	}
	return f, nil
}

// writeTo makes f the live file.
func (s *Stream) writeTo(f *os.File) error {
	info, err := sandbox.StatFile(f)
	if err != nil {
		_ = f.Close()
		return err
	}
	s.live.file, s.live.fd, s.live.inode, s.live.birth = f, int(f.Fd()), info.Inode, sandbox.BirthOf(f)
	s.live.own = ownAtOpening(info.Size)
	return nil
}

func (s *Stream) closeLive() {
	if s.live.file != nil {
		_ = s.live.file.Close()
	}
	s.live.file, s.live.fd = nil, -1
}

// follow tells how long the live file is now. The offset of the next byte is read
// from the file before every move, because the task may truncate or extend it: a
// truncated file gets no hole. A file that the task removed is replaced; one that it
// removes as soon as it is made is written to all the same, as if it had been removed
// afterwards. The error is errSandboxGone where the whole sandbox is.
func (s *Stream) follow() (size int64, err error) {
	for attempt := 1; ; attempt++ {
		if s.live.file == nil {
			if err := s.openLive(); err != nil {
				return 0, err
			}
		}
		var st unix.Stat_t
		if err := unix.Fstat(s.live.fd, &st); err != nil {
			return 0, fmt.Errorf("stat %q: %w", s.Name, err)
		}
		if st.Nlink > 0 || attempt > followAttempts {
			s.sawLive(st.Size, min(st.Size, st.Blocks*blockBytes))
			s.timeLive(st.Size)
			return st.Size, nil
		}
		if err := s.countAll(); err != nil {
			s.loseCount(err)
		}
		if err := s.openAnew(); err != nil {
			return 0, err
		}
	}
}

// openAnew opens a live file in place of one that the task has removed, which is held
// open until then: its inode cannot be used again at once.
func (s *Stream) openAnew() error {
	defer s.live.file.Close()
	s.live.file, s.live.fd, s.live.strayed, s.timed.removed = nil, -1, true, true
	return s.openLive()
}

// blockBytes is the unit of st_blocks (stat(2)).
const blockBytes = 512

// sawLive notes how long the live file is, and what it takes of the disk.
func (s *Stream) sawLive(size, disk int64) {
	s.shown.liveBytes.Store(size)
	s.shown.liveDisk.Store(disk)
}

// followAttempts is how often a removed file is replaced in one look.
const followAttempts = 2

// quarantine gives an impostor another name.
func (s *Stream) quarantine(name string, why error) error {
	aside, err := s.Sandbox.MoveAside(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the task was faster
	}
	if err != nil {
		return s.lostSandbox(err)
	}
	s.account.impostors.Add(1)
	if held, ok := s.reports.problems.Allow(s.Now()); ok {
		s.Log.Warn("something else had the name of a log file; it was moved aside",
			"name", name, "moved_to", aside, "reason", why, "held_back", held)
	}
	return nil
}
