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
			if err := s.moveAside(s.Name, err); err != nil {
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
	return s.take(f)
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
		if err := s.moveAside(s.Name, err); err != nil {
			return err
		}
	}
	return err
}

// create makes a file as the policy wants the next live file. What cannot be had of
// its owner is only worth a report, and one: it is asked for no more.
func (s *Stream) create(name string) (*os.File, error) {
	f, err := s.Sandbox.Create(name, s.next.Mode)
	if err != nil || s.next.UID < 0 && s.next.GID < 0 {
		return f, err
	}
	if err := s.next.Apply(f); err != nil {
		s.Log.Warn("the live file does not have the owner that the policy asks for: it stays the task's user's own", "error", err)
		s.set.ForgoOwner()
		s.next.UID, s.next.GID = -1, -1
	}
	return f, nil
}

// warn reports a problem that stops nothing, at most once a minute.
func (s *Stream) warn(what string, err error) {
	if held, ok := s.reports.Allow(s.Now()); ok {
		s.Log.Warn(what, "error", err, "held_back", held)
	}
}

// take makes f the live file.
func (s *Stream) take(f *os.File) error {
	info, err := sandbox.StatFile(f)
	if err != nil {
		_ = f.Close()
		return err
	}
	s.live, s.liveFD, s.liveInode, s.liveBirth = f, int(f.Fd()), info.Inode, sandbox.BirthOf(f)
	s.own = ownAtOpening(info.Size)
	return nil
}

func (s *Stream) closeLive() {
	if s.live != nil {
		_ = s.live.Close()
	}
	s.live, s.liveFD = nil, -1
}

// follow tells how long the live file is now. The offset of the next byte is read
// from the file before every move, because the task may truncate or extend it: a
// truncated file gets no hole. A file that the task removed is replaced; one that it
// removes as soon as it is made is written to all the same, as if it had been removed
// afterwards. The error is errSandboxGone where the whole sandbox is.
func (s *Stream) follow() (size int64, err error) {
	for attempt := 1; ; attempt++ {
		if s.live == nil {
			if err := s.openLive(); err != nil {
				return 0, err
			}
		}
		var st unix.Stat_t
		if err := unix.Fstat(s.liveFD, &st); err != nil {
			return 0, fmt.Errorf("stat %q: %w", s.Name, err)
		}
		if st.Nlink > 0 || attempt > followAttempts {
			s.sawLive(st.Size, min(st.Size, st.Blocks*blockBytes))
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
	defer s.live.Close()
	s.live, s.liveFD, s.strayed = nil, -1, true
	return s.openLive()
}

// blockBytes is the unit of st_blocks (stat(2)).
const blockBytes = 512

// sawLive notes how long the live file is, and what it takes of the disk.
func (s *Stream) sawLive(size, disk int64) {
	s.liveBytes.Store(size)
	s.liveDisk.Store(disk)
}

// followAttempts is how often a removed file is replaced in one look.
const followAttempts = 2

// moveAside gives an impostor another name.
func (s *Stream) moveAside(name string, why error) error {
	aside, err := s.Sandbox.MoveAside(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // the task was faster
	}
	if err != nil {
		return s.lostSandbox(err)
	}
	s.account.impostors.Add(1)
	if held, ok := s.reports.Allow(s.Now()); ok {
		s.Log.Warn("something else had the name of a log file; it was moved aside",
			"name", name, "moved_to", aside, "reason", why, "held_back", held)
	}
	return nil
}

// tellImpostors counts what a rotation has moved aside.
func (s *Stream) tellImpostors(number int) {
	if number == 0 {
		return
	}
	s.account.impostors.Add(int64(number))
	if held, ok := s.reports.Allow(s.Now()); ok {
		s.Log.Warn("something else had names of the series; it was moved aside", "number", number, "held_back", held)
	}
}

// errSandboxGone says that the whole sandbox was removed, so that nothing of the stream can be
// kept any more. Whoever calls from a visit hands it to outlived.
var errSandboxGone = errors.New("the sandbox was removed")

// lostSandbox is the error errSandboxGone where that is where err comes from, and else err.
func (s *Stream) lostSandbox(err error) error {
	if errors.Is(err, fs.ErrNotExist) && s.Sandbox.Removed() {
		return errSandboxGone
	}
	return err
}

// outlived tells whether err is that the sandbox is gone. Then the container must not wait for
// its log: what comes is dropped from now on.
func (s *Stream) outlived(err error) bool {
	if !errors.Is(err, errSandboxGone) {
		return false
	}
	s.outlive()
	return true
}

// outlive makes the stream one whose container has outlived its sandbox.
func (s *Stream) outlive() {
	cause := SandboxRemoved
	if s.Record.GetFirstEndBytes() > 0 {
		cause = Discarded // it would be all the same
	}
	s.discard(cause)
	s.Log.Warn("the sandbox was removed while its container runs; its further output is dropped", "sandbox", s.Record.GetSandbox())
}
