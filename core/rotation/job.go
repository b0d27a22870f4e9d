package rotation

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync/atomic"

	"sluice/core/logrotate"
	"sluice/core/rotation/compress"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

// job is a plain file of the series that is to be compressed. It is known by its
// inode: rotations rename the file while the work is under way.
type job struct {
	inode  uint64
	name   string // under Set.mu
	queued bool   // under Set.mu: submitted or running
	gone   atomic.Bool
}

// owe remembers that a file is to be compressed, here and in the directory. mu is
// held.
func (s *Set) owe(plain string, inode uint64) {
	s.mark(inode)
	s.jobs[plain] = &job{inode: inode, name: plain}
}

// submitAll hands every job to the background that is not there yet: new ones, and
// those whose last attempt failed. mu is held.
func (s *Set) submitAll() {
	for _, j := range s.jobs {
		if !j.queued {
			j.queued = true
			s.cfg.Submit(func() { s.compressInBackground(j) })
		}
	}
}

func (s *Set) compressInBackground(j *job) {
	if err := s.compress(j); err != nil && !errors.Is(err, errStopped) {
		s.cfg.Log.Warn("compression failed; the plain file stays and is tried again at the next rotation",
			"file", j.name, "error", err)
	}
}

// compressInline compresses a file that is to be found compressed. A failure leaves
// the plain file, as in the background. mu is held, but not while it works.
func (s *Set) compressInline(plain string, out *Outcome) error {
	j := s.jobs[plain]
	if j != nil && j.queued {
		return nil // in hand already
	}
	if j == nil {
		info, err := s.dir.Stat(plain)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		s.owe(plain, info.Inode)
		j = s.jobs[plain]
	}
	j.queued = true
	s.mu.Unlock()
	err := s.compress(j)
	s.mu.Lock()
	if err != nil && !errors.Is(err, errStopped) {
		out.Problems = append(out.Problems, err)
		return nil
	}
	return err
}

// compress makes the compressed form of a file and puts it in the plain one's place.
// Nobody waits for it: rotations go on meanwhile and may even dispose of the file.
func (s *Set) compress(j *job) error {
	src, dst, err := s.begin(j)
	if err == nil && src == nil {
		return nil
	}
	if err == nil {
		defer src.Close()
		defer dst.Close()
		err = s.copy(j, dst, src)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j.queued = false
	if err == nil && !j.gone.Load() {
		err = s.finish(j, dst, src)
	}
	if errors.Is(err, errStopped) {
		return err
	}
	if s.dir != nil {
		_ = s.dir.Unlink(outputName(s.cfg.Base, j.inode))
	}
	if err != nil && !j.gone.Load() {
		s.stats.FailedCompressions++
		return err
	}
	return nil
}

// begin opens the file and makes a new output. Without an error and without files
// there is nothing to do any more. The caller takes both descriptors.
func (s *Set) begin(j *job) (src, dst *os.File, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dir == nil || j.gone.Load() {
		return nil, nil, nil
	}
	if s.published(j) {
		return nil, nil, s.retire(j)
	}
	src, err = s.dir.OpenRead(j.name)
	if err == nil {
		var info sandbox.Info
		if info, err = sandbox.StatFile(src); err == nil && info.Inode != j.inode {
			err = fs.ErrNotExist
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		closeFile(src)
		s.abandon(j)
		return nil, nil, nil
	}
	if err == nil {
		output := outputName(s.cfg.Base, j.inode)
		_ = s.dir.Unlink(output)
		if dst, err = s.dir.Create(output, 0o600); err == nil {
			err = s.killed("create output for %q", j.name)
		}
	}
	if err != nil {
		closeFile(src)
		closeFile(dst)
		return nil, nil, err
	}
	return src, dst, nil
}

// abandon forgets a job whose file somebody else has removed. mu is held.
func (s *Set) abandon(j *job) {
	delete(s.jobs, j.name)
	j.gone.Store(true)
	_ = s.dir.Unlink(markName(s.cfg.Base, j.inode))
	s.vacated(j.name)
}

// copy fills dst with the compressed content of src.
func (s *Set) copy(j *job, dst, src *os.File) error {
	before, err := sandbox.StatFile(src)
	if err != nil {
		return err
	}
	if s.cfg.Policy.Compressor.External {
		err = s.copyExternally(j, dst, src)
	} else {
		err = compress.Copy(dst, &stoppable{src, &j.gone}, s.cfg.Policy.Compressor)
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
		s.mu.Lock()
		command := s.scriptCommand(Step{Script: "preremove", From: j.name})
		s.mu.Unlock()
		if err := s.run(command); err != nil {
			s.cfg.Log.Warn("script failed", "script", "preremove", "file", src.Name(), "error", err)
		}
	}
	return nil
}

func (s *Set) copyExternally(j *job, dst, src *os.File) error {
	c := s.cfg.Policy.Compressor
	words, _ := logrotate.SplitWords(c.Options)
	s.mu.Lock()
	file := s.seriesPath(j.name)
	s.mu.Unlock()
	return s.run(script.Command{
		Name: "compress", Args: append([]string{c.Program}, words...),
		Env:   []string{"LOGROTATE_COMPRESSED_FILENAME=" + file},
		Stdin: src, Stdout: dst,
	})
}

// finish puts the compressed file into the slot where the plain one is now. mu is
// held.
func (s *Set) finish(j *job, dst, src *os.File) error {
	info, err := s.dir.Stat(j.name)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Inode != j.inode {
		s.abandon(j)
		return nil
	}
	if err != nil {
		return err
	}
	output, target := outputName(s.cfg.Base, j.inode), s.scheme.counted(j.name)
	err = s.dir.RenameNew(output, s.dir, target)
	if errors.Is(err, fs.ErrExist) {
		if err = s.dir.Rename(target, s.dir, backupName(target, s.cfg.Now())); err == nil {
			err = s.dir.RenameNew(output, s.dir, target)
		}
	}
	if err != nil {
		return err
	}
	s.stats.Compressed++
	if made, err := s.dir.Stat(target); err == nil {
		s.added(made)
	}
	if err := s.killed("publish %q", target); err != nil {
		return err
	}
	return s.retire(j)
}

// published says that the compressed form of a file is complete and in its place, so
// that only the plain one is left to remove: it has the time of the plain one, which
// is given to it before it gets its name.
func (s *Set) published(j *job) bool {
	plain, err := s.dir.Stat(j.name)
	if err != nil || plain.Inode != j.inode {
		return false
	}
	made, err := s.dir.Stat(s.scheme.counted(j.name))
	return err == nil && made.Ours() && made.ModTime.Equal(plain.ModTime)
}

// retire removes the plain file of a finished job, and then its mark. mu is held.
func (s *Set) retire(j *job) error {
	if err := s.dir.Unlink(j.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.killed("retire %q", j.name); err != nil {
		return err
	}
	delete(s.listing.files, j.name)
	delete(s.jobs, j.name)
	j.gone.Store(true)
	s.vacated(j.name)
	return s.dropNote(markName(s.cfg.Base, j.inode))
}

// stoppable reads until the file has been disposed of: then no more work is put
// into it.
type stoppable struct {
	from io.Reader
	gone *atomic.Bool
}

func (r *stoppable) Read(p []byte) (int, error) {
	if r.gone.Load() {
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
