package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"sluice/core/rotation"
	"sluice/core/worker"
)

// logFile is the file that `sluice pipe` is to write, which its user has named himself: what
// stands there and is no log is his, and is not touched. In the sandbox of a task it would be
// moved aside.
type logFile struct {
	path string
	// group and mode are for a file that is not there yet; empty: the usual ones.
	group, mode string
}

// look refuses what is no regular file with one name. Nothing is opened. Links are refused too:
// who may put one there could have another file written, and rotated files would be beside the
// link and not beside the file.
func (l *logFile) look() error {
	info, err := os.Lstat(l.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("--log_filename=%s: %w", l.path, err)
	}
	what := ""
	switch mode := info.Mode(); {
	case mode.IsDir():
		what = "it is a directory"
	case mode&fs.ModeSymlink != 0:
		to, _ := os.Readlink(l.path)
		what = fmt.Sprintf("it is a symbolic link to %q: give the path that it leads to", to)
	case mode&fs.ModeNamedPipe != 0:
		what = "it is a FIFO"
	case mode&fs.ModeSocket != 0:
		what = "it is a socket"
	case mode&fs.ModeDevice != 0:
		what = "it is a device"
	case !mode.IsRegular():
		what = "it is no file"
	default:
		if links := info.Sys().(*syscall.Stat_t).Nlink; links > 1 {
			what = fmt.Sprintf("it is a file with %d names", links)
		}
	}
	if what != "" {
		return usagef("--log_filename=%s: %s; expected a regular file with one name, or nothing", l.path, what)
	}
	return nil
}

// make makes the file where it is not there yet, as the user who starts the command: --group may
// be one that --user is not in. owner is who the command becomes.
func (l *logFile) make(owner string) error {
	if l.group == "" && l.mode == "" {
		return nil
	}
	mode, gid, uid := uint64(0o644), -1, -1
	var err error
	if l.mode != "" {
		if mode, err = strconv.ParseUint(l.mode, 8, 16); err != nil || mode > 0o777 {
			return usagef("--mode=%s: expected permission bits in octal, such as 0640", l.mode)
		}
	}
	if l.group != "" {
		if gid, err = rotation.GroupID(l.group); err != nil {
			return usagef("--group=%s: expected a group of this machine", l.group)
		}
	}
	if owner != "" {
		id, err := worker.Lookup(owner)
		if err != nil {
			return usageError{fmt.Errorf("--user=%s: %w", owner, err)}
		}
		if uid = id.UID; gid < 0 {
			gid = id.GID
		}
	}
	f, err := os.OpenFile(l.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL|unix.O_NOFOLLOW, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err == nil && (uid >= 0 || gid >= 0) {
		err = f.Chown(uid, gid)
	}
	if err == nil {
		err = f.Chmod(fs.FileMode(mode))
	}
	if f != nil {
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		return fmt.Errorf("make the log file: %w", err)
	}
	return nil
}

// mayWrite refuses a file that the command, as who it is now, may not write.
func (l *logFile) mayWrite() error {
	var st unix.Stat_t
	err := unix.Lstat(l.path, &st)
	if errors.Is(err, fs.ErrNotExist) || err == nil && int(st.Uid) == os.Geteuid() {
		return nil // not there yet, or our own, whatever its mode
	}
	if err != nil {
		return fmt.Errorf("--log_filename=%s: %w", l.path, err)
	}
	const read, write = 4, 2
	if err := unix.Faccessat(unix.AT_FDCWD, l.path, read|write, unix.AT_EACCESS|unix.AT_SYMLINK_NOFOLLOW); err != nil {
		return fmt.Errorf("--log_filename=%s: it is of another user (uid %d), and may not be written: %w; expected a log of one's own, or root", l.path, st.Uid, err)
	}
	return nil
}
