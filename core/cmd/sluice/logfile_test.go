package main

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// What stands at --log_filename and is no log is left as it is, and said.
func TestPipeLeavesWhatIsNoLog(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(path string) error
	}{
		{"a directory", "it is a directory", func(path string) error { return os.Mkdir(path, 0o755) }},
		{"a FIFO", "it is a FIFO", func(path string) error { return unix.Mkfifo(path, 0o666) }},
		{"a socket", "it is a socket", func(path string) error { return unix.Mknod(path, unix.S_IFSOCK|0o666, 0) }},
		{"a device", "it is a device", func(path string) error { return unix.Mknod(path, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 3))) }},
		{"a link", "it is a symbolic link to \"", func(path string) error {
			if err := os.WriteFile(path+".target", []byte("old\n"), 0o644); err != nil {
				return err
			}
			return os.Symlink(path+".target", path)
		}},
		{"a link to nothing", "it is a symbolic link to \"/nowhere\"", func(path string) error { return os.Symlink("/nowhere", path) }},
		{"a second name", "it is a file with 2 names", func(path string) error {
			if err := os.WriteFile(path+".other", []byte("old\n"), 0o644); err != nil {
				return err
			}
			return os.Link(path+".other", path)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := openDir(t)
			path := filepath.Join(dir, "app.log")
			if err := c.make(path); err != nil {
				t.Skipf("missing privilege: %v", err)
			}
			before := names(t, dir)
			inode := inodeOf(t, path)
			cmd := process("pipe", "--log_filename="+path)
			cmd.Stdin = strings.NewReader("new\n")
			out, err := cmd.CombinedOutput()
			require.Error(t, err)
			assert.Equal(t, exitUsage, cmd.ProcessState.ExitCode())
			assert.Contains(t, string(out), "--log_filename="+path+": "+c.want)
			assert.Contains(t, string(out), "expected a regular file with one name, or nothing")
			assert.Equal(t, before, names(t, dir), "nothing was renamed or made")
			assert.Equal(t, inode, inodeOf(t, path))
		})
	}
}

func names(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	require.NoError(t, err)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

func inodeOf(t *testing.T, path string) uint64 {
	t.Helper()
	info, err := os.Lstat(path)
	require.NoError(t, err)
	return info.Sys().(*syscall.Stat_t).Ino
}

// A log of another user may not be taken for an impostor by somebody who may not write it.
func TestPipeLeavesALogThatItMayNotWrite(t *testing.T) {
	dir := openDir(t)
	require.NoError(t, os.Chmod(dir, 0o777))
	path := filepath.Join(dir, "app.log")
	require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o640))
	cmd := asNobody(t, process("pipe", "--log_filename="+path))
	cmd.Path = copyOfSelf(t)
	cmd.Stdin = strings.NewReader("new\n")
	out, err := cmd.CombinedOutput()
	require.Error(t, err)
	assert.Contains(t, string(out), "it is of another user (uid 0), and may not be written: permission denied")
	assert.Equal(t, []string{"app.log"}, names(t, dir))
}

// ownership of a file, and its permission bits.
type ownership struct {
	uid, gid uint32
	mode     os.FileMode
}

func ownershipOf(t *testing.T, path string) ownership {
	t.Helper()
	info, err := os.Lstat(path)
	require.NoError(t, err)
	st := info.Sys().(*syscall.Stat_t)
	return ownership{st.Uid, st.Gid, info.Mode().Perm()}
}

// As root, a log keeps owner, group and mode over rotations and compressions, and a new one has
// what was asked for.
func TestPipeKeepsOwnerAndGroup(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can give files away")
	}
	const nobody, adm = 65534, 4
	for _, c := range []struct {
		name    string
		there   *ownership
		args    []string
		options string
		want    ownership
	}{
		{"root:adm 0640", &ownership{0, adm, 0o640}, nil, "rotate 9", ownership{0, adm, 0o640}},
		{"nobody:adm 0600", &ownership{nobody, adm, 0o600}, nil, "rotate 9\ncompress", ownership{nobody, adm, 0o600}},
		{"create", nil, nil, "rotate 9\ncreate 0640 root adm", ownership{0, adm, 0o640}},
		{"create over what is there", &ownership{0, 0, 0o644}, nil, "rotate 9\ncreate 0640 nobody adm", ownership{nobody, adm, 0o640}},
		{"new, with group and mode", nil, []string{"--group=adm", "--mode=0640"}, "rotate 9", ownership{0, adm, 0o640}},
		{"new, with all three", nil, []string{"--user=nobody", "--group=nogroup", "--mode=0640"}, "rotate 9", ownership{nobody, nobody, 0o640}},
		{"new, with nothing", nil, nil, "rotate 9", ownership{0, 0, 0o644}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := openDir(t)
			require.NoError(t, os.Chmod(dir, 0o777))
			path := filepath.Join(dir, "app.log")
			if c.there != nil {
				require.NoError(t, os.WriteFile(path, []byte("old\n"), 0o600))
				require.NoError(t, os.Chown(path, int(c.there.uid), int(c.there.gid)))
				require.NoError(t, os.Chmod(path, c.there.mode))
			}
			cmd := process(append([]string{"pipe", "--log_filename=" + path, "--max_size=4KB", "--logrotate_options=" + c.options}, c.args...)...)
			cmd.Stdin = strings.NewReader(strings.Repeat("a line of it\n", 2000))
			out, err := cmd.CombinedOutput()
			require.NoError(t, err, string(out))
			assert.Empty(t, string(out))
			assert.Equal(t, c.want, ownershipOf(t, path))
			first := c.want
			if c.there != nil {
				first = *c.there
			}
			rotated, err := filepath.Glob(path + ".[0-9]*")
			require.NoError(t, err)
			require.Greater(t, len(rotated), 3)
			for _, name := range rotated {
				got := ownershipOf(t, name)
				assert.Contains(t, []ownership{first, c.want, {0, 0, 0o644}}, got, name)
			}
			assert.Equal(t, c.want, ownershipOf(t, rotated[0]), "the youngest")
		})
	}
}
