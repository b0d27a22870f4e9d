package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// background is a harness that runs while the test does something else.
type background struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	ended          chan struct{}
}

// start starts a harness, which is killed when the test ends.
func (a *agent) start(args ...string) *background {
	a.t.Helper()
	b := &background{cmd: a.command(args...), ended: make(chan struct{})}
	b.cmd.Stdout, b.cmd.Stderr = &b.stdout, &b.stderr
	require.NoError(a.t, b.cmd.Start())
	go func() {
		_ = b.cmd.Wait()
		close(b.ended)
	}()
	a.t.Cleanup(func() { b.kill() })
	return b
}

// kill ends a harness as kill -9 does; its tasks live on.
func (b *background) kill() {
	_ = b.cmd.Process.Kill()
	<-b.ended
}

// tellPID is the beginning of a shell task that awaitTasks waits for.
const tellPID = "echo $$ > pid.new && mv pid.new " + pidFile + "; "

// awaitTasks waits until so many tasks have told their process ids, and gives them. The
// tasks are killed when the test ends.
func (a *agent) awaitTasks(b *background, count int) []int {
	a.t.Helper()
	var pids []int
	a.await(b, func() bool {
		pids = pids[:0]
		for _, sandbox := range a.sandboxes() {
			content, _ := os.ReadFile(filepath.Join(sandbox, pidFile))
			if pid, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil {
				pids = append(pids, pid)
			}
		}
		return len(pids) == count
	})
	a.t.Cleanup(func() {
		for _, pid := range pids {
			_ = syscall.Kill(pid, syscall.SIGKILL)
		}
	})
	return pids
}

// await waits for a condition; a harness that has ended before fails the test.
func (a *agent) await(b *background, condition func() bool) {
	a.t.Helper()
	kit.Wait(a.t, "", func() bool {
		select {
		case <-b.ended:
			require.True(a.t, condition(), "the harness has ended: %s\n%s", b.stdout.String(), b.stderr.String())
			return true
		default:
			return condition()
		}
	})
}
