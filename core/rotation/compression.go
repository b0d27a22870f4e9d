package rotation

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"sluice/core/logrotate"
	"sluice/core/rotation/compress"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
	"sluice/core/seriesname"
	"sluice/core/shortage"
)

// compression is one attempt at a job. It owns its descriptors and borrows its
// directory.
type compression struct {
	job      *job
	dir      *directory
	name     string // of the plain file when the attempt began
	src, dst *os.File
	err      error
}

// begin opens the file and makes a new output, without the lock. nil says that there is nothing
// left to do. If it fails, the attempt is concluded as one that failed.
func (s *Set) begin(j *job) *compression {
	c, done := s.takeJob(j)
	if c == nil || done {
		return c
	}
	pinned := false
	defer func() {
		if !pinned {
			s.release(c)
		}
	}()
	for {
		c.src, c.err = c.openSource()
		if !errors.Is(c.err, fs.ErrNotExist) {
			break
		}
		if !s.followRename(c) {
			return nil
		}
	}
	if pinned = c.err != nil || s.pinned(c); !pinned {
		return nil
	}
	if c.err == nil {
		s.makeOutput(c)
	}
	return c
}

// takeJob makes an attempt at a job; it borrows the directory.
func (s *Set) takeJob(j *job) (c *compression, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil || j.stage.over() {
		return nil, false
	}
	return &compression{job: j, dir: s.borrowLocked(), name: j.name}, j.stage.is(published)
}

// release gives up what an attempt holds. It can be repeated.
func (s *Set) release(c *compression) {
	closeFile(c.src)
	closeFile(c.dst)
	c.src, c.dst = nil, nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.dir != nil {
		s.giveBack(c.dir)
		c.dir = nil
	}
}

func (s *Set) makeOutput(c *compression) {
	if c.dst, c.err = s.createOutput(c.dir, seriesname.Output(s.cfg.Base, c.job.inode)); c.err == nil {
		c.err = s.killed("create output for %q", c.name)
	}
}

// createOutput makes a new file, whatever bears its name.
func (s *Set) createOutput(dir *directory, name string) (*os.File, error) {
	_ = dir.Unlink(name)
	dst, err := dir.Create(name, 0o600)
	if !blocked(err) {
		return dst, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir != dir {
		return nil, err
	}
	err = s.overLocked(name, func() error {
		dst, err = dir.Create(name, 0o600)
		return err
	})
	return dst, err
}

// pinned says that the file that was opened is still the job's. If not, the job's file was
// disposed of, and a later file of the series has its inode number, after which the output is
// named too. Once it is open, no other file gets the number until conclude has closed it.
func (s *Set) pinned(c *compression) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return !c.job.stage.over()
}

// openSource opens the plain file by the name that it had. If another file has that name by
// now, the error is also fs.ErrNotExist.
func (c *compression) openSource() (*os.File, error) {
	src, err := c.dir.OpenOwnRead(c.name)
	if err != nil {
		return nil, err
	}
	info, err := sandbox.StatFile(src)
	if err == nil && info.Inode != c.job.inode {
		err = fs.ErrNotExist
	}
	if err != nil {
		_ = src.Close()
		return nil, err
	}
	return src, nil
}

// followRename tells whether a rotation has given the file another name meanwhile. If not, it
// was not the logger that took the name away, and the job is over.
func (s *Set) followRename(c *compression) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == c.dir && !c.job.stage.over() {
		if c.job.name != c.name {
			c.name = c.job.name
			return true
		}
		s.abandonLocked(c.job, gone)
	}
	return false
}

// fill does the long part: it fills the output and gives it the attributes of the plain file.
// The time comes last, and marks the output as complete.
func (s *Set) fill(c *compression) {
	if c.err == nil && c.src != nil {
		c.err = s.copy(c.job, c.dst, c.src)
	}
}

// conclude puts the compressed file into its place, or cleans up, and releases what the attempt
// holds.
func (s *Set) conclude(c *compression) error {
	defer s.release(c)
	s.mu.Lock()
	defer s.mu.Unlock()
	err := c.err
	if err == nil && s.dir == c.dir && !c.job.stage.over() {
		err = s.finishLocked(c.job)
	}
	if errors.Is(err, errStopped) {
		return err
	}
	if c.dst != nil && (s.dir == c.dir || c.job.stage.is(forgone)) {
		// After Close the directory is another owner's, and the output may be too.
		_ = c.dir.Unlink(seriesname.Output(s.cfg.Base, c.job.inode))
	}
	if err == nil || c.job.stage.over() {
		return nil
	}
	if !shortage.Is(err) {
		s.stats.FailedCompressions++
	}
	return err
}

// copy fills dst with the compressed content of src.
func (s *Set) copy(j *job, dst, src *os.File) error {
	before, err := sandbox.StatFile(src)
	if err != nil {
		return err
	}
	if s.cfg.LimitBytes > 0 && before.Size/2 > s.cfg.LimitBytes {
		return fmt.Errorf("%q has %d bytes, far more than the limit of %d: it is left as it is",
			src.Name(), before.Size, s.cfg.LimitBytes)
	}
	if s.cfg.Policy.Compressor.External {
		err = s.copyExternally(j, dst, src)
	} else {
		err = compress.Copy(dst, io.LimitReader(&stoppable{src, &j.stage}, before.Size), s.cfg.Policy.Compressor)
	}
	if err != nil {
		return err
	}
	if after, err := sandbox.StatFile(src); err != nil || after.Size != before.Size {
		return errors.Join(err, fmt.Errorf("%q changed while it was compressed", src.Name()))
	}
	if err := sandbox.CopyAttributes(dst, src); err != nil {
		return err
	}
	if text := s.cfg.Policy.Scripts.PreRemove; text != "" {
		if err := s.run(s.commandFor(j)); err != nil {
			s.cfg.Log.Warn("script failed", "script", "preremove", "file", src.Name(), "error", err)
		}
	}
	return nil
}

// commandFor gives the script that runs before the plain file goes.
func (s *Set) commandFor(j *job) script.Command {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.scriptCommand(Step{Script: "preremove", From: j.name})
}

// pathOf is where the file of a job is now, as programs see it.
func (s *Set) pathOf(j *job) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seriesPath(j.name)
}

func (s *Set) copyExternally(j *job, dst, src *os.File) error {
	c := s.cfg.Policy.Compressor
	words, _ := logrotate.SplitWords(c.Options)
	return s.run(script.Command{
		Name: "compress", Args: append([]string{c.Program}, words...),
		Env:   []string{"LOGROTATE_COMPRESSED_FILENAME=" + s.pathOf(j)},
		Stdin: src, Stdout: dst,
	})
}

// finishLocked puts the compressed file into the slot that the plain one has now.
func (s *Set) finishLocked(j *job) error {
	if j.stage.is(published) && !s.publishedLocked(j) {
		// The plain file could not be removed, and since then a rotation has disposed of the
		// compressed one, which was in its way. Only the plain one is left.
		j.stage.become(owed)
		return errUnpublished
	}
	if j.stage.is(published) {
		return s.retireLocked(j)
	}
	info, err := s.dir.Stat(j.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Inode != j.inode {
		s.abandonLocked(j, gone)
		return nil
	}
	if err != nil {
		return err
	}
	output, target := seriesname.Output(s.cfg.Base, j.inode), s.scheme.Compressed(j.name)
	err = s.dir.RenameNew(output, s.dir.Dir, target)
	if errors.Is(err, fs.ErrExist) {
		backup := backupName(target, s.cfg.Now())
		if err = s.overLocked(backup, func() error { return s.dir.Rename(target, s.dir.Dir, backup) }); err == nil {
			err = s.dir.RenameNew(output, s.dir.Dir, target)
		}
	}
	if err != nil {
		return err
	}
	s.stats.Compressed++
	if made, err := s.dir.Stat(target); err == nil {
		s.addedLocked(made)
		s.changeKeptLocked(s.counted(made)-s.counted(info), 0)
	}
	j.stage.become(published)
	if err := s.killed("publish %q", target); err != nil {
		return err
	}
	return s.retireLocked(j)
}

var errUnpublished = errors.New("its compressed form is not there any more")

// publishedLocked says that the compressed form of a file is complete and in its place, so that
// only the plain one is left to remove. It then has the time of the plain one, which it gets
// before its name.
func (s *Set) publishedLocked(j *job) bool {
	plain, err := s.dir.Stat(j.name)
	if err != nil || plain.Inode != j.inode {
		return false
	}
	made, err := s.dir.Stat(s.scheme.Compressed(j.name))
	return err == nil && made.Ours() && made.ModTime.Equal(plain.ModTime)
}

// retireLocked removes the plain file of a finished job, and then its mark.
func (s *Set) retireLocked(j *job) error {
	if err := s.dir.Unlink(j.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.killed("retire %q", j.name); err != nil {
		return err
	}
	delete(s.listing.files, j.name)
	delete(s.jobs, j.name)
	j.stage.become(gone)
	s.vacatedLocked(j.name)
	return s.dropNoteLocked(seriesname.Owed(s.cfg.Base, j.inode))
}

// stoppable reads until the file has been disposed of: from then on any work on it is wasted.
type stoppable struct {
	from io.Reader
	of   *jobStage
}

func (r *stoppable) Read(p []byte) (int, error) {
	if r.of.over() {
		return 0, errGone
	}
	return r.from.Read(p)
}

var errGone = errors.New("the file was disposed of meanwhile")

func closeFile(f *os.File) {
	if f != nil {
		_ = f.Close()
	}
}
