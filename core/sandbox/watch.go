package sandbox

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Watch adds the directory to an inotify instance (inotify(7)), which the caller keeps.
func (d *Dir) Watch(inotify int, mask uint32) (watch int, err error) {
	return watchFD(inotify, d.at(), mask)
}

// WatchFile adds an open file, whatever its name is by now.
func WatchFile(inotify int, f *os.File, mask uint32) (watch int, err error) {
	return watchFD(inotify, int(f.Fd()), mask)
}

func watchFD(inotify, fd int, mask uint32) (int, error) {
	watch, err := unix.InotifyAddWatch(inotify, descriptorPath(fd), mask)
	if err != nil {
		return -1, fmt.Errorf("watch: %w", err)
	}
	return watch, nil
}
