package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"time"
)

// asideMark stands in the names of what was moved out of the way. The first few for a name are
// numbered from 1, later ones by the clock: finding a free number must not take longer the
// more impostors a task plants.
const (
	asideMark     = ".impostor-"
	numberedAside = 4
)

// MoveAside renames what bears a name of ours and is not ours. It returns the new name, which
// says so. It moves the name itself: nothing behind it is opened or followed, and nothing is
// replaced.
func (d *Dir) MoveAside(name string) (aside string, err error) {
	for n := int64(1); ; n++ {
		if n > numberedAside {
			n = time.Now().UnixNano()
		}
		aside = fmt.Sprintf("%s%s%d", name, asideMark, n)
		err = d.RenameNew(name, d, aside)
		if err == nil {
			return aside, nil
		}
		if !errors.Is(err, fs.ErrExist) || n > numberedAside {
			return "", fmt.Errorf("move the impostor %q aside: %w", name, err)
		}
	}
}
