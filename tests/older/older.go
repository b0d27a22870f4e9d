// Package older builds the released versions from the history of this repository, for
// tests in which versions take over from each other: each test runs the real program.
//
// What was built stays in the user's cache directory. Where the history is missing, as in
// a shallow clone, or git is, a test skips and says so; it fails where a version that is
// there cannot be built.
package older

import (
	"bytes"
	"context"
	_ "embed" // the stand-in for an agent
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Release is a version that operators may have, and have to come from or go back to.
type Release struct{ Version, Commit string }

// Releases are all of them, the oldest first.
var Releases = []Release{
	{"0.1.0", "2c9a3cc9183394ee312c8957df964ab158c6efe8"},
}

// Sluice gives the path of the command of that version.
func (r Release) Sluice(t *testing.T) string {
	t.Helper()
	return r.built(t, "sluice", nil, "build", "./core/cmd/sluice")
}

// Agent gives the path of a stand-in for an agent with that version in it:
//
//	agent [--debug] COUNT WORK_DIR PARAMETER=VALUE... -- TASK...
//
// It starts the task in so many containers, and serves them until it is killed.
func (r Release) Agent(t *testing.T) string {
	t.Helper()
	return r.built(t, "agent", agentSource, "build", "./core/cmd/agent")
}

//go:embed agent.go.txt
var agentSource []byte

// EngineTest gives the path of the test binary of that version's core/engine, which can be
// an owner that ends when it has served so much.
func (r Release) EngineTest(t *testing.T) string {
	t.Helper()
	return r.built(t, "engine.test", nil, "test", "-c", "./core/engine")
}

// built gives what the go command makes of a package of that version, or of one that is
// put beside them: verb and flags, then the package.
func (r Release) built(t *testing.T, name string, main []byte, command ...string) string {
	t.Helper()
	root := r.repository(t)
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "sluice", "older", r.Commit)
	unlock, err := lock(dir)
	if err != nil {
		t.Fatalf("build version %s: %v", r.Version, err)
	}
	defer unlock()
	product := filepath.Join(dir, name)
	if _, err := os.Stat(product); err == nil {
		return product
	}
	source := filepath.Join(dir, "source")
	if err := r.build(root, source, product, main, command); err != nil {
		t.Fatalf("build version %s: %v", r.Version, err)
	}
	return product
}

func (r Release) build(root, source, product string, main []byte, command []string) error {
	if err := r.extract(root, source); err != nil {
		return err
	}
	if main != nil {
		dir := filepath.Join(source, command[len(command)-1])
		err := errors.Join(os.MkdirAll(dir, 0o755), os.WriteFile(filepath.Join(dir, "main.go"), main, 0o644))
		if err != nil {
			return err
		}
	}
	args := slices.Insert(slices.Clone(command), len(command)-1, "-o", product+".new")
	if err := run(source, "go", args...); err != nil {
		return err
	}
	return errors.Join(os.Rename(product+".new", product), os.RemoveAll(source))
}

// repository is the root of the working tree, whose history has the version.
func (r Release) repository(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("git"); err != nil {
		t.Skipf("missing program: git, to build version %s from the history", r.Version)
	}
	root, err := git(".", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		t.Skipf("missing history: this is no working tree of git, and version %s is built from that", r.Version)
	}
	dir := strings.TrimSpace(string(root))
	if err := git(dir, "cat-file", "-e", r.Commit+"^{commit}").Run(); err != nil {
		t.Skipf("missing history: commit %s of version %s is not in this clone; git fetch --unshallow brings it", r.Commit, r.Version)
	}
	return dir
}

// git makes a command that reads a clone whoever made it.
func git(dir string, args ...string) *exec.Cmd {
	return exec.CommandContext(context.Background(), "git", append([]string{"-c", "safe.directory=*", "-C", dir}, args...)...)
}

// extract puts the files of the version into a directory.
func (r Release) extract(root, into string) error {
	if err := errors.Join(os.RemoveAll(into), os.MkdirAll(into, 0o755)); err != nil {
		return err
	}
	archive, err := git(root, "archive", r.Commit).Output()
	if err != nil {
		return fmt.Errorf("git archive %s: %w", r.Commit, err)
	}
	unpack := exec.CommandContext(context.Background(), "tar", "-x", "-C", into)
	unpack.Stdin = bytes.NewReader(archive)
	if out, err := unpack.CombinedOutput(); err != nil {
		return fmt.Errorf("unpack %s: %w: %s", r.Commit, err, out)
	}
	return nil
}

func run(dir, name string, args ...string) error {
	cmd := exec.CommandContext(context.Background(), name, args...)
	cmd.Dir = dir
	// The flags of this run, such as a coverage mode, are none of the other sources'.
	cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=false", "GOWORK=off")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w: %s", name, args, err, out)
	}
	return nil
}

// lock keeps other test processes from building the same.
func lock(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return nil, err
	}
	for err = unix.EINTR; errors.Is(err, unix.EINTR); {
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX)
	}
	return func() { _ = f.Close() }, err
}
