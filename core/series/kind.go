package series

import (
	"fmt"
	"io/fs"

	"sluice/core/sandbox"
)

// kind says in words what bears a name.
func kind(info sandbox.Info) string {
	switch {
	case info.Mode.IsDir():
		return "a directory"
	case info.Mode&fs.ModeSymlink != 0:
		return "a symbolic link"
	case info.Mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case info.Mode&fs.ModeSocket != 0:
		return "a socket"
	case info.Mode.IsRegular():
		return fmt.Sprintf("a file with %d names", info.Links)
	}
	return "a device"
}
