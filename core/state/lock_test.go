package state

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// triesEnv has this binary try to own a state directory, and tell what it was told.
const triesEnv = "SLUICE_TEST_TRY"

func tryToOpen(path string) {
	_, err := Open(path)
	var locked *LockedError
	if !errors.As(err, &locked) {
		fmt.Println("not locked:", err)
		os.Exit(1)
	}
	fmt.Printf("process %d, keeper %t\n%v\n", locked.PID, locked.Keeper, err)
	os.Exit(0)
}

// triedFromElsewhere is what a process is told that cannot see this one: it is in a PID
// namespace of its own, as the agent of another container.
func triedFromElsewhere(t *testing.T, path string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can make a PID namespace")
	}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), triesEnv+"="+path)
	other.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID}
	const patience = time.Minute
	ends := time.AfterFunc(patience, func() { _ = other.Process.Kill() })
	defer ends.Stop()
	told, err := other.Output()
	require.NoError(t, err, "%s, at most %v", told, patience)
	return string(told)
}

// An owner that cannot be seen is an owner: nobody spins until it is gone.
func TestOwnerInAnotherPIDNamespace(t *testing.T) {
	d := open(t)
	told := triedFromElsewhere(t, d.Path())
	assert.Contains(t, told, "process 0, keeper false\n")
	assert.Contains(t, told, fmt.Sprintf("state_dir %q is locked by a process in another PID namespace: only one process can own it", d.Path()))
}

// An agent asks a keeper to hand over wherever that runs.
func TestKeeperInAnotherPIDNamespace(t *testing.T) {
	d, err := Attach(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	defer d.Close()
	keeper, err := d.KeeperLock("")
	require.NoError(t, err)
	defer unix.Close(keeper)
	require.NoError(t, d.WaitLock())
	assert.Contains(t, triedFromElsewhere(t, d.Path()), "process 0, keeper true\n")
}

// An agent with a keeper that stands by is no keeper, wherever both run.
func TestOwnerWithAKeeperInAnotherPIDNamespace(t *testing.T) {
	d := open(t)
	keeper, err := d.KeeperLock("")
	require.NoError(t, err)
	defer unix.Close(keeper)
	assert.Contains(t, triedFromElsewhere(t, d.Path()), "process 0, keeper false\n")
}
