package pipelog

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
)

// ErrServed says that another process writes the file.
var ErrServed = errors.New("another process writes this log")

// claimFile makes this process the only one that serves a live file: two would overwrite each
// other. The claim is the lock of a hidden file beside it, because each rotation replaces the
// live file itself; the kernel frees the lock when the process dies.
func claimFile(path string) (release func(), err error) {
	dir, err := sandbox.Open(filepath.Dir(path))
	if err != nil {
		return nil, err
	}
	name := "." + filepath.Base(path) + ".sluice-lock"
	for {
		f, err := lockFile(dir, name)
		if err != nil {
			_ = dir.Close()
			return nil, fmt.Errorf("claim %q: %w", path, err)
		}
		if f == nil {
			continue
		}
		return func() {
			_ = dir.Unlink(name)
			_ = f.Close()
			_ = dir.Close()
		}, nil
	}
}

// lockFile gives nil if the file was removed before it was locked.
func lockFile(dir *sandbox.Dir, name string) (*os.File, error) {
	f, err := dir.OpenWrite(name)
	if errors.Is(err, fs.ErrNotExist) {
		f, err = dir.Create(name, 0o600)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%w: it holds the lock of %q; expected one process for each file", ErrServed, name)
		}
		return nil, err
	}
	locked, err := sandbox.StatFile(f)
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	if named, err := dir.Stat(name); err == nil && named.Inode == locked.Inode {
		return f, nil
	}
	_ = f.Close()
	return nil, nil
}
