package engine

import (
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

// Requests of linux/fs.h: a file system is frozen and thawed.
const (
	fiFreeze = 0xC0045877
	fiThaw   = 0xC0045878
)

// loopMount mounts a new file system on an image of size bytes, made by mkfs.
func loopMount(t *testing.T, size int64, mkfs ...string) (at string) {
	t.Helper()
	dir := t.TempDir()
	image, at := filepath.Join(dir, "image"), filepath.Join(dir, "mounted")
	require.NoError(t, os.WriteFile(image, nil, 0o600))
	require.NoError(t, os.Truncate(image, size))
	require.NoError(t, os.Mkdir(at, 0o755))
	if out, err := exec.Command(mkfs[0], append(mkfs[1:], image)...).CombinedOutput(); err != nil {
		t.Skipf("missing program: %s: %v %s", mkfs[0], err, out)
	}
	if out, err := exec.Command("mount", "-o", "loop", image, at).CombinedOutput(); err != nil {
		t.Skipf("missing privilege: mounting an image needs CAP_SYS_ADMIN and loop devices: %s", out)
	}
	t.Cleanup(func() { _ = exec.Command("umount", "--lazy", at).Run() })
	return at
}

// freeze stops all writing to a file system and gives the function that lets it go on.
// Whatever becomes of this process, another one thaws it after two minutes: a process
// with a thread that sleeps in a frozen file system cannot even be killed.
func freeze(t *testing.T, at string) (thaw func()) {
	t.Helper()
	dir, err := os.Open(at)
	require.NoError(t, err)
	watchdog := exec.Command("sh", "-c", "sleep 120; exec fsfreeze --unfreeze "+at)
	watchdog.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	require.NoError(t, watchdog.Start())
	frozen := true
	thaw = func() {
		if frozen {
			frozen = false
			assert.NoError(t, unix.IoctlSetInt(int(dir.Fd()), fiThaw, 0))
			_ = unix.Kill(-watchdog.Process.Pid, unix.SIGKILL)
			_ = watchdog.Wait()
			_ = dir.Close()
		}
	}
	t.Cleanup(thaw)
	require.NoError(t, unix.IoctlSetInt(int(dir.Fd()), fiFreeze, 0))
	return thaw
}

// A file system that hangs holds up its own streams alone. Others and launches go on,
// and when it comes back everything is there.
func TestFrozenFileSystemHoldsUpItsOwn(t *testing.T) {
	const each = 30_000
	b := newTestbed(t, "prepare_timeout", "300ms", "max_stdout_size", "64KB", "logrotate_stdout_options", "rotate 1000")
	at := loopMount(t, 64<<20, "mkfs.ext4", "-q")
	for _, id := range []string{"slow-0", "slow-1", "slow-late"} {
		require.NoError(t, os.Mkdir(filepath.Join(at, id), 0o755))
	}
	e := b.open()
	defer e.Close()
	launch := func(id, box string) (*os.File, error) {
		d, err := e.Prepare(Launch{ContainerID: id, Sandbox: box})
		if err != nil {
			return nil, err
		}
		require.NoError(t, unix.Close(d.Stderr))
		return os.NewFile(uintptr(d.Stdout), id), nil
	}
	input := numbered(each, 100)
	outputs := map[string]*os.File{}
	for i := range 2 {
		for _, box := range []string{filepath.Join(at, fmt.Sprintf("slow-%d", i)), b.sandbox(fmt.Sprintf("fast-%d", i))} {
			out, err := launch(filepath.Base(box), box)
			require.NoError(t, err)
			write(t, out, input[:1000])
			outputs[box] = out
		}
	}
	waitFor(func() bool { return e.Metrics().InBytes() == 4*1000 })

	thaw := freeze(t, at)
	finished := make(chan string, len(outputs))
	for box, out := range outputs {
		go func() {
			_, err := out.Write(input[1000:])
			assert.NoError(t, err)
			assert.NoError(t, out.Close())
			finished <- box
		}()
	}
	for range 2 {
		assert.Contains(t, <-finished, "fast", "a stream elsewhere goes on")
	}
	waitFor(func() bool { return e.Metrics().Streams <= 2+2 }) // the others, with their stderr if that has not ended before
	late, err := launch("fast-late", b.sandbox("fast-late"))
	require.NoError(t, err)
	write(t, late, []byte("while another disk hangs\n"))
	require.NoError(t, late.Close())
	_, err = launch("slow-late", filepath.Join(at, "slow-late"))
	require.ErrorIs(t, err, ErrTimeout)
	waitFor(func() bool { return e.Metrics().LongestBlocked > time.Second })
	assert.Positive(t, e.Metrics().Blocked)
	assert.Empty(t, finished, "the writers of the streams that hang are held back by their pipes")

	thaw()
	for range 2 {
		assert.Contains(t, <-finished, "slow")
	}
	waitEnded(e)
	for box := range outputs {
		b.boxes = filepath.Dir(box)
		sameBytes(t, input, b.series(filepath.Base(box), "stdout", 64<<10))
	}
	m := e.Metrics()
	assert.Zero(t, m.DroppedBytes)
	assert.Zero(t, m.Blocked)
	assert.Equal(t, int64(4*len(input)+len("while another disk hangs\n")), m.WrittenBytes)
}

// A file system that hangs when an owner starts holds up neither the start nor the streams
// of others. Its own are served when it comes back.
func TestFrozenFileSystemDoesNotHoldTheStart(t *testing.T) {
	was := startPatience
	startPatience = 300 * time.Millisecond
	defer func() { startPatience = was }()
	b := newTestbed(t)
	at := loopMount(t, 64<<20, "mkfs.ext4", "-q")
	slow := filepath.Join(at, "slow")
	require.NoError(t, os.Mkdir(slow, 0o755))
	e := b.open()
	d, err := e.Prepare(Launch{ContainerID: "slow", Sandbox: slow})
	require.NoError(t, err)
	slowOut, slowErr := os.NewFile(uintptr(d.Stdout), "stdout"), os.NewFile(uintptr(d.Stderr), "stderr")
	fastOut, fastErr := b.prepare(e, "fast")
	eventually(t, "all are looked at", func() bool { return e.Metrics().Visits >= 4 })
	e.Close()
	// To be made anew, which a frozen file system does not let happen.
	require.NoError(t, os.Remove(filepath.Join(slow, "stdout")))
	thaw := freeze(t, at)
	e = b.open()
	assert.Contains(t, b.log.String(), "are not served yet: their disk is slow or does not answer")
	assert.Equal(t, int64(4), e.Metrics().Streams)
	assert.Positive(t, e.Metrics().Blocked)
	text := []byte("written while a disk hangs\n")
	b.writes(fastOut, text)
	eventually(t, "the stream of another disk is served", func() bool { return string(b.series("fast", "stdout", 10<<20)) == string(text) })
	b.writes(slowOut, text)
	thaw()
	for _, f := range []*os.File{slowOut, slowErr, fastOut, fastErr} {
		require.NoError(t, f.Close())
	}
	eventually(t, "the streams end", func() bool { return e.Metrics().Streams == 0 })
	data, err := os.ReadFile(filepath.Join(slow, "stdout"))
	require.NoError(t, err)
	assert.Equal(t, string(text), string(data))
	m := e.Metrics()
	assert.Equal(t, int64(4), m.Recovered)
	assert.Zero(t, m.DroppedBytes)
	e.Close()
	assert.Empty(t, b.stateNames())
}
