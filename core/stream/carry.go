package stream

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"sluice/core/logformat"
	"sluice/core/sandbox"
)

// A line whose beginning is in a full live file, and whose end is not, is carried
// over to the next one in steps that a kill may separate:
//
//  1. copy its beginning, the bytes from..to of the live file, to a new file whose
//     name says from and to;
//  2. cut the live file at from;
//  3. move the live file into the series;
//  4. give the new file the live file's name.
//
// Whether the line's beginning is in the live file or in the carried one can be
// told from the live file's length alone, so every byte is kept exactly once.

// carryName is the name of the file that carries bytes from..to.
func (s *Stream) carryName(from, to int64) string { return logformat.CarryName(s.Name, from, to) }

func (s *Stream) carryPrefix() string { return logformat.CarryPrefix(s.Name) }

// carry does steps 1 and 2.
func (s *Stream) carry(from, to int64) error {
	name := s.carryName(from, to)
	f, err := s.createCarry(name)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, io.NewSectionReader(s.live.file, from, to-from))
	if err = errors.Join(err, f.Close()); err != nil {
		_ = s.Sandbox.Unlink(name)
		return fmt.Errorf("carry the last line of %q over: %w", s.Name, err)
	}
	if err := s.live.file.Truncate(from); err != nil {
		// Left behind it would be taken for a later file's, which is shorter.
		_ = s.Sandbox.Unlink(name)
		return fmt.Errorf("carry the last line of %q over: %w", s.Name, err)
	}
	s.series.carried = name
	return nil
}

// createCarry makes the file of step 1, whatever bears its name.
func (s *Stream) createCarry(name string) (f *os.File, err error) {
	for range openAttempts {
		_ = s.Sandbox.Unlink(name)
		if f, err = s.create(name); !errors.Is(err, fs.ErrExist) {
			break
		}
		if err := s.quarantine(name, err); err != nil {
			return nil, err
		}
	}
	return f, err
}

// finishCarry does steps 3 and 4 where they failed: until then nothing may be written,
// as the carried beginning comes first.
func (s *Stream) finishCarry(now time.Time) error {
	if s.series.carried == "" {
		return nil
	}
	return s.replace(now)
}

// adoptCarried does step 4, where there is something carried. The live file's name
// must be free.
func (s *Stream) adoptCarried() error {
	if s.series.carried == "" {
		return nil
	}
	err := s.Sandbox.RenameNew(s.series.carried, s.Sandbox, s.Name)
	if errors.Is(err, fs.ErrExist) {
		if err := s.quarantine(s.Name, err); err != nil {
			return err
		}
		err = s.putOver(s.series.carried)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("carry the last line of %q over: %w", s.Name, err)
	}
	s.series.carried = ""
	return nil
}

// recoverCarry finishes what a kill between the steps left, and removes a new live file
// that has not got its name (createOver). In a sandbox with more names than are looked
// at, the record says which file it would be.
func (s *Stream) recoverCarry() error {
	found, err := s.Sandbox.List(maxNames, func(name string) bool {
		return strings.HasPrefix(name, s.carryPrefix()) || strings.HasPrefix(name, s.newPrefix())
	})
	if errors.Is(err, sandbox.ErrTooManyNames) {
		found, err = s.recordedCarry(found)
	}
	if err != nil {
		return fmt.Errorf("look for a carried line of %q: %w", s.Name, err)
	}
	for _, file := range found {
		_, ours := s.carriedFrom(file.Name)
		switch {
		case strings.HasPrefix(file.Name, s.newPrefix()):
			_ = s.Sandbox.Unlink(file.Name)
		case !ours:
		case !file.Ours():
			// The task's, and in the way of one of ours.
			err = s.quarantine(file.Name, errNotOurs)
		default:
			err = s.recoverCarried(file.Name)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// recordedCarry adds the carried file that the record announces to those that were found.
func (s *Stream) recordedCarry(found []sandbox.Info) ([]sandbox.Info, error) {
	a := s.Record.GetAccounting()
	name := s.carryName(a.GetLiveStartBytes()-a.GetCarriedBytes(), a.GetLiveStartBytes())
	if a.GetCarriedBytes() == 0 || slices.ContainsFunc(found, func(i sandbox.Info) bool { return i.Name == name }) {
		return found, nil
	}
	info, err := s.Sandbox.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return found, nil
	case err != nil:
		return nil, err
	}
	return append(found, info), nil
}

// errNotOurs is why what bears a reserved name is moved aside.
var errNotOurs = errors.New("not a file of the logger")

// maxNames bounds the listing of a sandbox.
const maxNames = 1 << 20

// carriedFrom reads the offset in a name that carry makes, and no other.
func (s *Stream) carriedFrom(name string) (from int64, ok bool) {
	from, _, ok = logformat.ParseCarry(s.Name, name)
	return from, ok
}

func (s *Stream) recoverCarried(name string) error {
	from, ok := s.carriedFrom(name)
	if !ok {
		return nil
	}
	live, err := s.Sandbox.Stat(s.Name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		// After step 3.
		s.series.carried = name
		return s.adoptCarried()
	case err != nil:
		return err
	case live.Size > from:
		// Before step 2: the live file has it all.
		return s.Sandbox.Unlink(name)
	default:
		// Before step 3.
		if err := s.openLive(); err != nil {
			return err
		}
		s.series.carried = name
		return s.replace(s.Now())
	}
}
