// Package worker runs the logger's work on the file systems of sandboxes, on a small pool of
// operating-system threads of its own.
//
// The threads have given up for good every capability that would make root different from
// the task's user, and they take the file-system identity of a stream before they touch its
// files. Both are attributes of a thread in the kernel, set by raw system calls: the host's
// own threads never change.
//
// The number of threads that can hang in one file system is bounded, so that work on the
// others goes on. The package refuses to run a task as an identity that the process may not
// take: the task gets the error instead.
package worker

import (
	"errors"
	"fmt"
	"os"
	"os/user"
	"slices"
	"strconv"
)

// Identity is what gives a thread its rights on file systems: fsuid, fsgid and supplementary
// groups.
type Identity struct {
	UID, GID int
	Groups   []uint32
}

// Equal says that both mean the same rights.
func (id Identity) Equal(other Identity) bool {
	return id.UID == other.UID && id.GID == other.GID && slices.Equal(id.Groups, other.Groups)
}

// Self is the identity of the process, for agents that do not switch users.
func Self() (Identity, error) {
	groups, err := os.Getgroups()
	if err != nil {
		return Identity{}, fmt.Errorf("read the groups of this process: %w", err)
	}
	return Identity{UID: os.Geteuid(), GID: os.Getegid(), Groups: narrow(groups)}, nil
}

// ErrNoAnswer says that the name service could not be asked. That does not mean that there is
// no such user.
var ErrNoAnswer = errors.New("the name service of this host does not answer; try again")

// Lookup finds the identity of a user in the host's user database. It may block
// for as long as the name service does. An unknown user is an error, and so is a name
// service that does not answer (ErrNoAnswer).
func Lookup(name string) (Identity, error) {
	u, err := user.Lookup(name)
	if err != nil && !errors.As(err, new(user.UnknownUserError)) {
		err = fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	if err != nil {
		return Identity{}, fmt.Errorf("look up the task's user %q on this host: %w", name, err)
	}
	groups, err := u.GroupIds()
	if err != nil {
		return Identity{}, fmt.Errorf("look up the groups of user %q: %w", name, err)
	}
	numbers, err := parseIDs(append([]string{u.Uid, u.Gid}, groups...))
	if err != nil {
		return Identity{}, fmt.Errorf("look up the task's user %q: %w", name, err)
	}
	return Identity{UID: numbers[0], GID: numbers[1], Groups: narrow(numbers[2:])}, nil
}

func parseIDs(texts []string) ([]int, error) {
	numbers := make([]int, len(texts))
	for i, text := range texts {
		n, err := strconv.Atoi(text)
		if err != nil {
			return nil, fmt.Errorf("id %q is not a number", text)
		}
		numbers[i] = n
	}
	return numbers, nil
}

// narrow gives group ids the width that setgroups(2) takes.
func narrow(ids []int) []uint32 {
	narrowed := make([]uint32, len(ids))
	for i, id := range ids {
		narrowed[i] = uint32(id)
	}
	return narrowed
}
