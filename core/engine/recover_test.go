package engine

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/state"
	"sluice/core/stream"
	sluicepb "sluice/proto"
)

// abandoned leaves the record and the pipes of one container, with its ends open, as
// an owner does that was killed.
func (b *testbed) abandoned(id string) (stdout, stderr *os.File) {
	b.t.Helper()
	e := b.open()
	stdout, stderr = b.prepare(e, id)
	waitFor(func() bool { return e.Metrics().Visits >= 2 })
	e.Close()
	return stdout, stderr
}

// record is the path of the record of a stream, of which there must be one.
func (b *testbed) record(name string) string {
	b.t.Helper()
	found, err := filepath.Glob(filepath.Join(b.state, "*."+name+".*.record"))
	require.NoError(b.t, err)
	require.Len(b.t, found, 1)
	return found[0]
}

// rewrite changes the record of a stream.
func (b *testbed) rewrite(name string, change func(*sluicepb.StreamRecord)) {
	b.t.Helper()
	dir, err := state.Open(b.state)
	require.NoError(b.t, err)
	defer dir.Close()
	id := strings.TrimSuffix(filepath.Base(b.record(name)), ".record")
	record, err := dir.Load(id)
	require.NoError(b.t, err)
	change(record)
	require.NoError(b.t, dir.Save(id, record))
}

// writes has the container write data, which must not take longer than it takes a busy
// machine to move it.
func (b *testbed) writes(container *os.File, data []byte) {
	b.t.Helper()
	done := make(chan error, 1)
	go func() {
		_, err := container.Write(data)
		done <- err
	}()
	select {
	case err := <-done:
		require.NoError(b.t, err)
	case <-time.After(waitLimit):
		b.t.Fatalf("the container has been waiting in write(2) for %v: nobody reads its pipe", waitLimit)
	}
}

// What a container of the tests writes after a restart.
const outputBytes = 10 << 20

// becomes is what becomes of a container whose record was damaged, and of what it writes.
type becomes struct {
	cause stream.Cause // why it is dropped; 0: it is kept
	aside bool         // the record is set aside
	lost  bool         // the container's pipe is nowhere to be found
}

// afterwards opens the engine, has both streams of a container write, and checks what
// became of that, of the account, of descriptors and of the state directory.
func (b *testbed) afterwards(stdout, stderr *os.File, want becomes) {
	b.t.Helper()
	open := countDescriptors(b.t)
	e := b.open()
	_, err := stderr.WriteString("still here\n")
	require.NoError(b.t, err)
	output := numbered(outputBytes/100, 100)
	if !want.lost {
		b.writes(stdout, output)
	}
	require.NoError(b.t, stdout.Close())
	require.NoError(b.t, stderr.Close())
	eventually(b.t, "the streams end with their container", func() bool { return e.Metrics().Streams == 0 })
	m := e.Metrics()
	switch {
	case want.lost:
	case want.cause != 0:
		assert.Equal(b.t, int64(len(output)), m.Dropped[want.cause].Bytes)
		assert.Equal(b.t, int64(len(output)/100), m.Dropped[want.cause].Lines)
		assert.Equal(b.t, int64(11), m.WrittenBytes)
	default:
		assert.Equal(b.t, int64(len(output)+11), m.WrittenBytes)
		assert.Zero(b.t, m.DroppedBytes)
		kept := b.series("c", "stdout", 10<<20)
		assert.NotEmpty(b.t, kept)
		assert.True(b.t, bytes.HasSuffix(output, kept), "what is kept is the end of the output")
	}
	assert.Equal(b.t, "still here\n", string(b.series("c", "stderr", 10<<20)))
	e.Close()
	assert.Equal(b.t, open-2, countDescriptors(b.t))
	left := b.stateNames()
	if want.aside {
		require.Len(b.t, left, 1)
		assert.Contains(b.t, left[0], ".aside")
		return
	}
	assert.Empty(b.t, left)
}

// TestUnusableRecordsCostNoContainerItsPipe: whatever is in a record, its container writes
// on. What can be kept is kept, the rest is counted.
func TestUnusableRecordsCostNoContainerItsPipe(t *testing.T) {
	drained := becomes{cause: stream.Unrecorded, aside: true}
	removed := becomes{cause: stream.SandboxRemoved}
	change := func(change func(b *testbed, r *sluicepb.StreamRecord)) func(*testbed) {
		return func(b *testbed) { b.rewrite("stdout", func(r *sluicepb.StreamRecord) { change(b, r) }) }
	}
	for _, c := range []struct {
		name, message string
		damage        func(b *testbed)
		want          becomes
	}{
		{"torn", "length or checksum differ", func(b *testbed) {
			require.NoError(b.t, os.Truncate(b.record("stdout"), 100))
		}, drained},
		{"empty", "no header", func(b *testbed) { require.NoError(b.t, os.Truncate(b.record("stdout"), 0)) }, drained},
		{"a FIFO in its place", "not a regular file", func(b *testbed) {
			path := b.record("stdout")
			require.NoError(b.t, os.Remove(path))
			require.NoError(b.t, unix.Mkfifo(path, 0o600))
		}, drained},
		{"a directory in its place", "not a regular file", func(b *testbed) {
			path := b.record("stdout")
			require.NoError(b.t, os.Remove(path))
			require.NoError(b.t, os.Mkdir(path, 0o700))
		}, drained},
		{
			"no stream of ours", `its stream is \"../stdout\", expected`,
			change(func(_ *testbed, r *sluicepb.StreamRecord) { r.Stream = "../stdout" }), drained,
		},
		{
			"relative sandbox", `its sandbox is \"etc\", expected an absolute path`,
			change(func(_ *testbed, r *sluicepb.StreamRecord) { r.Sandbox = "etc" }), drained,
		},
		{
			"no limit", "its limit is 0 bytes, expected at least a page",
			change(func(_ *testbed, r *sluicepb.StreamRecord) { r.Settings = nil }), drained,
		},
		{
			"no account", "it has no account",
			change(func(_ *testbed, r *sluicepb.StreamRecord) { r.Accounting = nil }), drained,
		},
		{"no record at all", "has no record that this version can use", func(b *testbed) {
			require.NoError(b.t, os.Remove(b.record("stdout")))
		}, becomes{cause: stream.Unrecorded}},
		{
			"options that nobody reads", "line 1",
			change(func(_ *testbed, r *sluicepb.StreamRecord) { r.Settings.OptionsText = "rotate many" }),
			becomes{},
		},
		{
			"sandbox gone", "the sandbox was removed while its container runs",
			change(func(_ *testbed, r *sluicepb.StreamRecord) { r.Sandbox += "-gone" }), removed,
		},
		{
			"another directory in its place", "the sandbox was removed while its container runs",
			change(func(b *testbed, r *sluicepb.StreamRecord) { r.Sandbox = b.sandbox("another") }), removed,
		},
		{"no pipe", "the stream has no FIFO", func(b *testbed) {
			require.NoError(b.t, os.Remove(strings.TrimSuffix(b.record("stdout"), ".record")+".fifo"))
		}, becomes{aside: true, lost: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t)
			stdout, stderr := b.abandoned("c")
			c.damage(b)
			b.afterwards(stdout, stderr, c.want)
			assert.Contains(t, b.log.String(), c.message)
		})
	}
}

// TestSetAsideStreamIsDrainedByEveryOwner: the decision about a record holds for later
// starts too.
func TestSetAsideStreamIsDrainedByEveryOwner(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	require.NoError(t, os.Truncate(b.record("stdout"), 0))
	for range 3 {
		e := b.open()
		assert.Equal(t, int64(2), e.Metrics().Streams)
		b.writes(stdout, numbered(20000, 100))
		eventually(t, "all of it is counted", func() bool { return e.Metrics().Dropped[stream.Unrecorded].Bytes == 2_000_000 })
		e.Close()
	}
	b.afterwards(stdout, stderr, becomes{cause: stream.Unrecorded, aside: true})
}

// TestStateDirectoryWithForeignNames: what bears a name of ours and is nothing of ours
// neither stops the start nor holds it up.
func TestStateDirectoryWithForeignNames(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	in := func(name string) string { return filepath.Join(b.state, name) }
	require.NoError(t, os.Mkdir(in("x.fifo"), 0o700))
	require.NoError(t, os.Mkdir(in("x.new"), 0o700))
	require.NoError(t, os.Mkdir(in("y.spill"), 0o700))
	require.NoError(t, unix.Mkfifo(in("z.record"), 0o600))
	require.NoError(t, os.Symlink("nowhere", in("l.record")))
	require.NoError(t, os.WriteFile(in("w.fifo"), nil, 0o600))
	e := b.open()
	assert.Equal(t, int64(2), e.Metrics().Recovered)
	e.Close()
	e = b.open()
	defer e.Close()
	assert.Equal(t, int64(2), e.Metrics().Recovered)
	b.writes(stdout, numbered(outputBytes/100, 100))
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
}

// TestManyCorruptRecordsAreToldOnce, and those set aside before the last boot are removed.
func TestManyCorruptRecordsAreToldOnce(t *testing.T) {
	const corrupt = 1000
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	for i := range corrupt {
		require.NoError(t, os.WriteFile(filepath.Join(b.state, fmt.Sprintf("corrupt-%d.record", i)), []byte("?"), 0o600))
	}
	b.serveBoth()
	assert.Equal(t, 1, strings.Count(b.log.String(), "level=ERROR"))
	assert.Contains(t, b.log.String(), "streams=1000")
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
}

// messageOf is the message in a record on disk.
func messageOf(t *testing.T, data []byte) *sluicepb.StreamRecord {
	t.Helper()
	record := &sluicepb.StreamRecord{}
	require.NoError(t, proto.Unmarshal(data[state.RecordHeaderBytes:], record))
	return record
}

// What the kernel may refuse today and grant tomorrow costs no stream its record.
func TestShortageOfDescriptorsCostsNoRecord(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	before := b.stateNames()
	for room := uint64(0); ; room++ {
		few := limit
		few.Cur = uint64(countDescriptors(t)) + room
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &few))
		e, err := Open(b.module, b.logger())
		require.NoError(t, unix.Setrlimit(unix.RLIMIT_NOFILE, &limit))
		if err != nil {
			require.ErrorIs(t, err, unix.EMFILE)
			continue
		}
		recovered := e.Metrics().Recovered
		e.Close()
		require.Subset(t, b.stateNames(), before, "with room for %d descriptors", room)
		if recovered == 2 {
			break
		}
	}
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	assert.NotContains(t, b.log.String(), "set aside")
}

// A state directory that was not on a tmpfs.
func TestRecordsOfAnotherBootAreSwept(t *testing.T) {
	const stale = 10_000
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	dir, err := state.Open(b.state)
	require.NoError(t, err)
	id := strings.TrimSuffix(filepath.Base(b.record("stdout")), ".record")
	record, err := dir.Load(id)
	require.NoError(t, err)
	record.BootId = "another"
	for i := range stale {
		old := fmt.Sprintf("old-%d", i)
		require.NoError(t, dir.MakeFIFO(old, os.Getuid(), os.Getgid()))
		require.NoError(t, dir.Save(old, record))
	}
	require.NoError(t, dir.Close())

	b.serveBoth()
	assert.Contains(t, b.log.String(), fmt.Sprintf("records=%d", stale))
	assert.Len(t, b.stateNames(), 4)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
}

func (b *testbed) serveBoth() {
	b.t.Helper()
	e := b.open()
	assert.Equal(b.t, int64(2), e.Metrics().Recovered)
	e.Close()
}

// A full disk beneath the state directory keeps nobody from starting, and no stream
// from being served and rotated.
func TestStateDirectoryIsFull(t *testing.T) {
	b := newTestbed(t, "max_stdout_size", "4KB", "logrotate_stdout_options", "rotate 100")
	require.NoError(t, os.MkdirAll(b.state, 0o700))
	if err := unix.Mount("sluice-test", b.state, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Skipf("missing privilege: only root can mount a small file system: %v", err)
	}
	defer unix.Unmount(b.state, unix.MNT_DETACH) //nolint:errcheck // it is empty by then
	stdout, stderr := b.abandoned("c")
	filler, err := os.Create(filepath.Join(b.state, "filler"))
	require.NoError(t, err)
	for err == nil {
		_, err = filler.Write(make([]byte, 4096))
	}
	require.ErrorIs(t, err, unix.ENOSPC)
	require.NoError(t, filler.Close())

	want := numbered(300, 100)
	e := b.open()
	defer e.Close()
	assert.Equal(t, int64(2), e.Metrics().Recovered)
	assert.Contains(t, b.log.String(), "a keeper that takes over will not have the parameters of this start")
	_, err = stdout.Write(want)
	require.NoError(t, err)
	require.NoError(t, stdout.Close())
	require.NoError(t, stderr.Close())
	waitEnded(e)
	sameBytes(t, want, b.series("c", "stdout", 4096))
}

// Whatever is in a record, the engine opens, and serves the stream beside it.
func TestAnyRecordLetsTheOthersBeServed(t *testing.T) {
	const rounds = 60
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for range rounds {
		b := newTestbed(t)
		stdout, stderr := b.abandoned("c")
		path := b.record("stdout")
		data, err := os.ReadFile(path)
		require.NoError(t, err)
		message := data[state.RecordHeaderBytes:]
		for range 1 + random.IntN(8) {
			message[random.IntN(len(message))] = byte(random.Uint32())
		}
		record := &sluicepb.StreamRecord{}
		if random.IntN(2) == 0 && proto.Unmarshal(message, record) == nil {
			// As somebody would write it who knows the form.
			record.BootId = bootID(t)
			data, err = state.EncodeVersion(record, state.RecordVersion)
			require.NoError(t, err)
		}
		require.NoError(t, os.WriteFile(path, data, 0o600))
		e := b.open()
		_, err = stderr.WriteString("still here\n")
		require.NoError(t, err)
		live := filepath.Join(b.sandbox("c"), "stderr")
		waitFor(func() bool { data, _ := os.ReadFile(live); return string(data) == "still here\n" })
		e.Close()
		require.NoError(t, stdout.Close())
		require.NoError(t, stderr.Close())
	}
}

func bootID(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	require.NoError(t, err)
	return strings.TrimSpace(string(text))
}
