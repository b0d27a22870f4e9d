package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
)

// asideMark stands in the names of what was moved out of the way; maxAside bounds
// how many there can be of one name before the oldest number is used again.
const (
	asideMark = ".impostor-"
	maxAside  = 16
)

// MoveAside gives what bears a name of ours, and is not ours, a name that says so,
// and tells that name. It moves the name itself: nothing behind it is opened or
// followed. There are at most 16 of one name; then the last is replaced where the
// kernel allows (a directory that is not empty is not), so that a task which plants
// impostors in a loop fills nothing.
func (d *Dir) MoveAside(name string) (aside string, err error) {
	for n := 1; n <= maxAside; n++ {
		aside = fmt.Sprintf("%s%s%d", name, asideMark, n)
		err = d.RenameNew(name, d, aside)
		if !errors.Is(err, fs.ErrExist) {
			break
		}
	}
	if errors.Is(err, fs.ErrExist) {
		err = d.Rename(name, d, aside)
	}
	if err != nil {
		return "", fmt.Errorf("move the impostor %q aside: %w", name, err)
	}
	return aside, nil
}
