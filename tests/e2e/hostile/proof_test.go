package hostile

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// proof is what an attack must not have touched.
type proof struct {
	// dir holds root/ with a canary, that every user may read and only root write,
	// and a secret that only root may read; and outside/, where every user may write.
	dir, outside string
	sandbox      string
	logLines     int
}

const (
	canaryText = "only root may write this\n"
	secretText = "only root may read this\n"
)

func newProof(t *testing.T) *proof {
	t.Helper()
	dir := openDirectory(t)
	p := &proof{dir: dir, outside: filepath.Join(dir, "outside")}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "root"), 0o755))
	require.NoError(t, os.Mkdir(p.outside, 0o755))
	require.NoError(t, os.Chmod(p.outside, 0o777))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "root/canary"), []byte(canaryText), 0o644))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "root/secret"), []byte(secretText), 0o600))
	precious := filepath.Join(p.outside, "precious")
	require.NoError(t, os.WriteFile(precious, []byte("precious\n"), 0o644))
	uid, gid := idsOf(t, ordinary)
	require.NoError(t, os.Chown(precious, uid, gid))
	return p
}

func idsOf(t *testing.T, name string) (uid, gid int) {
	t.Helper()
	u, err := user.Lookup(name)
	require.NoError(t, err)
	_, err = fmt.Sscan(u.Uid+" "+u.Gid, &uid, &gid)
	require.NoError(t, err)
	return uid, gid
}

// requireDone says that the attack has taken place and the logger has outlived it.
func (p *proof) requireDone(t *testing.T, got outcome) {
	t.Helper()
	require.Len(t, got.Containers, 2, got.stderr)
	for _, container := range got.Containers {
		said, _ := os.ReadFile(filepath.Join(container.Sandbox, "attacker.log"))
		require.Zero(t, got.code, "%s\n%s%s", said, container.Error, got.stderr)
		require.Zero(t, container.ExitStatus, "%s", said)
		if _, err := os.Stat(filepath.Join(container.Sandbox, neighbourReport)); err == nil {
			p.requireNeighbour(t, container.Sandbox)
		} else {
			p.sandbox = container.Sandbox
		}
	}
	require.NotEmpty(t, p.sandbox)
	require.Zero(t, got.Metrics["sluice/panics"])
	p.logLines = strings.Count(got.stderr, "\n")
	for _, line := range strings.Split(strings.TrimSuffix(got.stderr, "\n"), "\n") {
		require.Regexp(t, `^([IWEF]\d{4} |[^\x00-\x1f]*$)`, line)
		require.NotRegexp(t, `^E0101 forged`, line)
		require.NotContains(t, line, "\x1b")
	}
}

func (p *proof) requireSame(t *testing.T, path, want string) {
	t.Helper()
	content, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(content), path)
}

// requireUntouched says that what belongs to root is as it was.
func (p *proof) requireUntouched(t *testing.T) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Join(p.dir, "root"))
	require.NoError(t, err)
	require.Len(t, entries, 2, "names in a directory of root")
	for name, want := range map[string]struct {
		text string
		mode os.FileMode
	}{"canary": {canaryText, 0o644}, "secret": {secretText, 0o600}} {
		path := filepath.Join(p.dir, "root", name)
		p.requireSame(t, path, want.text)
		info, err := os.Lstat(path)
		require.NoError(t, err)
		require.Equal(t, want.mode, info.Mode())
		require.Zero(t, info.Sys().(*syscall.Stat_t).Uid)
		require.EqualValues(t, 1, info.Sys().(*syscall.Stat_t).Nlink)
	}
}

// regular calls see with every regular file beneath the sandbox.
func (p *proof) regular(t *testing.T, see func(path string, info os.FileInfo)) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(p.sandbox, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err == nil {
			see(path, info)
		}
		return err
	}))
}

// mostReadBytes of a file are looked through for the secret.
const mostReadBytes = 1 << 20

func (p *proof) requireNoSecret(t *testing.T) {
	t.Helper()
	p.regular(t, func(path string, _ os.FileInfo) {
		content := head(t, path, func(f io.Reader) (io.Reader, error) { return f, nil })
		require.False(t, bytes.Contains(content, []byte(secretText)), path)
		if strings.HasSuffix(path, ".gz") {
			content = head(t, path, func(f io.Reader) (io.Reader, error) { return gzip.NewReader(f) })
			require.False(t, bytes.Contains(content, []byte(secretText)), path)
		}
	})
}

func head(t *testing.T, path string, through func(io.Reader) (io.Reader, error)) []byte {
	t.Helper()
	f, err := os.Open(path)
	require.NoError(t, err)
	defer f.Close()
	r, err := through(f)
	if err != nil {
		return nil // the attacker's own idea of a compressed file
	}
	content, err := io.ReadAll(io.LimitReader(r, mostReadBytes))
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	return content
}

func (p *proof) requireHonestStream(t *testing.T) {
	t.Helper()
	var want strings.Builder
	for i := range honestLines {
		want.WriteString(numbered(i))
	}
	content, err := os.ReadFile(filepath.Join(p.sandbox, "stderr"))
	require.NoError(t, err)
	// As a bool: a message with all of both helps nobody.
	same := want.String() == string(content)
	require.True(t, same, "stderr is not what the task wrote")
}

var seriesName = regexp.MustCompile(`^stdout([.-].*)?$`)

// requireBounded says that no file of the user's series is over the limit, that
// there are not more than the policy keeps, and that they are the user's.
func (p *proof) requireBounded(t *testing.T, a attack, name string) {
	t.Helper()
	uid, _ := idsOf(t, name)
	files := 0
	p.regular(t, func(path string, info os.FileInfo) {
		require.EqualValues(t, uid, info.Sys().(*syscall.Stat_t).Uid, path)
		if !seriesName.MatchString(info.Name()) || strings.HasSuffix(path, ".conf") || strings.HasSuffix(path, ".times") {
			return
		}
		files++
		if a.keeps {
			require.LessOrEqual(t, info.Size(), int64(limitBytes), path)
		}
	})
	if a.keeps {
		require.LessOrEqual(t, files, 1+3, "the live file and rotate 3")
	}
}
