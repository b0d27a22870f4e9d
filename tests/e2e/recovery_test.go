package e2e

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A container that finds, after the death of its agent, that the next one cannot or may
// not serve it as before. It is this binary: when told to, it writes ten megabytes and
// tells how long its longest write took.
const (
	onceSeed     = "once"
	goFile       = "go"
	longestFile  = "longest"
	onceLines    = 102_400
	onceWidth    = 100
	mostBlocked  = 5 * time.Second
	blockedLimit = 2 * time.Minute // a machine that is this busy is not the logger's doing
)

// writeOnce is that task.
func writeOnce() error {
	if err := os.WriteFile(pidFile, []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		return err
	}
	told := func(name string) bool { _, err := os.Stat(name); return err == nil }
	for !told(filepath.Join(os.Getenv("TOLD"), goFile)) {
		time.Sleep(5 * time.Millisecond)
	}
	longest := time.Duration(0)
	for line := range bytes.Lines(numbered(onceLines, onceWidth)) {
		before := time.Now()
		if _, err := os.Stdout.Write(line); err != nil {
			return err
		}
		longest = max(longest, time.Since(before))
	}
	return os.WriteFile(filepath.Join(os.Getenv("TOLD"), longestFile), []byte(strconv.FormatInt(int64(longest), 10)), 0o600)
}

// orphan is such a container, whose agent has been killed.
type orphan struct {
	*agent
	box, told string
	next      *background
}

// orphaned launches it under the parameters that the operator has at first.
func orphaned(t *testing.T, params ...parameter) *orphan {
	t.Helper()
	return (&orphan{agent: newAgent(t, params...)}).launch()
}

// launch starts the container and kills its agent; args are of the harness.
func (o *orphan) launch(args ...string) *orphan {
	o.t.Helper()
	o.told = filepath.Join(filepath.Dir(o.stateDir), "told")
	require.NoError(o.t, os.Mkdir(o.told, 0o700))
	require.NoError(o.t, os.Chmod(o.told, 0o777))
	o.t.Setenv("TOLD", o.told)
	// Every user can run it there.
	self, err := os.Executable()
	require.NoError(o.t, err)
	task := filepath.Join(o.told, "task")
	out, err := exec.Command("cp", self, task).CombinedOutput()
	require.NoError(o.t, err, "%s", out)
	dead := o.start(append(args, "--", task, writerArgument, onceSeed)...)
	o.awaitTasks(dead, 1)
	o.box = o.sandboxes()[0]
	dead.kill()
	return o
}

// restart starts the next agent, with other parameters.
func (o *orphan) restart(params ...parameter) {
	o.t.Helper()
	kept := o.params[len(o.params)-2:] // of the test itself: state_dir and prepare_timeout
	o.params = append(append([]parameter{}, params...), kept...)
	o.next = o.start("--json", "--containers=0", "--hold")
}

// writes has the container write, and waits until it has.
func (o *orphan) writes() {
	o.t.Helper()
	require.NoError(o.t, os.WriteFile(filepath.Join(o.told, goFile), nil, 0o600))
	o.written()
}

func (o *orphan) written() {
	o.t.Helper()
	var longest []byte
	for deadline := time.Now().Add(blockedLimit); len(longest) == 0; time.Sleep(5 * time.Millisecond) {
		longest, _ = os.ReadFile(filepath.Join(o.told, longestFile))
		if time.Now().After(deadline) {
			o.t.Fatalf("the container has been waiting in write(2) for %v: nobody reads its pipe\n%s", blockedLimit, o.next.stderr.String())
		}
	}
	ns, err := strconv.ParseInt(string(longest), 10, 64)
	require.NoError(o.t, err)
	o.t.Logf("longest write: %v", time.Duration(ns).Round(time.Millisecond))
	assert.Less(o.t, time.Duration(ns), mostBlocked)
}

// ends stops the agent when all streams have ended, and gives what it says.
func (o *orphan) ends() string {
	o.t.Helper()
	o.await(o.next, func() bool {
		entries, err := os.ReadDir(o.stateDir)
		require.NoError(o.t, err)
		for _, entry := range entries {
			if filepath.Ext(entry.Name()) == ".fifo" {
				return false
			}
		}
		return true
	})
	require.NoError(o.t, o.next.cmd.Process.Signal(unix.SIGTERM))
	<-o.next.ended
	return o.next.stderr.String()
}

// kept says that the series is the end of what the container has written, in so many
// rotated files.
func (o *orphan) kept(rotated int) {
	o.t.Helper()
	series, err := exec.Command("sh", "-c", "cd "+o.box+" && cat $(ls stdout.[0-9]* | sort -t. -k2 -rn) stdout").CombinedOutput()
	require.NoError(o.t, err, "%s", series)
	assert.True(o.t, bytes.HasSuffix(numbered(onceLines, onceWidth), series), "%d bytes are the end of the output", len(series))
	found, err := filepath.Glob(filepath.Join(o.box, "stdout.[0-9]*"))
	require.NoError(o.t, err)
	assert.Len(o.t, found, rotated)
}

var small = parameter{"max_stdout_size", "1MB"}

// TestScriptsTakenBack: the operator runs no commands any more. Containers that were
// launched with them log on.
func TestScriptsTakenBack(t *testing.T) {
	o := orphaned(t, parameter{"allow_scripts", "true"},
		parameter{"logrotate_stdout_options", "rotate 3\npostrotate\ntouch ran\nendscript"}, small)
	o.restart(small)
	o.writes()
	said := o.ends()
	o.kept(3)
	assert.NoFileExists(t, filepath.Join(o.box, "ran"))
	assert.Equal(t, 1, strings.Count(said, "is not allowed any more, or cannot be read"), said)
	assert.Contains(t, said, "allow_scripts does not permit")
	o.requireStateEmpty()
}

// TestExternalCompressorTakenBack is the same of a compressor.
func TestExternalCompressorTakenBack(t *testing.T) {
	o := orphaned(t, parameter{"allow_scripts", "true"},
		parameter{"logrotate_stdout_options", "rotate 3\ncompress\ncompresscmd /bin/cat\ncompressext .cat"}, small)
	o.restart(small)
	o.writes()
	said := o.ends()
	o.kept(3)
	assert.Contains(t, said, "an external compressor runs commands")
	o.requireStateEmpty()
}

// TestSandboxRemovedBeforeTheStart: what the container writes is counted and dropped.
func TestSandboxRemovedBeforeTheStart(t *testing.T) {
	o := orphaned(t, small)
	require.NoError(t, os.WriteFile(filepath.Join(o.told, goFile), nil, 0o600))
	require.NoError(t, os.Rename(o.box, o.box+".gone"))
	o.restart(small)
	o.written()
	said := o.ends()
	assert.Contains(t, said, "the sandbox was removed while its container runs")
	o.requireStateEmpty()
}

// TestTornRecord: the same, and the record is kept for people.
func TestTornRecord(t *testing.T) {
	o := orphaned(t, small)
	records, err := filepath.Glob(filepath.Join(o.stateDir, "*.stdout.*.record"))
	require.NoError(t, err)
	require.Len(t, records, 1)
	require.NoError(t, os.Truncate(records[0], 30))
	o.restart(small)
	o.writes()
	said := o.ends()
	assert.Contains(t, said, "its record is set aside, and what its container writes is counted and dropped")
	require.FileExists(t, strings.TrimSuffix(records[0], ".record")+".aside")
}

// TestDiskTroubleAtTheStart: what passes leaves no container without a reader, and its
// stream goes on by itself.
func TestDiskTroubleAtTheStart(t *testing.T) {
	needRoot(t)
	remount := func(at string, flags uintptr) {
		require.NoError(t, unix.Mount("", at, "", unix.MS_REMOUNT|flags, ""))
	}
	for _, c := range []struct {
		name   string
		policy string
		begin  func(o *orphan) (end func())
	}{
		{"read-only", "rotate 3", func(o *orphan) func() {
			remount(o.workDir, unix.MS_RDONLY)
			return func() { remount(o.workDir, 0) }
		}},
		{"olddir removed", "rotate 3\nolddir old\ncreateolddir 0755", func(o *orphan) func() {
			require.NoError(t, os.RemoveAll(filepath.Join(o.box, "old")))
			return func() {}
		}},
		{"olddir a file", "rotate 3\nolddir old\ncreateolddir 0755", func(o *orphan) func() {
			require.NoError(t, os.RemoveAll(filepath.Join(o.box, "old")))
			require.NoError(t, os.WriteFile(filepath.Join(o.box, "old"), nil, 0o644))
			return func() {}
		}},
		{"a directory in a reserved name", "rotate 3", func(o *orphan) func() {
			require.NoError(t, os.WriteFile(filepath.Join(o.box, "stdout"), []byte("so that it is in the way\n"), 0o644))
			require.NoError(t, os.Mkdir(filepath.Join(o.box, ".stdout.sluice-carry-0-4096"), 0o755))
			return func() {}
		}},
		{"mode 000", "rotate 3", func(o *orphan) func() {
			require.NoError(t, os.Chmod(o.box, 0))
			return func() { require.NoError(t, os.Chmod(o.box, 0o755)) }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := parameter{"logrotate_stdout_options", c.policy}
			o := &orphan{agent: newAgent(t, small, policy)}
			require.NoError(t, os.Mkdir(o.workDir, 0o755))
			if err := unix.Mount("sluice-e2e", o.workDir, "tmpfs", 0, "mode=0755,size=64m"); err != nil {
				t.Skipf("missing privilege: mounting a tmpfs needs CAP_SYS_ADMIN: %v", err)
			}
			t.Cleanup(func() { _ = unix.Unmount(o.workDir, unix.MNT_DETACH) })
			o.launch("--user=nobody")
			require.NoError(t, os.WriteFile(filepath.Join(o.told, goFile), nil, 0o600))
			end := c.begin(o)
			o.restart(small, policy, parameter{"full_wait", "1secs"})
			o.written()
			end()
			said := o.ends()
			assert.NotContains(t, said, "set aside")
			live, err := os.ReadFile(filepath.Join(o.box, "stdout"))
			require.NoError(t, err)
			assert.NotEmpty(t, live, "the stream goes on by itself: lines, or the mark of what was lost")
			o.requireStateEmpty()
		})
	}
}

// TestNameServiceAwayAtTheStart: a container whose policy names an owner logs on while
// nobody answers who that is, whether it is told so at once or not at all.
func TestNameServiceAwayAtTheStart(t *testing.T) {
	needRoot(t)
	for _, c := range []struct{ name, answer string }{
		{"it says so", "errno = ECONNREFUSED; return NSS_STATUS_UNAVAIL;"},
		{"it hangs", "sleep(600); errno = ETIMEDOUT; return NSS_STATUS_UNAVAIL;"},
	} {
		t.Run(c.name, func(t *testing.T) {
			policy := parameter{"logrotate_stdout_options", "rotate 3\ncreate 0640 daemon daemon"}
			o := orphaned(t, small, policy)
			module := nameService(t, c.answer)
			kept := o.params[len(o.params)-2:]
			o.params = append([]parameter{small, policy}, kept...)
			next := o.command("--json", "--containers=0", "--hold")
			// In a mount namespace of its own, so that nobody else is without names.
			next.Args = append([]string{
				"unshare", "--mount", "sh", "-c",
				fmt.Sprintf("mount --bind %s/nsswitch.conf /etc/nsswitch.conf && exec \"$@\"", module), "sh",
			}, next.Args...)
			next.Args[6] = next.Path
			path, err := exec.LookPath("unshare")
			require.NoError(t, err)
			next.Path = path
			next.Env = append(os.Environ(), "LD_LIBRARY_PATH="+module)
			o.next = &background{cmd: next, ended: make(chan struct{})}
			next.Stdout, next.Stderr = &o.next.stdout, &o.next.stderr
			require.NoError(t, next.Start())
			go func() { _ = next.Wait(); close(o.next.ended) }()
			t.Cleanup(o.next.kill)
			o.writes()
			said := o.ends()
			o.kept(3)
			assert.Contains(t, said, "the name service does not answer")
			o.requireStateEmpty()
		})
	}
}

// nameService makes a module of the name service that gives this answer, and the
// nsswitch.conf by which it is the only one.
func nameService(t *testing.T, answer string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	source := fmt.Sprintf(`#include <errno.h>
#include <grp.h>
#include <nss.h>
#include <pwd.h>
#include <unistd.h>
#define AWAY(function, arguments) enum nss_status _nss_away_##function arguments { %s }
#define BUFFER char *buffer, size_t length, int *number
AWAY(getpwnam_r, (const char *name, struct passwd *out, BUFFER))
enum nss_status _nss_away_getpwuid_r(uid_t uid, struct passwd *out, BUFFER) { return NSS_STATUS_NOTFOUND; }
AWAY(getgrnam_r, (const char *name, struct group *out, BUFFER))
AWAY(getgrgid_r, (gid_t gid, struct group *out, BUFFER))
`, strings.ReplaceAll(answer, "errno =", "*number ="))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "away.c"), []byte(source), 0o600))
	out, err := exec.Command("cc", "-shared", "-fPIC", "-o", filepath.Join(dir, "libnss_away.so.2"), filepath.Join(dir, "away.c")).CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.NoError(t, os.WriteFile(filepath.Join(dir, "nsswitch.conf"), []byte("passwd: away\ngroup: away\n"), 0o644))
	return dir
}
