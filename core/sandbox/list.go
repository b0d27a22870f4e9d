package sandbox

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// ErrTooManyNames says that a directory holds more names than List may look at.
var ErrTooManyNames = errors.New("too many names in the directory")

// listBatch names are read at a time, so that memory stays bounded.
const listBatch = 1024

// List gives the files whose names want accepts, in no order. It reads at most
// limit names of the directory (a task can fill its sandbox with millions) and
// then returns what it has with ErrTooManyNames. A name that vanishes between the
// reading of the directory and its stat is left out.
func (d *Dir) List(limit int, want func(name string) bool) ([]Info, error) {
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Openat(d.fd, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return nil, fmt.Errorf("list sandbox: %w", err)
	}
	f := os.NewFile(uintptr(fd), ".")
	defer f.Close()

	var found []Info
	for seen := 0; ; {
		names, err := f.Readdirnames(listBatch)
		if seen += len(names); seen > limit {
			return found, fmt.Errorf("list sandbox: %w (over %d)", ErrTooManyNames, limit)
		}
		for _, name := range names {
			if !want(name) {
				continue
			}
			info, err := d.Stat(name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return found, err
			}
			found = append(found, info)
		}
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return found, fmt.Errorf("list sandbox: %w", err)
		}
	}
}
