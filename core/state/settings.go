package state

import (
	"errors"
	"fmt"
	"io/fs"
	"os"

	"golang.org/x/sys/unix"
)

// SaveSettings keeps the settings of this owner, in a form of the caller's choice, for an owner
// that has none of its own.
func (d *Dir) SaveSettings(text []byte) error { return d.replace(settingsName, text) }

// LoadSettings gives what the last owner kept, or nothing if there was no owner yet.
func (d *Dir) LoadSettings() ([]byte, error) {
	text, err := d.read(settingsName)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return text, err
}

// errNoFile says that something other than a file has the name of one.
var errNoFile = errors.New("not a regular file")

// read gives the contents of a small file in the directory. It never blocks on anything else
// that has the name, and gives errNoFile for it.
func (d *Dir) read(name string) ([]byte, error) {
	fd, err := unix.Openat(d.fd, name, unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
	if errors.Is(err, unix.ELOOP) || errors.Is(err, unix.ENXIO) {
		return nil, fmt.Errorf("open %q in state_dir %q: %w (%w)", name, d.path, errNoFile, err)
	}
	if err != nil {
		return nil, fmt.Errorf("open %q in state_dir %q: %w", name, d.path, err)
	}
	f := os.NewFile(uintptr(fd), name)
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, fmt.Errorf("read %q in state_dir %q: %w", name, d.path, errors.Join(err, errNoFile))
	}
	data, err := readBounded(f)
	if err != nil {
		return nil, fmt.Errorf("read %q in state_dir %q: %w", name, d.path, err)
	}
	return data, nil
}
