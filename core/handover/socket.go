package handover

import (
	"fmt"
	"net"

	"sluice/core/state"
)

// listen makes the socket on which agents ask a keeper that owns the directory to hand over.
// The caller closes it, which removes it. The directory must be locked.
func listen(dir *state.Dir) (*net.UnixListener, error) {
	if err := dir.RemoveSocket(state.KeeperSocket); err != nil {
		return nil, err
	}
	l, err := net.ListenUnix("unix", dir.SocketAddress(state.KeeperSocket))
	if err != nil {
		return nil, fmt.Errorf("listen for the agent in state_dir %q: %w", dir.Path(), err)
	}
	return l, nil
}

// dial connects to a keeper that listens.
func dial(dir *state.Dir) (*net.UnixConn, error) {
	return net.DialUnix("unix", nil, dir.SocketAddress(state.KeeperSocket))
}
