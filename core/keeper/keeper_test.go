package keeper

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/engine"
	"sluice/core/settings"
	"sluice/core/state"
)

// stateEnv makes this binary a keeper: locks are of processes, so that the agent of a test
// and its keeper cannot be one.
const stateEnv = "SLUICE_TEST_KEEP"

func init() {
	dir, asked := os.LookupEnv(stateEnv)
	if !asked {
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), unix.SIGTERM)
	defer stop()
	if err := Run(ctx, Config{StateDir: dir, Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}

// node is a state directory with one container, whose agent is this process.
type node struct {
	t              *testing.T
	state, sandbox string
	stdout, stderr *os.File
	keeper         *exec.Cmd
	log            *lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.all.String()
}

func (n *node) module() settings.Module {
	n.t.Helper()
	module, _, err := settings.ParseModule([]settings.Parameter{{Key: "state_dir", Value: n.state}, {Key: "prepare_timeout", Value: "10mins"}})
	require.NoError(n.t, err)
	return module
}

// newNode starts a container under an agent, and a keeper that stands by; then the agent
// goes, and before the keeper can serve change is called.
func newNode(t *testing.T, change func(n *node)) *node {
	t.Helper()
	n := &node{t: t, state: filepath.Join(t.TempDir(), "state"), sandbox: t.TempDir(), log: &lockedBuffer{}}
	agent, err := engine.Open(n.module(), slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	d, err := agent.Prepare(engine.Launch{ContainerID: "c", Sandbox: n.sandbox})
	require.NoError(t, err)
	n.stdout, n.stderr = os.NewFile(uintptr(d.Stdout), "stdout"), os.NewFile(uintptr(d.Stderr), "stderr")
	t.Cleanup(func() { _ = n.stdout.Close(); _ = n.stderr.Close() })
	n.keeper = exec.Command(os.Args[0])
	n.keeper.Env = append(os.Environ(), stateEnv+"="+n.state)
	n.keeper.Stderr = n.log
	require.NoError(t, n.keeper.Start())
	ended := make(chan error, 1)
	go func() { ended <- n.keeper.Wait() }()
	t.Cleanup(func() {
		_ = n.keeper.Process.Signal(unix.SIGTERM)
		assert.NoError(t, <-ended, "the keeper ended by itself, or not with status 0 on SIGTERM")
		if t.Failed() {
			t.Log(n.log.String())
		}
	})
	n.logged("standing by", 1)
	change(n)
	agent.Close()
	return n
}

// within waits for a condition, as long as a busy machine may need.
func (n *node) within(what string, condition func() bool) {
	n.t.Helper()
	for began := time.Now(); !condition(); time.Sleep(time.Millisecond) {
		require.Less(n.t, time.Since(began), 2*time.Minute, "%s\n%s", what, n.log.String())
	}
}

func (n *node) logged(text string, times int) {
	n.t.Helper()
	n.within("the keeper logs "+text, func() bool { return strings.Count(n.log.String(), text) >= times })
}

// writes has the container write, which must not hang, and waits until the file has it.
func (n *node) writes(text string) {
	n.t.Helper()
	written := make(chan error, 1)
	go func() { _, err := n.stdout.WriteString(text); written <- err }()
	select {
	case err := <-written:
		require.NoError(n.t, err)
	case <-time.After(2 * time.Minute):
		require.Fail(n.t, "the container hangs", "%s", n.log.String())
	}
	n.within("the log has what was written", func() bool { return strings.HasSuffix(n.all(), text) })
}

// all is what the log has.
func (n *node) all() string {
	n.t.Helper()
	older, err := os.ReadFile(filepath.Join(n.sandbox, "stdout.1"))
	if err != nil {
		require.ErrorIs(n.t, err, os.ErrNotExist)
	}
	live, err := os.ReadFile(filepath.Join(n.sandbox, "stdout"))
	if err != nil {
		require.ErrorIs(n.t, err, os.ErrNotExist)
	}
	return string(older) + string(live)
}

// The keeper's binary may be older than the agent that left its parameters. Nobody else
// reads the pipes: it serves.
func TestKeeperServesWithTheParametersThatItUnderstands(t *testing.T) {
	for _, c := range []struct{ name, settings, says string }{
		{"a parameter that it does not know", `[{"Key":"of_tomorrow","Value":"yes"},{"Key":"max_stdout_size","Value":"1MB"}]`, "of_tomorrow"},
		{"a value that it does not know", `[{"Key":"on_full","Value":"fly away"}]`, "fly away"},
		{"options that it does not know", `[{"Key":"logrotate_stdout_options","Value":"rotate by the moon"}]`, "logrotate_stdout_options"},
		{"a form that it does not know", `{"form": 2}`, "cannot be read"},
		{"torn", `[{"Key":"of_to`, "cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := ""
			n := newNode(t, func(n *node) {
				path = filepath.Join(n.state, "settings")
				require.NoError(t, os.WriteFile(path, []byte(c.settings), 0o600))
			})
			n.writes(strings.Repeat("nobody else would read this\n", 6<<20/28))
			assert.Contains(t, n.log.String(), c.says)
			left, err := os.ReadFile(path)
			require.NoError(t, err)
			assert.Equal(t, c.settings, string(left), "they are the agent's, which may come back")
		})
	}
}

// A socket that cannot be made keeps the keeper from handing over, not from serving.
func TestKeeperServesWithoutASocket(t *testing.T) {
	var socket string
	n := newNode(t, func(n *node) {
		socket = filepath.Join(n.state, "keeper.socket")
		require.NoError(t, os.MkdirAll(filepath.Join(socket, "in-the-way"), 0o700))
	})
	n.writes(strings.Repeat("served all the same\n", 3<<20/20))
	require.NoError(t, os.RemoveAll(socket))
	agent, err := engine.Open(n.module(), slog.New(slog.DiscardHandler))
	require.NoError(t, err, "it hands over once there is room for the socket")
	defer agent.Close()
	n.logged("handed the streams over", 1)
	n.writes("and on\n")
}

// takeLock is an agent that has asked for the streams and has not opened them.
func (n *node) takeLock() (dir *state.Dir, conn *net.UnixConn) {
	n.t.Helper()
	dir, err := state.Attach(n.state)
	require.NoError(n.t, err)
	n.within("the keeper listens", func() bool {
		conn, err = net.DialUnix("unix", nil, dir.SocketAddress(state.KeeperSocket))
		return err == nil
	})
	_, err = conn.Read(make([]byte, 1))
	require.NoError(n.t, err)
	require.NoError(n.t, dir.TryLock())
	return dir, conn
}

// An agent may be slow to open the pipes that it takes over, and containers end meanwhile.
func TestPipesAreHeldForAnAgentThatIsSlow(t *testing.T) {
	n := newNode(t, func(*node) {})
	n.writes("before\n")
	dir, conn := n.takeLock()
	_, err := n.stdout.WriteString("the last words\n")
	require.NoError(t, err)
	require.NoError(t, n.stdout.Close())
	n.logged("their pipes are held open for it", 1)
	assert.NotContains(t, n.log.String(), "handed the streams over")

	found, err := filepath.Glob(filepath.Join(n.state, "*.stdout.*.fifo"))
	require.NoError(t, err)
	require.Len(t, found, 1)
	pipe, err := dir.OpenReading(strings.TrimSuffix(filepath.Base(found[0]), ".fifo"))
	require.NoError(t, err)
	text := make([]byte, 100)
	count, err := unix.Read(pipe, text)
	require.NoError(t, err)
	assert.Equal(t, "the last words\n", string(text[:count]))
	require.NoError(t, unix.Close(pipe))
	require.NoError(t, conn.Close())
	n.logged("handed the streams over", 1)
	n.logged("standing by", 2)
	require.NoError(t, dir.Close())
}

// An agent may die after it has the lock and before it has the pipes.
func TestPipesAreHeldWhenTheAgentDiesOverAHandover(t *testing.T) {
	n := newNode(t, func(*node) {})
	n.writes("before\n")
	dir, conn := n.takeLock()
	_, err := n.stdout.WriteString("the last words\n")
	require.NoError(t, err)
	require.NoError(t, n.stdout.Close())
	require.NoError(t, dir.Close())
	require.NoError(t, conn.Close())
	n.within("the log has the last words", func() bool { return strings.HasSuffix(n.all(), "the last words\n") })
	n.logged("died before it had them", 1)
}
