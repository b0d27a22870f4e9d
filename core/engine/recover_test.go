package engine

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sluice/core/state"
	"strings"
	"testing"

	"github.com/golang/protobuf/proto" //nolint:staticcheck // the project's own messages are carried by this package
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

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

// serveOther opens the engine, which has to serve stderr, whatever stdout's record
// is, and closes it again.
func (b *testbed) serveOther(stderr *os.File) {
	b.t.Helper()
	e := b.open()
	assert.Equal(b.t, int64(1), e.Metrics().Recovered)
	_, err := stderr.WriteString("still here\n")
	require.NoError(b.t, err)
	waitFor(func() bool { return e.Metrics().WrittenBytes == 11 })
	e.Close()
}

func TestUnusableRecordsAreSetAside(t *testing.T) {
	for _, c := range []struct {
		name, message string
		damage        func(b *testbed)
	}{
		{"torn", "length or checksum differ", func(b *testbed) {
			require.NoError(b.t, os.Truncate(b.record("stdout"), 100))
		}},
		{"empty", "no header", func(b *testbed) { require.NoError(b.t, os.Truncate(b.record("stdout"), 0)) }},
		{"no stream of ours", `its stream is \"../stdout\", expected`, func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Stream = "../stdout" })
		}},
		{"relative sandbox", `its sandbox is \"etc\", expected an absolute path`, func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Sandbox = "etc" })
		}},
		{"no limit", "its limit is 0 bytes, expected at least a page", func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Settings = nil })
		}},
		{"no account", "it has no account", func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Accounting = nil })
		}},
		{"options that nobody reads", "line 1", func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Settings.OptionsText = "rotate many" })
		}},
		{"sandbox gone", "no such file or directory", func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Sandbox += "-gone" })
		}},
		{"another directory in its place", "is not the directory that it was", func(b *testbed) {
			b.rewrite("stdout", func(r *sluicepb.StreamRecord) { r.Sandbox = b.sandbox("another") })
		}},
		{"no pipe", "no such file or directory", func(b *testbed) {
			require.NoError(b.t, os.Remove(strings.TrimSuffix(b.record("stdout"), ".record")+".fifo"))
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newTestbed(t)
			stdout, stderr := b.abandoned("c")
			defer stdout.Close()
			defer stderr.Close()
			c.damage(b)
			b.serveOther(stderr)
			assert.Contains(t, b.log.String(), "its record is set aside")
			assert.Contains(t, b.log.String(), c.message)
			aside, err := filepath.Glob(filepath.Join(b.state, "*.aside"))
			require.NoError(t, err)
			assert.Len(t, aside, 1)
		})
	}
}

// A downgrade leaves what a newer version wrote, and that version serves it again.
func TestNewerRecordWaitsForItsVersion(t *testing.T) {
	b := newTestbed(t)
	stdout, stderr := b.abandoned("c")
	defer stderr.Close()
	path := b.record("stdout")
	ours, err := os.ReadFile(path)
	require.NoError(t, err)
	newer, err := state.EncodeVersion(messageOf(t, ours), state.RecordVersion+1)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, newer, 0o600))
	_, err = stdout.WriteString("kept\n")
	require.NoError(t, err)

	b.serveOther(stderr)
	assert.Contains(t, b.log.String(), "was left to a newer version: start that again")
	assert.Contains(t, b.log.String(), "version 2, this one reads up to 1")
	left, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, newer, left)

	// What the newer version would find.
	require.NoError(t, os.WriteFile(path, ours, 0o600))
	e := b.open()
	defer e.Close()
	assert.Equal(t, int64(2), e.Metrics().Recovered)
	waitFor(func() bool { return string(b.series("c", "stdout", 10<<20)) == "kept\n" })
	require.NoError(t, stdout.Close())
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
	assert.Contains(t, b.log.String(), "its record stays for the next start")
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
