package sandbox

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Replace gives a name new contents. They appear whole or not at all, and what had the name,
// even a link, is replaced, not written to.
func (d *Dir) Replace(name string, contents []byte, mode os.FileMode) error {
	temporary := "." + name + ".sluice-new"
	f, err := d.Create(temporary, mode)
	if errors.Is(err, fs.ErrExist) {
		if err := d.Unlink(temporary); err != nil {
			return err
		}
		f, err = d.Create(temporary, mode)
	}
	if err != nil {
		return err
	}
	_, err = f.Write(contents)
	if err = errors.Join(err, f.Close()); err == nil {
		err = d.Rename(temporary, d, name)
	}
	if err != nil {
		_ = d.Unlink(temporary)
		return fmt.Errorf("replace %q: %w", name, err)
	}
	return nil
}
