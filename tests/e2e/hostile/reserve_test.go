package hostile

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A fifth of the blocks of the file system is reserved. It is full when no move of the
// logger fits any more: ext4 refuses a large folio as a whole, so less than the largest
// move may be left over.
const (
	imageBytes     = 32 << 20
	blockBytes     = 4096
	reservedBlocks = imageBytes / blockBytes / 5
	leftOverBlocks = (1 << 20) / blockBytes
)

// ext4 makes a file system of 32 MiB, a fifth of it reserved for the user with the id
// reservedFor, and mounts it.
func ext4(t *testing.T, reservedFor int) string {
	t.Helper()
	needRoot(t)
	dir := openDirectory(t)
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, imageBytes))
	require.NoError(t, os.Mkdir(at, 0o755))
	made, err := exec.CommandContext(t.Context(), "mkfs.ext4", "-q", "-b", strconv.Itoa(blockBytes), "-m", "20", image).CombinedOutput()
	if err != nil {
		t.Skipf("missing program: mkfs.ext4 of e2fsprogs: %v %s", err, made)
	}
	options := fmt.Sprintf("loop,resuid=%d", reservedFor)
	if said, err := exec.CommandContext(t.Context(), "mount", "-o", options, image, at).CombinedOutput(); err != nil {
		t.Skipf("missing privilege: mounting an ext4 image needs CAP_SYS_ADMIN and loop devices: %s", said)
	}
	t.Cleanup(func() { _ = unix.Unmount(at, unix.MNT_DETACH) })
	return at
}

// blocks tells how many blocks are free, and how many of them for everybody.
func blocks(t *testing.T, at string) (free, available uint64) {
	t.Helper()
	var st unix.Statfs_t
	require.NoError(t, unix.Statfs(at, &st))
	require.EqualValues(t, blockBytes, st.Frsize)
	return st.Bfree, st.Bavail
}

// What a file system reserves for root stays free when a task fills its sandbox with
// its log: the threads of the logger have no CAP_SYS_RESOURCE. Of a task that is root
// itself, ext4 knows the owner of the reserve by the user id: root has it, as in a
// shell, unless the operator gives it to another user.
func TestReservedBlocks(t *testing.T) {
	const other = 4242
	for _, tt := range []struct {
		user        string
		reservedFor int
		taken       bool
	}{{ordinary, 0, false}, {root, other, false}, {root, 0, true}} {
		t.Run(fmt.Sprintf("%s, reserve of %d", tt.user, tt.reservedFor), func(t *testing.T) {
			at := ext4(t, tt.reservedFor)
			a := newAgent(t, parameter{"max_stdout_size", "1GB"})
			a.workDir = filepath.Join(at, "work")
			cmd := a.command(t, "--user="+tt.user, "--", "sh", "-c", "echo $$ > pid; yes | head --bytes=60M; exec sleep 1000")
			var log strings.Builder
			cmd.Stderr = &log
			require.NoError(t, cmd.Start())
			defer func() { _ = cmd.Wait() }()
			defer killTask(t, a.workDir)
			defer func() { _ = cmd.Process.Kill() }()
			require.Eventually(t, func() bool {
				free, available := blocks(t, at)
				return available < leftOverBlocks && (!tt.taken || free < reservedBlocks/2)
			}, timeToFill, pollEvery)
			requireWorkersWithoutRights(t, cmd.Process.Pid)
			if !tt.taken {
				requireReserveKept(t, at)
			}
		})
	}
}

// requireReserveKept looks at the reserve while the logger tries again and again: the
// room for everybody is used up, and no block more.
func requireReserveKept(t *testing.T, at string) {
	t.Helper()
	for range 3 * int(time.Second/pollEvery) {
		free, _ := blocks(t, at)
		require.GreaterOrEqual(t, free, uint64(reservedBlocks))
		time.Sleep(pollEvery)
	}
}

// killTask ends the session of a task that waits for its pipe, and with it the last
// use of the file system.
func killTask(t *testing.T, workDir string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(workDir, "slaves/*-S0/frameworks/*/executors/*/runs/*-*/pid"))
	require.NoError(t, err)
	for _, file := range files {
		content, err := os.ReadFile(file)
		require.NoError(t, err)
		pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
		require.NoError(t, err)
		require.NoError(t, unix.Kill(-pid, unix.SIGKILL))
	}
}
