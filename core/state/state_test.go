package state

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	sluicepb "sluice/proto"
)

func open(t *testing.T) *Dir {
	t.Helper()
	d, err := Open(filepath.Join(t.TempDir(), "state"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d
}

// TestMain lets the test binary be the other process that holds a lock.
func TestMain(m *testing.M) {
	if path := os.Getenv("SLUICE_TEST_HOLD"); path != "" {
		if _, err := Open(path); err != nil {
			panic(err)
		}
		_, _ = os.Stdout.WriteString("held\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	if path := os.Getenv(triesEnv); path != "" {
		tryToOpen(path)
	}
	os.Exit(m.Run())
}

func TestOpenClosesTheDirectoryToOthers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a", "state")
	d, err := Open(path)
	require.NoError(t, err)
	defer d.Close()
	info, err := os.Stat(path)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}

func TestOpenRefuses(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	writable := filepath.Join(base, "writable")
	require.NoError(t, os.Mkdir(writable, 0o700))
	require.NoError(t, os.Chmod(writable, 0o777))
	link := filepath.Join(base, "link")
	require.NoError(t, os.Symlink(base, link))

	for _, c := range []struct{ name, path, message string }{
		{"a file", file, "expected a directory"},
		{"below a file", filepath.Join(file, "state"), "expected a directory"},
		{"writable by others", writable, "has mode 0777, expected 0700"},
		{"a link", link, "that is no link"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Open(c.path)
			require.ErrorIs(t, err, ErrNotUsable)
			assert.ErrorContains(t, err, c.path)
			assert.ErrorContains(t, err, c.message)
		})
	}
	t.Run("somebody else's", func(t *testing.T) {
		if os.Geteuid() != 0 {
			t.Skip("needs root to give a directory away")
		}
		foreign := filepath.Join(base, "foreign")
		require.NoError(t, os.Mkdir(foreign, 0o700))
		require.NoError(t, os.Chown(foreign, 4242, 4242))
		_, err := Open(foreign)
		require.ErrorIs(t, err, ErrNotUsable)
		assert.ErrorContains(t, err, "belongs to user 4242, expected 0")
	})
}

func TestLockNamesItsOwnerAndDiesWithIt(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state")
	holder := exec.Command(os.Args[0])
	holder.Env = append(os.Environ(), "SLUICE_TEST_HOLD="+path)
	stdin, err := holder.StdinPipe()
	require.NoError(t, err)
	defer stdin.Close()
	stdout, err := holder.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, holder.Start())
	_, err = io.ReadFull(stdout, make([]byte, 5))
	require.NoError(t, err)

	_, err = Open(path)
	var locked *LockedError
	require.ErrorAs(t, err, &locked)
	assert.Equal(t, holder.Process.Pid, locked.PID)
	assert.ErrorContains(t, err, path)

	require.NoError(t, holder.Process.Kill())
	_ = holder.Wait()
	d, err := Open(path)
	require.NoError(t, err)
	require.NoError(t, d.Close())
}

func TestRecordSurvives(t *testing.T) {
	d := open(t)
	want := &sluicepb.StreamRecord{ContainerId: "a.b", Stream: "stdout", Uid: 7, Groups: []uint32{7, 8}, BootId: d.BootID()}
	require.NoError(t, d.Save("id", want))
	want.Uid = 9
	require.NoError(t, d.Save("id", want))
	got, err := d.Load("id")
	require.NoError(t, err)
	assert.Equal(t, want.String(), got.String())
	ids, err := d.Streams()
	require.NoError(t, err)
	assert.Equal(t, []string{"id"}, ids)
}

func TestRecordRefused(t *testing.T) {
	whole, err := encodeRecord(&sluicepb.StreamRecord{ContainerId: "c"})
	require.NoError(t, err)
	for n := range whole {
		_, err := decodeRecord(whole[:n])
		require.ErrorIs(t, err, ErrTorn, "cut after %d bytes", n)
	}
	for i := range whole {
		changed := append([]byte(nil), whole...)
		changed[i] ^= 0x10
		_, err := decodeRecord(changed)
		require.ErrorIs(t, err, ErrTorn, "byte %d changed", i)
	}
}

func TestRecordOfANewerVersionIsKeptForIt(t *testing.T) {
	d := open(t)
	require.NoError(t, d.MakeFIFO("id", os.Getuid(), os.Getgid()))
	data, err := EncodeVersion(&sluicepb.StreamRecord{ContainerId: "c"}, RecordVersion+1)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(d.Path(), "id.record"), data, 0o600))
	record, err := d.Load("id")
	require.ErrorIs(t, err, ErrNewer)
	assert.ErrorContains(t, err, "version 2, this one reads up to 1")
	assert.Equal(t, "c", record.GetContainerId(), "what is understood")
	require.NoError(t, d.Save("id", record))
	_, err = d.Load("id")
	require.ErrorIs(t, err, ErrNewer, "it stays the newer version's")
}

func TestSweepRemovesWhatACrashLeft(t *testing.T) {
	d := open(t)
	file := func(name string) {
		require.NoError(t, os.WriteFile(filepath.Join(d.Path(), name), []byte("half"), 0o600))
	}
	require.NoError(t, d.MakeFIFO("no-record", os.Getuid(), os.Getgid()))
	file("x.record.new")
	file("x.spill")
	file("now.aside")
	require.NoError(t, d.MakeFIFO("whole", os.Getuid(), os.Getgid()))
	require.NoError(t, d.Save("whole", &sluicepb.StreamRecord{}))
	file("whole.spill")
	ids, err := d.Streams()
	require.NoError(t, err)
	assert.Equal(t, []string{"whole"}, ids)
	unrecorded, err := d.Unrecorded()
	require.NoError(t, err)
	assert.Equal(t, []string{"no-record"}, unrecorded)
	require.NoError(t, d.Sweep())
	names, err := d.names()
	require.NoError(t, err)
	assert.ElementsMatch(t, []string{"lock", "no-record.fifo", "now.aside", "whole.fifo", "whole.record", "whole.spill"}, names)
	require.NoError(t, d.Remove("whole"))
	require.NoError(t, d.Remove("whole"), "a second time is no error")
}

func TestContainerOutlivesItsReader(t *testing.T) {
	d := open(t)
	require.NoError(t, d.MakeFIFO("id", os.Getuid(), os.Getgid()))
	reader, err := d.OpenReading("id")
	require.NoError(t, err)
	container, err := d.OpenForContainer("id")
	require.NoError(t, err)
	require.NoError(t, unix.Close(reader))
	_, err = unix.Write(container, []byte("nobody reads"))
	require.NoError(t, err, "neither EPIPE nor SIGPIPE")

	reader, err = d.OpenReading("id")
	require.NoError(t, err)
	buffer := make([]byte, 64)
	n, err := unix.Read(reader, buffer)
	require.NoError(t, err)
	assert.Equal(t, "nobody reads", string(buffer[:n]))
	require.NoError(t, unix.Close(container))
	n, err = unix.Read(reader, buffer)
	require.NoError(t, err)
	assert.Zero(t, n, "the end of the file comes when the container closes it")
	require.NoError(t, unix.Close(reader))
}

func FuzzDecodeRecord(f *testing.F) {
	whole, err := encodeRecord(&sluicepb.StreamRecord{ContainerId: "c", Stream: "stdout"})
	require.NoError(f, err)
	f.Add(whole)
	f.Add([]byte(recordMagic))
	f.Fuzz(func(t *testing.T, data []byte) {
		record, err := decodeRecord(data)
		if err != nil && !errors.Is(err, ErrTorn) && !errors.Is(err, ErrNewer) {
			t.Fatalf("unexpected kind of error: %v", err)
		}
		if (record == nil) == (err == nil || errors.Is(err, ErrNewer)) {
			t.Fatalf("the record is %v, the error %v", record, err)
		}
	})
}

// TestTheDirectoriesAboveAreForAll: another program may keep its files in them, as an
// agent does in /var/run/mesos.
func TestTheDirectoriesAboveAreForAll(t *testing.T) {
	above := filepath.Join(t.TempDir(), "mesos")
	d, err := Open(filepath.Join(above, "sluice") + "/")
	require.NoError(t, err)
	require.NoError(t, d.Close())
	info, err := os.Stat(above)
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o755), info.Mode().Perm())
	info, err = os.Stat(filepath.Join(above, "sluice"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o700), info.Mode().Perm())
}
