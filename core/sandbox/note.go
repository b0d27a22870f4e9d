package sandbox

import (
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// MaxNoteBytes is the length of the longest note (symlink(2), PATH_MAX).
const MaxNoteBytes = 4095

// WriteNote leaves a short text under a name, as the target of a symbolic link that nobody
// follows: that is one step, done wholly or not at all, and needs no data block. A name that
// exists gives fs.ErrExist.
func (d *Dir) WriteNote(name, text string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if text == "" || len(text) > MaxNoteBytes {
		return fmt.Errorf("write note %q: %w: %d bytes", name, fs.ErrInvalid, len(text))
	}
	if err := unix.Symlinkat(text, d.at(), name); err != nil {
		return fmt.Errorf("write note %q: %w", name, err)
	}
	return nil
}

// ReadNote reads what WriteNote left. The task can change it, so do not trust it. Anything but
// a link gives ErrImpostor.
func (d *Dir) ReadNote(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	buf := make([]byte, MaxNoteBytes+1)
	n, err := unix.Readlinkat(d.at(), name, buf)
	if errors.Is(err, unix.EINVAL) {
		return "", fmt.Errorf("read note %q: %w", name, ErrImpostor)
	}
	if err != nil {
		return "", fmt.Errorf("read note %q: %w", name, err)
	}
	return string(buf[:n]), nil
}
