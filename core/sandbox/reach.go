package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"sync"
	"sync/atomic"
)

// ErrGone says that a directory is not where it was, or that another one is there.
var ErrGone = errors.New("the sandbox is gone")

// errNotTried is why a directory from Expect is not open yet.
var errNotTried = errors.New("the sandbox has not been opened yet")

// expected is a directory that was open once, in another process.
type expected struct {
	path string
	gone atomic.Bool

	mu  sync.Mutex // held while path is opened
	why atomic.Pointer[error]
}

// Expect gives the directory that path led to when it had these numbers. It does no I/O:
// every method fails until Reach has opened it. The caller closes the Dir.
func Expect(path string, device, inode uint64) *Dir {
	d := &Dir{dev: device, ino: inode}
	d.fd.Store(notReached)
	d.path = path
	d.why.Store(&errNotTried)
	return d
}

// Reach opens a directory from Expect, unless it is open. It may block for as long as the file
// system does, and may be called again after an error; ErrGone is final. It may be called
// concurrently with every other method except Close.
func (d *Dir) Reach() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if err := d.Reached(); err == nil || errors.Is(err, ErrGone) {
		return err
	}
	err := d.reach()
	d.why.Store(&err)
	d.gone.Store(errors.Is(err, ErrGone))
	return err
}

func (d *Dir) reach() error {
	found, err := Open(d.path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrNotDirectory):
		return fmt.Errorf("%w: %w", ErrGone, err)
	case err != nil:
		return err
	case found.dev != d.dev || found.ino != d.ino:
		return errors.Join(fmt.Errorf("%w: %q is not the directory that it was", ErrGone, d.path), found.Close())
	}
	d.fd.Store(found.fd.Swap(notReached))
	return nil
}

// Reached tells why a directory is not open, or nil if it is.
func (d *Dir) Reached() error {
	if why := d.why.Load(); why != nil {
		return *why
	}
	return nil
}
