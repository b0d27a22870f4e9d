package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"sluice/core/sandbox"
	"sluice/core/series"
	"sluice/core/settings"
)

// targetHelp explains TARGET in the help of the commands that take one.
const targetHelp = `TARGET is one of
  * the path of a sandbox, or of a live file in one;
  * the id of a running container, of its task or of its executor, or the beginning of
    one of them if no other container's begins so. These are looked up in the agent's
    state directory, which root can read. A container that has ended has left it; its
    sandbox is where it was.`

// The streams of a container, which are the names of their live files.
const (
	stdoutName = "stdout"
	stderrName = "stderr"
)

// target is what an argument named: a sandbox, and perhaps one live file in it.
type target struct {
	path string // of the sandbox
	dir  *sandbox.Dir
	// live is the name of the one live file, empty where the whole sandbox was named.
	live string
	// records is nil where they cannot be read; streams are those of this sandbox.
	records *records
	streams []recorded
}

func (t *target) close() {
	_ = t.dir.Close()
	t.records.close()
}

// findTarget finds what a command's argument names. What has no slash is looked up
// first, and taken for a path if that finds nothing. The caller closes the target.
func findTarget(name, stateDir string) (*target, error) {
	found, unreadable := readRecords(stateDir)
	if !strings.Contains(name, "/") && name != "." && name != ".." {
		t, err := lookUp(name, found)
		if t != nil || err != nil {
			if err != nil {
				found.close()
			}
			return t, err
		}
		if _, err := os.Lstat(name); err != nil {
			defer found.close()
			if unreadable != nil {
				return nil, withoutRecords(name, stateDir, unreadable)
			}
			return nil, unknownNameError(name)
		}
	}
	t, err := openPath(name)
	if err != nil {
		found.close()
		return nil, err
	}
	t.records = found
	t.recognise()
	return t, nil
}

// unknownNameError is a name that nothing here has; it matches fs.ErrNotExist.
type unknownNameError string

func (name unknownNameError) Error() string {
	return fmt.Sprintf("no container, task or executor that runs with this logger is %q or begins so, and there is no such path; "+
		"of one that has ended, or that runs with another logger, give the path of its sandbox", string(name))
}

func (unknownNameError) Is(target error) bool { return target == fs.ErrNotExist }

// lookUp gives nil where no record has the name.
func lookUp(name string, found *records) (*target, error) {
	if found == nil {
		return nil, nil
	}
	streams, err := found.match(name)
	if err != nil || len(streams) == 0 {
		return nil, err
	}
	record := streams[0]
	dir, err := sandbox.Open(record.GetSandbox())
	if err != nil {
		return nil, fmt.Errorf("container %s: %w", record.GetContainerId(), err)
	}
	if dir.Device() != record.GetSandboxDevice() || dir.Inode() != record.GetSandboxInode() {
		_ = dir.Close()
		return nil, fmt.Errorf("container %s: sandbox %q is not the directory that it was; somebody has put another in its place",
			record.GetContainerId(), record.GetSandbox())
	}
	return &target{path: record.GetSandbox(), dir: dir, records: found, streams: streams}, nil
}

// openPath opens the sandbox that a path names, or the one around the live file that it
// names. Links in the path are followed, as "latest" is one: it is the user's. Nothing
// beneath the sandbox is reached so.
func openPath(path string) (*target, error) {
	live := ""
	info, err := os.Lstat(path)
	if err == nil && info.Mode()&fs.ModeSymlink != 0 {
		info, err = os.Stat(path)
	}
	isStream := filepath.Base(path) == stdoutName || filepath.Base(path) == stderrName
	switch {
	case err == nil && info.IsDir():
	case err == nil, errors.Is(err, fs.ErrNotExist) && isStream:
		// Between two steps of a rotation no file has the live name.
		path, live = filepath.Dir(path), filepath.Base(path)
	default:
		return nil, fmt.Errorf("open the log: %w; expected a sandbox, a live file in one, or a container", err)
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, fmt.Errorf("open the sandbox: %w", err)
	}
	dir, err := sandbox.Open(resolved)
	if err != nil {
		return nil, err
	}
	return &target{path: resolved, dir: dir, live: live}, nil
}

// recognise finds the records of a sandbox that was named by its path.
func (t *target) recognise() {
	if t.records == nil {
		return
	}
	for _, s := range t.records.streams {
		if s.GetSandboxDevice() == t.dir.Device() && s.GetSandboxInode() == t.dir.Inode() {
			t.streams = append(t.streams, s)
		}
	}
}

// record is that of one live file, nil where there is none.
func (t *target) record(live string) *recorded {
	for _, s := range t.streams {
		if s.GetStream() == live {
			return &s
		}
	}
	return nil
}

// settings are those of one live file where there is a record of it.
func (t *target) settings(live string) (settings.Stream, bool) {
	record := t.record(live)
	if record == nil {
		return settings.Stream{}, false
	}
	s, err := t.records.settings(*record)
	return s, err == nil
}

// shown is the policy of a series and the limit of its live file, 0 where it is not
// known: by the record, else by what the logger shows in the sandbox, else by the names
// themselves. guessed says why it is the last.
func (t *target) shown(live string) (shown series.Shown, guessed string, err error) {
	if s, ok := t.settings(live); ok {
		return series.Shown{Policy: s.Policy, LimitBytes: s.Policy.LimitBytes(s.MaxBytes)}, "", nil
	}
	shown, err = series.ShownPolicy(t.dir, live)
	if err == nil || errors.Is(err, fs.ErrPermission) {
		return shown, "", err
	}
	if guessed = err.Error(); errors.Is(err, fs.ErrNotExist) {
		guessed = "there is no " + live + series.ConfSuffix
	}
	policy, err := series.GuessPolicy(t.dir, live)
	return series.Shown{Policy: policy}, guessed, err
}

// series opens the series of one live file, and tells what is known of it. The caller closes it before
// the target.
func (t *target) series(live string) (s *series.Series, shown series.Shown, err error) {
	shown, guessed, err := t.shown(live)
	if err != nil {
		return nil, shown, fmt.Errorf("sandbox %q: %w", t.path, err)
	}
	s = series.New(t.dir, live, shown.Policy)
	s.Guessed = guessed
	return s, shown, nil
}

// ended tells whether a stream has got its last byte; it is nil where nobody knows.
func (t *target) ended(live string) func() bool {
	record := t.record(live)
	if record == nil {
		return nil
	}
	return func() bool { return !t.records.view.Has(record.id) }
}
