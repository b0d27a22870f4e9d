package sandbox

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"

	"golang.org/x/sys/unix"
)

// ErrTooManyNames says that a directory holds more names than List may look at.
var ErrTooManyNames = errors.New("too many names in the directory")

// List gives the files whose names want accepts, in no order. It reads at most
// limit names of the directory (a task can fill its sandbox with millions) and
// then returns what it has with ErrTooManyNames. A name that vanishes between the
// reading of the directory and its stat is left out.
func (d *Dir) List(limit int, want func(name string) bool) ([]Info, error) {
	var found []Info
	_, err := d.Walk(limit, func(name string, _ bool) error {
		if !want(name) {
			return nil
		}
		info, err := d.Stat(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			found = append(found, info)
		}
		return err
	})
	return found, err
}

// listBytes of a directory are read at a time, so that memory stays bounded.
const listBytes = 64 << 10

// Walk calls each for every name in the directory, in no order, and gives how many there were.
// directory says that the listing shows the name to be one (a file system need not tell). It
// ends with the first error of each, or with ErrTooManyNames after limit names.
func (d *Dir) Walk(limit int, each func(name string, directory bool) error) (names int, err error) {
	fd, err := ignoringEINTR(func() (int, error) {
		return unix.Openat(d.at(), ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	})
	if err != nil {
		return 0, fmt.Errorf("list sandbox: %w", err)
	}
	defer unix.Close(fd)
	buffer := make([]byte, listBytes)
	for {
		n, err := ignoringEINTR(func() (int, error) { return unix.Getdents(fd, buffer) })
		if err != nil {
			return names, fmt.Errorf("list sandbox: %w", err)
		}
		if n == 0 {
			return names, nil
		}
		for rest := buffer[:n]; len(rest) > 0; {
			var entry dirent
			if entry, rest, err = nextDirent(rest); err != nil {
				return names, err
			}
			if entry.name == "." || entry.name == ".." {
				continue
			}
			if names++; names > limit {
				return names, fmt.Errorf("list sandbox: %w (over %d)", ErrTooManyNames, limit)
			}
			if err := each(entry.name, entry.kind == unix.DT_DIR); err != nil {
				return names, err
			}
		}
	}
}

// dirent is what the kernel says of a name: struct linux_dirent64, getdents(2).
type dirent struct {
	name string
	kind byte
}

// Offsets of its members.
const (
	direntLength = 16
	direntKind   = 18
	direntName   = 19
)

var errDirent = errors.New("list sandbox: the kernel's entry cannot be read")

func nextDirent(buffer []byte) (entry dirent, rest []byte, err error) {
	if len(buffer) < direntName {
		return entry, nil, errDirent
	}
	length := int(binary.NativeEndian.Uint16(buffer[direntLength:]))
	if length <= direntName || length > len(buffer) {
		return entry, nil, errDirent
	}
	name, _, _ := bytes.Cut(buffer[direntName:length], []byte{0})
	return dirent{name: string(name), kind: buffer[direntKind]}, buffer[length:], nil
}
