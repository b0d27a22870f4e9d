package kit

import (
	"fmt"
	"os"
)

// Roles of a program that uses this package, beside the one that is started.
const (
	// OwnRole serves the streams of a state directory and starts containers, until SIGTERM; then it
	// waits until all have ended.
	OwnRole = "own"
	// ContainRole is a container.
	ContainRole = "contain"
)

// Main runs the role that the first argument names with the arguments behind it, or else the
// program that is started, and ends with status 1 where that fails.
func Main(name string, own, contain func([]string) error, started func() error) {
	var err error
	switch role := append(os.Args, "")[1]; role {
	case OwnRole:
		err = own(os.Args[2:])
	case ContainRole:
		err = contain(os.Args[2:])
	default:
		err = started()
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		os.Exit(1)
	}
}
