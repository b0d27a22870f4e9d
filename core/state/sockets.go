package state

import (
	"fmt"
	"net"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// BindSocket gives a socket a name in the directory, for this user alone, in place of what has
// it. It borrows fd. The directory must be locked.
func (d *Dir) BindSocket(fd int, name string) error {
	err := d.RemoveSocket(name)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrUnix{Name: d.SocketAddress(name).Name})
	}
	if err == nil {
		err = unix.Fchmodat(d.fd, name, 0o600, 0)
	}
	if err != nil {
		return fmt.Errorf("listen in state_dir %q: %w", d.path, err)
	}
	return nil
}

// RemoveSocket takes a socket's name out of the directory, which must still be locked.
func (d *Dir) RemoveSocket(name string) error { return d.unlink(name) }

// SocketAddress is the address of a socket in the directory. If the path is longer than an
// address may be, it goes through the directory's descriptor, which must stay open.
func (d *Dir) SocketAddress(name string) *net.UnixAddr {
	path := filepath.Join(d.path, name)
	if len(path) >= maxAddressBytes {
		path = fmt.Sprintf("/proc/thread-self/fd/%d/%s", d.fd, name)
	}
	return &net.UnixAddr{Name: path, Net: "unix"}
}

// SocketAddress is Dir.SocketAddress.
func (v *View) SocketAddress(name string) *net.UnixAddr { return v.dir.SocketAddress(name) }

// maxAddressBytes is the room for a path in struct sockaddr_un (unix(7)).
const maxAddressBytes = len(unix.RawSockaddrUnix{}.Path)
