package sandbox

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// ReadLink gives the text of a link, and follows nothing. It fails for anything but a link, and
// if the text is longer than a path can be.
func (d *Dir) ReadLink(name string) (string, error) {
	if err := checkName(name); err != nil {
		return "", err
	}
	target := make([]byte, unix.PathMax)
	n, err := ignoringEINTR(func() (int, error) { return unix.Readlinkat(d.at(), name, target) })
	if err != nil {
		return "", fmt.Errorf("read link %q: %w", name, err)
	}
	if n == len(target) {
		return "", fmt.Errorf("read link %q: %w", name, unix.ENAMETOOLONG)
	}
	return string(target[:n]), nil
}
