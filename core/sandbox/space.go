package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

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
