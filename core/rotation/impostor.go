package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"sluice/core/sandbox"
	"time"
)

// moveAside gives what bears a name of ours, and is no file of ours, a name that
// says so. serial is where the numbers go on, so that a task that plants them one
// after the other is not searched through each time.
func moveAside(dir *sandbox.Dir, name string, serial *int) error {
	const attempts = 64
	for range attempts {
		*serial++
		aside := fmt.Sprintf("%s.impostor-%d", name, *serial)
		err := dir.RenameNew(name, dir, aside)
		if err == nil {
			return nil
		}
		if !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("move impostor aside: %w", err)
		}
	}
	aside := fmt.Sprintf("%s.impostor-%d", name, time.Now().UnixNano())
	if err := dir.RenameNew(name, dir, aside); err != nil {
		return fmt.Errorf("move impostor aside: %w", err)
	}
	return nil
}
