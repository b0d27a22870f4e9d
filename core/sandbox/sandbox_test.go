package sandbox

import (
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func open(t *testing.T) (*Dir, string) {
	t.Helper()
	path := t.TempDir()
	d, err := Open(path)
	require.NoError(t, err)
	t.Cleanup(func() { _ = d.Close() })
	return d, path
}

func TestOpenRefusesWhatIsNoDirectory(t *testing.T) {
	base := t.TempDir()
	file := filepath.Join(base, "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	link := filepath.Join(base, "link")
	require.NoError(t, os.Symlink(base, link))
	for _, path := range []string{file, link} {
		_, err := Open(path)
		require.ErrorIs(t, err, ErrNotDirectory)
		assert.ErrorContains(t, err, path)
	}
	_, err := Open(filepath.Join(base, "missing"))
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestImpostors plants everything but a file of ours under a name of ours.
func TestImpostors(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	require.NoError(t, os.WriteFile(secret, []byte("secret"), 0o600))
	for name, plant := range map[string]func(path string) error{
		"symlink":   func(p string) error { return os.Symlink(secret, p) },
		"dangling":  func(p string) error { return os.Symlink(secret+".new", p) },
		"hard link": func(p string) error { return os.Link(secret, p) },
		"directory": func(p string) error { return os.Mkdir(p, 0o700) },
		"FIFO":      func(p string) error { return unix.Mkfifo(p, 0o600) },
		"socket": func(p string) error {
			l, err := net.Listen("unix", p)
			if err == nil {
				l.(*net.UnixListener).SetUnlinkOnClose(false)
				err = l.Close()
			}
			return err
		},
		"device":                  func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o600, int(unix.Mkdev(1, 5))) },
		"device without a driver": func(p string) error { return unix.Mknod(p, unix.S_IFCHR|0o600, int(unix.Mkdev(10, 250))) },
	} {
		t.Run(name, func(t *testing.T) {
			if strings.HasPrefix(name, "device") && os.Geteuid() != 0 {
				t.Skip("needs CAP_MKNOD")
			}
			d, path := open(t)
			require.NoError(t, plant(filepath.Join(path, "stdout")))
			_, err := d.OpenRead("stdout")
			require.ErrorIs(t, err, ErrImpostor)
			_, err = d.OpenWrite("stdout")
			require.ErrorIs(t, err, ErrImpostor)
			_, err = d.Create("stdout", 0o644)
			require.ErrorIs(t, err, fs.ErrExist)

			aside, err := d.MoveAside("stdout")
			require.NoError(t, err)
			assert.Equal(t, "stdout.impostor-1", aside)
			f, err := d.Create("stdout", 0o644)
			require.NoError(t, err)
			require.NoError(t, f.Close())
			data, err := os.ReadFile(secret)
			require.NoError(t, err)
			assert.Equal(t, "secret", string(data))
			assert.NoFileExists(t, secret+".new")
		})
	}
}

func TestMoveAsideReplacesNothing(t *testing.T) {
	d, path := open(t)
	for range numberedAside + 3 {
		require.NoError(t, os.Mkdir(filepath.Join(path, "stdout"), 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(path, "stdout", "content"), nil, 0o600))
		_, err := d.MoveAside("stdout")
		require.NoError(t, err)
	}
	found, err := d.List(1000, func(string) bool { return true })
	require.NoError(t, err)
	assert.Len(t, found, numberedAside+3)
}

func TestCreateHasExactlyTheModeAsked(t *testing.T) {
	d, path := open(t)
	f, err := d.Create("stdout", 0o666)
	require.NoError(t, err)
	defer f.Close()
	info, err := os.Stat(filepath.Join(path, "stdout"))
	require.NoError(t, err)
	assert.Equal(t, os.FileMode(0o666), info.Mode())
	flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFD, 0)
	require.NoError(t, err)
	assert.NotZero(t, flags&unix.FD_CLOEXEC)
}

func TestNamesLeadNowhereElse(t *testing.T) {
	d, _ := open(t)
	for _, name := range []string{"", ".", "..", "a/b", "../a", "/etc/passwd", "a\x00b"} {
		_, err := d.OpenRead(name)
		require.ErrorIs(t, err, ErrBadName, "%q", name)
		require.ErrorIs(t, d.Unlink(name), ErrBadName)
		require.ErrorIs(t, d.Rename("a", d, name), ErrBadName)
		require.ErrorIs(t, d.Rename(name, d, "a"), ErrBadName)
	}
}

func TestSubStaysBeneath(t *testing.T) {
	d, path := open(t)
	outside := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(path, "a", "b"), 0o700))
	require.NoError(t, os.Symlink(outside, filepath.Join(path, "link")))
	require.NoError(t, os.Symlink("a", filepath.Join(path, "inner")))
	sub, err := d.Sub("a/b")
	require.NoError(t, err)
	require.NoError(t, sub.Close())
	for _, rel := range []string{"..", "a/../..", "/", outside, "link", "inner", "inner/b"} {
		_, err := d.Sub(rel)
		require.Error(t, err, rel)
	}
}

func TestRenameMovesALinkItself(t *testing.T) {
	d, path := open(t)
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.WriteFile(target, []byte("canary"), 0o600))
	require.NoError(t, os.Symlink(target, filepath.Join(path, "stdout")))
	require.NoError(t, d.Rename("stdout", d, "stdout.1"))
	to, err := os.Readlink(filepath.Join(path, "stdout.1"))
	require.NoError(t, err)
	assert.Equal(t, target, to)
	require.NoError(t, os.WriteFile(filepath.Join(path, "new"), nil, 0o600))
	require.ErrorIs(t, d.RenameNew("new", d, "stdout.1"), fs.ErrExist)
	require.NoError(t, d.Rename("new", d, "stdout.1"), "replaces the link, not its target")
	assert.FileExists(t, target)
}

func TestListIsBounded(t *testing.T) {
	d, path := open(t)
	for _, name := range []string{"stdout", "stdout.1", "stdout.2", "other", "line\nbreak", strings.Repeat("n", 255)} {
		require.NoError(t, os.WriteFile(filepath.Join(path, name), []byte(name), 0o600))
	}
	found, err := d.List(100, func(name string) bool { return strings.HasPrefix(name, "stdout") })
	require.NoError(t, err)
	assert.Len(t, found, 3)
	_, err = d.List(5, func(string) bool { return true })
	require.ErrorIs(t, err, ErrTooManyNames)
}

func TestReplaceIsWholeAndFollowsNothing(t *testing.T) {
	d, path := open(t)
	target := filepath.Join(t.TempDir(), "target")
	require.NoError(t, os.WriteFile(target, []byte("canary"), 0o600))
	require.NoError(t, os.Symlink(target, filepath.Join(path, "conf")))
	require.NoError(t, os.Symlink(target, filepath.Join(path, ".conf.sluice-new")))
	require.NoError(t, d.Replace("conf", []byte("policy\n"), 0o644))
	f, err := d.OpenRead("conf")
	require.NoError(t, err)
	defer f.Close()
	data, err := io.ReadAll(f)
	require.NoError(t, err)
	assert.Equal(t, "policy\n", string(data))
	canary, err := os.ReadFile(target)
	require.NoError(t, err)
	assert.Equal(t, "canary", string(canary))
}

func TestRemoved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "box")
	require.NoError(t, os.Mkdir(path, 0o700))
	d, err := Open(path)
	require.NoError(t, err)
	defer d.Close()
	assert.False(t, d.Removed())
	require.NoError(t, os.Remove(path))
	assert.True(t, d.Removed())
	_, err = d.Create("stdout", 0o644)
	require.ErrorIs(t, err, fs.ErrNotExist)
}

// TestAFileThatIsReplacedIsNoImpostor opens a name while others are renamed over its
// file: what was opened may have lost its only name by the time it is looked at.
func TestAFileThatIsReplacedIsNoImpostor(t *testing.T) {
	d, path := open(t)
	stop := make(chan struct{})
	var replacing sync.WaitGroup
	defer replacing.Wait()
	defer close(stop)
	require.NoError(t, os.WriteFile(filepath.Join(path, "stdout"), nil, 0o644))
	replacing.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
				next := filepath.Join(path, "next")
				assert.NoError(t, os.WriteFile(next, nil, 0o644))
				assert.NoError(t, os.Rename(next, filepath.Join(path, "stdout")))
			}
		}
	})
	gone := 0
	for range 20000 {
		f, err := d.OpenRead("stdout")
		if err != nil {
			require.ErrorIs(t, err, fs.ErrNotExist)
			gone++
			continue
		}
		require.NoError(t, f.Close())
	}
	t.Logf("replaced between two calls %d times", gone)
}

// TestALinkIsCalledALink, and everything else by its name: who reads the message has to
// find out who made it.
func TestALinkIsCalledALink(t *testing.T) {
	dir := t.TempDir()
	require.NoError(t, os.Symlink("/etc/passwd", filepath.Join(dir, "link")))
	require.NoError(t, os.Symlink(t.TempDir(), filepath.Join(dir, "linked")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "directory"), 0o755))
	require.NoError(t, unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "twice"), nil, 0o600))
	require.NoError(t, os.Link(filepath.Join(dir, "twice"), filepath.Join(dir, "again")))
	d, err := Open(dir)
	require.NoError(t, err)
	defer d.Close()
	for name, kind := range map[string]string{
		"link": "a link", "directory": "a directory", "fifo": "a FIFO", "twice": "a file with 2 names",
	} {
		_, err := d.OpenRead(name)
		require.EqualError(t, err, `open "`+name+`": not a regular file with one name but `+kind)
	}
	_, err = d.Sub("linked")
	require.ErrorContains(t, err, "not a directory but a link")
	_, err = Open(filepath.Join(dir, "linked"))
	require.ErrorContains(t, err, "not a directory but a link")
	_, err = Open(filepath.Join(dir, "twice"))
	require.ErrorIs(t, err, ErrNotDirectory)
	require.NotContains(t, err.Error(), "link,")
}
