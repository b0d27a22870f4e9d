package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"sluice/core/keeper"
	"sluice/core/state"
)

// A keeper that is detached is the child of a process that ends at once: it belongs to no
// terminal, no session and no control group of whoever has started it, and outlives all of
// them. An agent starts its keeper in this way (keeper=start).

const (
	// detachPatience is how long a keeper may take to be on its feet, or off them.
	detachPatience = 20 * time.Second
	detachLook     = 5 * time.Millisecond
)

var errNotDetached = errors.New("the keeper did not come up")

// detach starts a keeper in the background, unless one lives. A detached one of another
// program, such as that before an upgrade, is replaced: the agent has the streams meanwhile.
func detach(cmd *cobra.Command, config keeper.Config) error {
	dir, err := state.Attach(config.StateDir)
	if err != nil {
		return err
	}
	defer dir.Close()
	now, err := dir.Keeper()
	if err != nil {
		return err
	}
	if now.Lives {
		replaced, err := replace(dir, now)
		if err != nil || !replaced {
			return errors.Join(err, say(cmd.OutOrStdout(), "a keeper stands by already, %s", state.ProcessText(now.PID)))
		}
	}
	if err := keeper.LeaveGroups(); err != nil {
		if err := say(cmd.OutOrStdout(), "warning: what ends the control group of the agent's service ends the keeper too: %v", err); err != nil {
			return err
		}
	}
	child, err := startDetached(config)
	if err != nil {
		return fmt.Errorf("start the keeper: %w", err)
	}
	if err := awaitKeeper(dir, child, config); err != nil {
		return err
	}
	return say(cmd.OutOrStdout(), "started a keeper, process %d", child.Process.Pid)
}

func say(w io.Writer, format string, args ...any) error {
	_, err := fmt.Fprintf(w, format+"\n", args...)
	return err
}

// replace ends a detached keeper of another program. It reports false where it is not ours
// to end.
func replace(dir *state.Dir, now state.KeeperInfo) (bool, error) {
	if !now.Detached || now.PID == 0 {
		return false, nil
	}
	own, err := os.Stat("/proc/self/exe")
	if err != nil {
		return false, err
	}
	theirs, gone := os.Stat(fmt.Sprintf("/proc/%d/exe", now.PID))
	if gone != nil || os.SameFile(own, theirs) {
		return false, nil //nolint:nilerr // one that cannot be looked at is about to end
	}
	if owned, err := dir.Owned(); err != nil || !owned {
		return false, err // it serves: nobody else does
	}
	if err := unix.Kill(now.PID, unix.SIGTERM); err != nil {
		return false, fmt.Errorf("end the keeper of another version, process %d: %w", now.PID, err)
	}
	for began := time.Now(); ; time.Sleep(detachLook) {
		again, err := dir.Keeper()
		switch {
		case err != nil:
			return false, err
		case !again.Lives:
			return true, nil
		case time.Since(began) > detachPatience:
			return false, fmt.Errorf("the keeper of another version, process %d, does not end", now.PID)
		}
	}
}

// startDetached starts the process that stays.
func startDetached(config keeper.Config) (*exec.Cmd, error) {
	log, err := openKeeperLog(filepath.Join(config.StateDir, keeperLogName))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// Whoever has started this one may have left descriptors open.
	_ = unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC)
	args := []string{"keep", "--state_dir=" + config.StateDir, "--detached"}
	if config.Drain {
		args = append(args, "--drain")
	}
	child := exec.CommandContext(context.Background(), "/proc/self/exe", args...)
	child.Args[0] = "sluice"
	child.Dir = "/"
	child.Env = []string{"PATH=" + os.Getenv("PATH")}
	child.Stdout, child.Stderr = log.file, log.file
	child.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	return child, child.Start()
}

// awaitKeeper waits until the child is the keeper.
func awaitKeeper(dir *state.Dir, child *exec.Cmd, config keeper.Config) error {
	ended := make(chan error, 1)
	go func() { ended <- child.Wait() }()
	for began := time.Now(); time.Since(began) < detachPatience; {
		now, err := dir.Keeper()
		if err != nil {
			return err
		}
		if now.Lives && (now.PID == child.Process.Pid || now.PID == 0) {
			return nil
		}
		select {
		case err := <-ended:
			if now, other := dir.Keeper(); other == nil && now.Lives {
				return nil // another was faster
			}
			return fmt.Errorf("%w: %w; see %s", errNotDetached, err, filepath.Join(config.StateDir, keeperLogName))
		case <-time.After(detachLook):
		}
	}
	return fmt.Errorf("%w within %v; see %s", errNotDetached, detachPatience, filepath.Join(config.StateDir, keeperLogName))
}
