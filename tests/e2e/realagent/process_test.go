package realagent

import (
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"sluice/tests/kit"
)

// process is a program with its output in a file, killed when the test ends.
type process struct {
	t       *testing.T
	name    string
	cmd     *exec.Cmd
	logPath string
	// ended is closed once the process has been waited for.
	ended chan struct{}
	once  sync.Once
}

// start appends what the program says to the file logPath, which is shown where the
// test fails.
func start(t *testing.T, logPath, name string, args ...string) *process {
	t.Helper()
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	require.NoError(t, err)
	defer log.Close()
	p := &process{t: t, name: name, cmd: exec.Command(name, args...), logPath: logPath, ended: make(chan struct{})}
	p.cmd.Env = environment()
	p.cmd.Stdout, p.cmd.Stderr = log, log
	require.NoError(t, p.cmd.Start())
	go func() {
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("%s says:\n%s", name, tail(p.log()))
		}
	})
	return p
}

// kill sends SIGKILL and waits.
func (p *process) kill() {
	p.once.Do(func() { _ = p.cmd.Process.Kill() })
	<-p.ended
}

// log is all that was said so far.
func (p *process) log() string {
	p.t.Helper()
	text, err := os.ReadFile(p.logPath)
	require.NoError(p.t, err)
	return string(text)
}

func tail(text string) string { return text[max(0, len(text)-12_000):] }

// until waits for a condition while the process lives.
func (p *process) until(what string, condition func() bool) {
	p.t.Helper()
	kit.Wait(p.t, what, func() bool {
		select {
		case <-p.ended:
			require.True(p.t, condition(), "%s ended before: %s", p.name, what)
			return true
		default:
			return condition()
		}
	})
}

// freePort is a port of loopback on which nobody listened just now.
func freePort(t *testing.T) int {
	t.Helper()
	// Below those that the kernel gives to whoever asks for any: a connection of the test's
	// own could have it before the program that it is meant for.
	const first, last = 20_000, 32_000
	for range 1000 {
		port := first + rand.IntN(last-first)
		listener, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port))
		if err == nil {
			require.NoError(t, listener.Close())
			return port
		}
	}
	t.Fatalf("no port between %d and %d is free", first, last)
	return 0
}
