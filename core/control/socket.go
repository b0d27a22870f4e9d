package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/state"
)

const (
	// backlog is how many connections the kernel keeps while the owner answers others.
	backlog = 16
	// dialTimeout is how long to wait for an owner whose queue of connections is full.
	dialTimeout = 10 * time.Second
)

// listen makes the socket for questions to the owner of the directory. The caller takes the
// descriptor, which does not block, and removes the socket before it gives the lock up. The
// directory must be locked.
func listen(dir *state.Dir) (fd int, err error) {
	fd, err = unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return -1, fmt.Errorf("listen in state_dir %q: %w", dir.Path(), err)
	}
	if err = dir.BindSocket(fd, state.OwnerSocket); err == nil {
		err = unix.Listen(fd, backlog)
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1, err
	}
	return fd, nil
}

// ErrNoOwner says that nobody answers for a state directory: no agent with the module runs, and
// no keeper serves in its place.
var ErrNoOwner = errors.New("nobody serves the state directory")

// Dial connects to the owner of a directory. Errors: ErrNoOwner, or the system's, such as
// fs.ErrPermission.
func Dial(ctx context.Context, dir *state.View) (net.Conn, error) {
	address := dir.SocketAddress(state.OwnerSocket)
	conn, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, address.Net, address.Name)
	if errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ECONNREFUSED) {
		return nil, fmt.Errorf("%w %q", ErrNoOwner, dir.Path())
	}
	if err != nil {
		return nil, fmt.Errorf("ask the owner of state_dir %q: %w", dir.Path(), err)
	}
	return conn, nil
}
