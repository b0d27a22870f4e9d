package sandbox

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// ErrNoInode says that a file system has room for data, but none for another file.
var ErrNoInode = errors.New("the file system has no free inode")

// Explain adds to an error for lack of space that inodes are lacking, if that is so: the kernel
// has one error for both (statfs(2), f_ffree). File systems that make inodes as they need them
// report none at all.
func (d *Dir) Explain(err error) error {
	if !errors.Is(err, unix.ENOSPC) {
		return err
	}
	var st unix.Statfs_t
	if failed := unix.Fstatfs(d.at(), &st); failed != nil || st.Files == 0 || st.Ffree > 0 {
		return err
	}
	return fmt.Errorf("%w: %w", err, ErrNoInode)
}

// Space tells how much of the file system that the directory lies on is free for
// users without privileges, and how much there is in all. It blocks for as long as
// the file system does.
func (d *Dir) Space() (freeBytes, totalBytes int64, err error) {
	var st unix.Statfs_t
	_, err = ignoringEINTR(func() (int, error) { return 0, unix.Fstatfs(d.at(), &st) })
	if err != nil {
		return 0, 0, fmt.Errorf("look for free space: %w", err)
	}
	// The counts are in units of f_frsize (statvfs(3)), which very old file systems
	// leave 0.
	unit := int64(st.Frsize) //nolint:unconvert // narrower on other architectures
	if unit == 0 {
		unit = st.Bsize
	}
	return int64(st.Bavail) * unit, int64(st.Blocks) * unit, nil
}
