package state

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// askers is how many connections the kernel keeps for an owner that is answering others.
const askers = 16

// dialTime is how long an owner may take whose queue of connections is full.
const dialTime = 10 * time.Second

// ListenOwner makes the socket on which the owner of the directory can be asked what it
// does. The caller takes the descriptor, which does not block, and calls CloseOwner
// before it gives the lock up. The directory must be locked.
func (d *Dir) ListenOwner() (fd int, err error) {
	if err := d.CloseOwner(); err != nil {
		return -1, err
	}
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: d.socketAddress(ownerName).Name})
	}
	if err == nil {
		err = unix.Fchmodat(d.fd, ownerName, 0o600, 0)
	}
	if err == nil {
		err = unix.Listen(fd, askers)
	}
	if err != nil {
		if fd >= 0 {
			_ = unix.Close(fd)
		}
		return -1, fmt.Errorf("listen in state_dir %q: %w", d.path, err)
	}
	return fd, nil
}

// CloseOwner removes the socket.
func (d *Dir) CloseOwner() error { return d.unlink(ownerName) }

// ErrNoOwner says that nobody answers for a state directory: no agent with the module
// runs, and no keeper serves in its place.
var ErrNoOwner = errors.New("nobody serves the state directory")

// DialOwner connects to the owner of the directory. Errors: ErrNoOwner, or of the
// system, such as fs.ErrPermission.
func (v *View) DialOwner(ctx context.Context) (net.Conn, error) {
	address := v.dir.socketAddress(ownerName)
	conn, err := (&net.Dialer{Timeout: dialTime}).DialContext(ctx, address.Net, address.Name)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("%w %q", ErrNoOwner, v.dir.path)
	}
	if err != nil {
		return nil, fmt.Errorf("ask the owner of state_dir %q: %w", v.dir.path, err)
	}
	return conn, nil
}

// BootID is the kernel's id of the present boot: the pipes of a record of another one
// are gone.
func (v *View) BootID() (string, error) {
	here := Dir{}
	err := here.readBootID()
	return here.bootID, err
}
