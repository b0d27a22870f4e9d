package state

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// OpenSpill opens the file through which the dropped output of a stream goes: at a kill the
// output is in the pipe, in this file, or in the account. If the file is missing, create makes
// it; otherwise the error is fs.ErrNotExist. The caller closes the file.
func (d *Dir) OpenSpill(id string, create bool) (*os.File, error) {
	name := id + spillSuffix
	flags := unix.O_RDWR | unix.O_NOFOLLOW | unix.O_CLOEXEC
	if create {
		flags |= unix.O_CREAT
	}
	for {
		fd, err := unix.Openat(d.fd, name, flags, 0o600)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("open %q in state_dir %q: %w", name, d.path, err)
		}
		return os.NewFile(uintptr(fd), name), nil
	}
}
