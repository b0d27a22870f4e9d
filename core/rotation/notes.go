package rotation

import (
	"errors"
	"fmt"
	"io/fs"
	"strconv"
	"strings"

	"sluice/core/sandbox"
	"sluice/core/seriesname"
)

const maxNoteBytes = sandbox.MaxNoteBytes

// holdLocked takes the name from a file for as long as a pending file has it.
func (s *Set) holdLocked(name string) error {
	held := seriesname.HeldPrefix(s.cfg.Base) + name
	if err := s.overLocked(held, func() error { return s.dir.Rename(name, s.dir.Dir, held) }); err != nil {
		return err
	}
	info := s.listing.files[name]
	delete(s.listing.files, name)
	info.Name = name
	s.held[name] = info
	return nil
}

// restoreLocked gives the file its name back.
func (s *Set) restoreLocked(name string) error {
	delete(s.held, name)
	err := s.dir.RenameNew(seriesname.HeldPrefix(s.cfg.Base)+name, s.dir.Dir, name)
	if errors.Is(err, fs.ErrExist) {
		backup := backupName(name, s.cfg.Now())
		err = s.overLocked(backup, func() error { return s.dir.Rename(seriesname.HeldPrefix(s.cfg.Base)+name, s.dir.Dir, backup) })
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// vacatedLocked is called when a pending file has left its name.
func (s *Set) vacatedLocked(name string) {
	if _, ok := s.held[name]; !ok {
		return
	}
	if err := s.restoreLocked(name); err != nil {
		s.cfg.Log.Warn("an older file keeps its reserved name until the next start", "file", name, "error", err)
	}
}

// markLocked notes that a file has to be compressed.
func (s *Set) markLocked(inode uint64) {
	f, err := s.dir.Create(seriesname.Owed(s.cfg.Base, inode), 0o600)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		s.cfg.Log.Debug("mark left out", "inode", inode, "error", err)
	}
	closeFile(f)
}

// leaveNoteLocked writes a note over an old one. Without symbolic links or a free inode the file
// system gets none: that matters only if a kill comes at the same time.
func (s *Set) leaveNoteLocked(name, text string) {
	err := s.dir.WriteNote(name, text)
	if errors.Is(err, fs.ErrExist) {
		if err = s.dropNoteLocked(name); err == nil {
			err = s.dir.WriteNote(name, text)
		}
	}
	if err != nil {
		s.cfg.Log.Debug("note left out", "name", name, "error", err)
	}
}

// dropNoteLocked removes a note that has done its duty, or whatever the task has put there.
func (s *Set) dropNoteLocked(name string) error {
	err := s.overLocked(name, func() error { return s.dir.Unlink(name) })
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// undoShiftLocked takes back the shifts of a rotation that broke off before the live file was
// moved, so that the next attempt finds the series as the first one did. The note and the inodes
// tell which of them were done. If the live file was moved, there is nothing to take back.
func (s *Set) undoShiftLocked() error {
	name := seriesname.ShiftNote(s.cfg.Base)
	untrustedNote, err := s.dir.ReadNote(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.clearLocked(name)
	}
	live, moves, ok := s.readShiftNote(untrustedNote)
	if ok && !s.moved(live) {
		// The last move was that of the lowest slot: undone first, it makes room.
		for i := len(moves) - 1; i >= 0; i-- {
			if err := s.undoMoveLocked(moves[i]); err != nil {
				return err
			}
		}
	}
	s.listing.forget()
	return s.dropNoteLocked(name)
}

// moved says that the live file of a shift note has become the youngest of the series: then the
// file under the live name, if any, is another one.
func (s *Set) moved(live uint64) bool {
	info, err := s.cfg.Dir.Stat(s.cfg.Base)
	return err != nil || info.Inode != live
}

func (s *Set) undoMoveLocked(m Step) error {
	info, err := s.dir.Stat(m.To)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Inode != m.Inode {
		return nil
	}
	if err != nil {
		return err
	}
	if occupant, err := s.dir.Stat(m.From); err == nil && !occupant.Mode.IsDir() && s.scheme.CompressExt() != "" {
		// The file that had made room has its name back by now.
		if err := s.holdLocked(m.From); err != nil {
			return err
		}
	}
	err = s.dir.RenameNew(m.To, s.dir.Dir, m.From)
	if errors.Is(err, fs.ErrExist) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("take back a shift: %w", err)
	}
	s.renamedLocked(m.To, m.From)
	if err := s.restoreLocked(m.To); err != nil {
		return err
	}
	return s.killed("undo %q to %q", m.To, m.From)
}

// readShiftNote reads what shiftNote wrote. The task may have written it instead: names that
// are not of the series are refused.
func (s *Set) readShiftNote(untrusted string) (live uint64, moves []Step, ok bool) {
	fields := strings.Split(untrusted, "/")
	live, err := strconv.ParseUint(fields[0], 36, 64)
	if err != nil || len(fields)%3 != 1 {
		return 0, nil, false
	}
	for f := fields[1:]; len(f) > 0; f = f[3:] {
		inode, err := strconv.ParseUint(f[0], 36, 64)
		from, isFrom := s.scheme.Parse(f[1])
		to, isTo := s.scheme.Parse(f[2])
		if err != nil || !isFrom || !isTo || to.Number != from.Number+1 || to.Compressed != from.Compressed {
			return 0, nil, false
		}
		moves = append(moves, Step{Op: OpShift, From: f[1], To: f[2], Inode: inode})
	}
	return live, moves, true
}

// finishRemovalLocked removes what a broken rotation still had to remove.
func (s *Set) finishRemovalLocked() error {
	name := seriesname.RemovalNote(s.cfg.Base)
	untrustedNote, err := s.dir.ReadNote(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return s.clearLocked(name)
	}
	first, rest, _ := strings.Cut(untrustedNote, "/")
	live, err := strconv.ParseUint(first, 36, 64)
	if err != nil || !s.moved(live) {
		return s.dropNoteLocked(name)
	}
	doomed := map[uint64]bool{}
	for _, field := range strings.Split(rest, "/") {
		if inode, err := strconv.ParseUint(field, 36, 64); err == nil {
			doomed[inode] = true
		}
	}
	files, err := s.lookLocked()
	if err != nil {
		return err
	}
	for file, info := range files {
		if doomed[info.Inode] && !info.Mode.IsDir() {
			if err := s.unlinkLocked(file); err != nil {
				return err
			}
		}
	}
	return s.dropNoteLocked(name)
}
