package standby

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

const (
	// startPatience is how long the program that leaves a keeper behind may take. On a machine
	// that has no process to spare it is tried again within that time.
	startPatience = time.Minute
	// maxLines is how many lines of its output are read.
	maxLines = 10

	warningPrefix = "warning: "
)

// start starts a keeper, unless one lives.
func (a Agent) start() error {
	library, err := ownFile()
	if err != nil && a.Settings.KeeperCommand == "" {
		return fmt.Errorf("find %s; give its path with keeper_command: %w", programName, err)
	}
	program, err := Program(a.Settings.KeeperCommand, library)
	if err != nil {
		return err
	}
	dir, err := sandbox.Open(a.Settings.StateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	answer, writing, err := os.Pipe()
	if err != nil {
		return err
	}
	defer answer.Close()
	runner := &script.Runner{Dir: dir, Timeout: startPatience, Env: script.Environment(nil), Unbounded: true, Log: a.Log, Guard: a.Guard}
	err = runner.Run(script.Command{
		Name: "keeper", Args: []string{program, "keep", "--detach", "--drain", "--state_dir=" + a.Settings.StateDir}, Stdout: writing,
	})
	if err = errors.Join(err, writing.Close()); err != nil {
		return fmt.Errorf("%s keep: %w", program, err)
	}
	a.hear(answer)
	return nil
}

// hear passes on what the program says.
func (a Agent) hear(answer *os.File) {
	lines := bufio.NewScanner(answer)
	for count := 0; count < maxLines && lines.Scan(); count++ {
		if text, ok := strings.CutPrefix(lines.Text(), warningPrefix); ok {
			a.Log.Warn("the start of the keeper has a warning", "keeper", text)
			continue
		}
		a.Log.Info("keeper=start", "keeper", lines.Text())
	}
}

// programName is the program to look for beside the library.
const programName = "sluice"

// Program gives the path of the command that keeper=start runs: what is given, if it is not
// empty, else the one that was installed with the library. Another installation could have
// another version, so Program does not search $PATH, but the places where the build and the
// packages put the command: beside the library, and in the bin of the prefix above it.
func Program(given, library string) (string, error) {
	if given != "" {
		return given, runnable(given)
	}
	dir := filepath.Dir(library)
	places := []string{filepath.Join(dir, programName), filepath.Join(dir, "../../bin", programName), filepath.Join(dir, "../bin", programName)}
	for _, place := range places {
		if runnable(place) == nil {
			return place, nil
		}
	}
	return "", fmt.Errorf("find %s, expected it beside the library or in the bin of its prefix (%s); install it, or give its path with keeper_command: %w",
		programName, strings.Join(places, ", "), fs.ErrNotExist)
}

// runnable says why a file cannot be run, or nil if it can.
func runnable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%q is no file", path)
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return fmt.Errorf("run %q: %w", path, err)
	}
	return nil
}

// errNoMapping says that the kernel does not tell where this code comes from.
var errNoMapping = errors.New("no file is mapped where this code is")

// ownFile gives the file that this code was loaded from: the library, within an agent.
func ownFile() (string, error) {
	maps, err := os.ReadFile("/proc/self/maps")
	if err != nil {
		return "", err
	}
	here := uint64(reflect.ValueOf(ownFile).Pointer())
	for line := range strings.Lines(string(maps)) {
		// address perms offset dev inode path (proc_pid_maps(5)); a path may have blanks.
		fields := strings.Fields(line)
		path := strings.IndexByte(line, '/')
		if len(fields) < 6 || path < 0 {
			continue
		}
		from, to, _ := strings.Cut(fields[0], "-")
		begin, err1 := strconv.ParseUint(from, 16, 64)
		end, err2 := strconv.ParseUint(to, 16, 64)
		if err1 == nil && err2 == nil && here >= begin && here < end {
			return strings.TrimSuffix(strings.TrimSpace(line[path:]), " (deleted)"), nil
		}
	}
	return "", errNoMapping
}
