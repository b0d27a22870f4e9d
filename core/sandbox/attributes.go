package sandbox

import (
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// SetAttributes gives an open file exactly the permission bits of mode, and uid and gid unless
// they are negative. The owner is set first, since fchown(2) clears bits of the mode.
func SetAttributes(f *os.File, mode os.FileMode, uid, gid int) error {
	var failed error
	if uid >= 0 || gid >= 0 {
		if err := unix.Fchown(int(f.Fd()), uid, gid); err != nil {
			failed = fmt.Errorf("set owner of %q to %d:%d: %w", f.Name(), uid, gid, err)
		}
	}
	if err := unix.Fchmod(int(f.Fd()), uint32(mode.Perm())); err != nil {
		return fmt.Errorf("set mode of %q: %w", f.Name(), err)
	}
	return failed
}

// CopyAttributes gives dst the mode, owner and times of src, for a copy that takes its place.
// Times keep their nanoseconds. It fails only if the mode cannot be set: if the file may not
// be given away it keeps its owner, as with cp -p.
func CopyAttributes(dst, src *os.File) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(src.Fd()), &st); err != nil {
		return fmt.Errorf("stat %q: %w", src.Name(), err)
	}
	_ = unix.Fchown(int(dst.Fd()), int(st.Uid), int(st.Gid))
	if err := unix.Fchmod(int(dst.Fd()), st.Mode&0o777); err != nil {
		return fmt.Errorf("set mode of %q: %w", dst.Name(), err)
	}
	return setTimes(dst, st.Atim, st.Mtim)
}

// SetModTime sets the times of an open file.
func SetModTime(f *os.File, t time.Time) error {
	ts := unix.NsecToTimespec(t.UnixNano())
	return setTimes(f, ts, ts)
}

func setTimes(f *os.File, atime, mtime unix.Timespec) error {
	// An empty path with AT_EMPTY_PATH means the descriptor itself (utimensat(2), 5.8).
	err := unix.UtimesNanoAt(int(f.Fd()), "", []unix.Timespec{atime, mtime}, unix.AT_EMPTY_PATH)
	if err != nil {
		return fmt.Errorf("set times of %q: %w", f.Name(), err)
	}
	return nil
}

// SetOwner gives the directory itself to uid and gid; negative ones stay.
func (d *Dir) SetOwner(uid, gid int) error {
	if err := unix.Fchown(d.at(), uid, gid); err != nil {
		return fmt.Errorf("set owner of directory to %d:%d: %w", uid, gid, err)
	}
	return nil
}

// WorkingDir is a name of the directory for chdir(2) in a child of this process, valid while
// d is open. It is not for opening files.
func (d *Dir) WorkingDir() string { return fmt.Sprintf("/proc/self/fd/%d", d.at()) }
