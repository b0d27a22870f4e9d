package rotation

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"sluice/core/logrotate"
	"sluice/core/rotation/compress"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

// A series that was kept under another policy has names and forms that the present one does not
// know: rotations would write over them, or leave them for ever. So Convert brings them under
// the present policy before its first rotation. The oldest beyond its number go; the others get
// its names and its form. At every instant each file is under one of its two names, or under
// both with the same time. After a kill the next call does the rest.

// Convert brings files that were rotated under the policy former under the present one. Call it
// after New and before Recover. It may read and write the whole series. What it cannot convert
// (its compressor is not built in) stays as it is, and the error names it.
func (s *Set) Convert(former logrotate.Policy) error {
	s.turn.Lock()
	defer s.turn.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil {
		return fmt.Errorf("convert %q: %w", s.cfg.Base, fs.ErrClosed)
	}
	c := &conversion{present: s, sameNames: sameNames(former, s.cfg.Policy, s.cfg.Base)}
	if c.nothing(former) {
		return nil
	}
	if err := c.open(former); err != nil || c.former == nil {
		return err
	}
	defer c.former.Close()
	if err := c.run(); err != nil {
		return fmt.Errorf("bring the files of %q under the present policy: %w", s.cfg.Base, err)
	}
	return nil
}

// conversion is from one policy to another.
type conversion struct {
	former, present *Set
	sameNames       bool // plain files have the same ones
	files           []File
}

// open finishes what was begun under the former policy, and lists its files.
func (c *conversion) open(former logrotate.Policy) error {
	cfg := c.present.cfg
	cfg.Policy, cfg.RunScript, cfg.Kept = former, nil, nil
	cfg.Policy.CreateOldDir.On, cfg.Policy.MaxAge = false, 0
	cfg.Submit = func(Task) {} // a later Recover finds what is owed
	set, err := New(cfg)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, sandbox.ErrNotDirectory) {
		return nil // its olddir has gone, and the files with it
	}
	if err != nil {
		return fmt.Errorf("open the series as it was: %w", err)
	}
	c.former = set
	err = set.Recover(cfg.Now())
	if err == nil {
		c.files, err = set.Files()
	}
	if err != nil {
		c.former = nil
		return errors.Join(fmt.Errorf("look at the series as it was: %w", err), set.Close())
	}
	return nil
}

// sameNames says that plain files have the same names under both policies.
func sameNames(former, present logrotate.Policy, base string) bool {
	return former.OldDir == present.OldDir && seriesname.New(former, base).SameNames(seriesname.New(present, base))
}

// nothing says that both policies lead to the same files.
func (c *conversion) nothing(former logrotate.Policy) bool {
	present := c.present.cfg.Policy
	return c.sameNames && former.CompressExt() == present.CompressExt() &&
		former.DelayCompress == present.DelayCompress &&
		(present.Rotate < 0 || former.Rotate >= 0 && former.Rotate <= present.Rotate)
}

func (c *conversion) run() error {
	if err := c.trim(); err != nil {
		return err
	}
	names, err := c.targets()
	if err != nil {
		return err
	}
	order := make([]int, len(c.files))
	for i := range order {
		order[i] = i
	}
	if c.downwards() {
		slices.Reverse(order) // the youngest first: each makes room for the next
	}
	var failed []error
	for _, i := range order {
		if err := c.convert(c.files[i], names[i], i == len(c.files)-1); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// trim removes the oldest files, which the present policy does not keep.
func (c *conversion) trim() error {
	keep := c.present.cfg.Policy.Rotate
	if keep < 0 {
		return nil
	}
	for len(c.files) > keep {
		err := c.former.unlinkAloneLocked(c.files[0].Name)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		c.files = c.files[1:]
	}
	return nil
}

// downwards says that numbers get smaller.
func (c *conversion) downwards() bool {
	a, b := c.former.scheme, c.present.scheme
	return !a.Dated() && !b.Dated() && b.Start() < a.Start()
}

// targets gives the plain name that each file has under the present policy.
func (c *conversion) targets() ([]string, error) {
	names := make([]string, len(c.files))
	a, b := c.former.scheme, c.present.scheme
	switch {
	case c.sameNames:
		for i, file := range c.files {
			names[i] = file.at.Plain
		}
	case b.Dated():
		c.dates(names)
	case !a.Dated():
		for i, file := range c.files {
			names[i] = b.Slot(file.at.Number + b.Start() - a.Start())
		}
	default:
		behind, err := c.highestSlot()
		if err != nil {
			return nil, err
		}
		for i := range c.files {
			names[i] = b.Slot(behind + len(c.files) - 1 - i)
		}
	}
	return names, nil
}

// highestSlot is where files that had dates begin: in the first slot, or behind those that have
// numbers already, if they are in the way.
func (c *conversion) highestSlot() (int, error) {
	start := c.present.scheme.Start()
	files, err := c.present.lookLocked()
	if err != nil {
		return 0, err
	}
	highest, inTheWay := start-1, false
	for name := range files {
		if at, ok := c.present.scheme.Parse(name); ok && at.Number >= start {
			highest = max(highest, at.Number)
			inTheWay = inTheWay || at.Number < start+len(c.files)
		}
	}
	if inTheWay {
		return highest + 1, nil
	}
	return start, nil
}

// dates names files by their own times, so that the names keep their order.
func (c *conversion) dates(names []string) {
	scheme := c.present.scheme
	var last seriesname.Place
	for i, file := range c.files {
		at := scheme.Of(scheme.Date(file.ModTime.In(c.present.cfg.Now().Location())))
		if i > 0 && !last.Before(at) {
			at = last
			at.Counter++
		}
		last = at
		names[i] = scheme.Day(at.Date, at.Counter)
	}
}

// convert gives one file its name and its form. It leaves a plain file that has to be compressed
// to the background, and the youngest one plain if compression is delayed.
func (c *conversion) convert(file File, plain string, youngest bool) error {
	to, scheme := c.present, c.present.scheme
	compressed := file.Compressed && file.Name != file.at.Plain
	ending := file.Name[len(file.at.Plain):]
	switch {
	case !compressed:
		if scheme.CompressExt() != "" && (!youngest || !to.cfg.Policy.DelayCompress) {
			to.markLocked(file.Inode)
		} else if scheme.CompressExt() == "" {
			_ = to.dropNoteLocked(seriesname.Owed(to.cfg.Base, file.Inode))
		}
		return c.rename(file.Name, plain)
	case ending == scheme.CompressExt():
		return c.rename(file.Name, scheme.Compressed(plain))
	}
	return c.rewrite(file, scheme.Compressed(plain))
}

func (c *conversion) rename(from, name string) error {
	if c.former.cfg.Policy.OldDir == c.present.cfg.Policy.OldDir && from == name {
		return nil
	}
	err := c.put(c.former.dir, from, name)
	if err == nil {
		err = c.present.killed("convert %q to %q", from, name)
	}
	return err
}

// put gives a file in a directory its name in the series; what has that name becomes a backup.
func (c *conversion) put(dir *directory, from, name string) error {
	to := c.present
	defer to.listing.forget()
	move := func() error { return dir.RenameNew(from, to.dir.Dir, name) }
	err := move()
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	backup := backupName(name, to.cfg.Now())
	if err := to.overLocked(backup, func() error { return to.dir.RenameNew(name, to.dir.Dir, backup) }); err != nil {
		return err
	}
	return move()
}

// rewrite puts the contents of a compressed file into the present form.
func (c *conversion) rewrite(file File, name string) error {
	to := c.present
	if made, err := to.dir.Stat(name); err == nil && made.Ours() && made.ModTime.Equal(file.ModTime) {
		return c.former.unlinkAloneLocked(file.Name) // a kill came before this step
	}
	src, err := c.former.dir.OpenOwnRead(file.Name)
	if err != nil {
		return err
	}
	defer src.Close()
	output := seriesname.Output(to.cfg.Base, file.Inode)
	_ = to.dir.Unlink(output)
	dst, err := to.dir.Create(output, 0o600)
	if err != nil {
		return err
	}
	defer dst.Close()
	if err = c.refill(dst, src); err == nil {
		err = sandbox.CopyAttributes(dst, src)
	}
	if err == nil {
		err = to.killed("rewrite %q", file.Name)
	}
	if err == nil {
		err = c.put(to.dir, output, name)
	}
	if err == nil {
		err = to.killed("publish %q", name)
	}
	if err != nil {
		if !errors.Is(err, errStopped) {
			_ = to.dir.Unlink(output)
		}
		return fmt.Errorf("convert %q, which stays as it is: %w", file.Name, err)
	}
	return c.former.unlinkAloneLocked(file.Name)
}

func (c *conversion) refill(dst, src *os.File) error {
	content, err := compress.Expand(src)
	if err != nil {
		return err
	}
	defer content.Close()
	policy := c.present.cfg.Policy
	if policy.Compress && !policy.Compressor.External {
		return compress.Copy(dst, content, policy.Compressor)
	}
	if policy.Compress {
		return fmt.Errorf("%w: the policy's compressor is %q", compress.ErrMethod, policy.Compressor.Program)
	}
	_, err = io.Copy(dst, content)
	return err
}

// unlinkAloneLocked removes a file that nothing else belongs to.
func (s *Set) unlinkAloneLocked(name string) error {
	err := s.dir.Unlink(name)
	if err == nil {
		err = s.killed("remove %q", name)
	}
	return err
}
