package engine

import (
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
	"sluice/tests/chroot"
)

// serviceEnv makes this binary the main process of a unit that owns the streams, with
// what belongs to it in a directory.
const serviceEnv = "SLUICE_TEST_SERVICE"

func init() {
	if path := os.Getenv(serviceEnv); path != "" {
		if err := runService(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		os.Exit(1)
	}
}

// runService answers one question per connection, until it is told to die.
func runService(path string) error {
	module, _, err := settings.ParseModule([]settings.Parameter{
		{Key: "state_dir", Value: path + "/state"}, {Key: "prepare_timeout", Value: "10mins"},
	})
	if err != nil {
		return err
	}
	e, err := Open(module, slog.New(slog.NewTextHandler(os.Stderr, nil)))
	if err != nil {
		return err
	}
	_ = os.Remove(path + "/control")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path + "/control", Net: "unix"})
	if err != nil {
		return err
	}
	for {
		conn, err := l.AcceptUnix()
		if err != nil {
			return err
		}
		question := make([]byte, 200)
		n, _ := conn.Read(question)
		answerService(e, path, conn, string(question[:n]))
		_ = conn.Close()
	}
}

func answerService(e *Engine, path string, conn *net.UnixConn, question string) {
	verb, id, _ := strings.Cut(question, " ")
	switch verb {
	case "prepare":
		box := path + "/boxes/" + id
		_ = os.MkdirAll(box, 0o755)
		d, err := e.Prepare(Launch{ContainerID: id, Sandbox: box})
		if err != nil {
			fmt.Fprint(conn, err)
			return
		}
		_, _, _ = conn.WriteMsgUnix([]byte("ok"), unix.UnixRights(d.Stdout, d.Stderr), nil)
		closeAll([]int{d.Stdout, d.Stderr})
	case "streams":
		fmt.Fprint(conn, e.Metrics().Streams)
	case "kept":
		kept, err := exec.Command("systemctl", "show", "--property=NFileDescriptorStore", "--value", "agent.service").CombinedOutput()
		fmt.Fprint(conn, strings.TrimSpace(string(kept)))
		if err != nil {
			fmt.Fprint(conn, " ", err)
		}
	case "die":
		_ = unix.Kill(os.Getpid(), unix.SIGKILL)
	}
}

const agentUnit = `[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
[Service]
ExecStart=/mnt/service
Environment=` + serviceEnv + `=/mnt
Restart=always
RestartSec=200ms
LimitNOFILE=8192
NotifyAccess=main
FileDescriptorStoreMax=2000
`

// systemd is a real one, on a machine of its own.
type systemd struct {
	t    *testing.T
	path string
	boot *chroot.Machine
}

func bootSystemd(t *testing.T) *systemd {
	t.Helper()
	s := &systemd{t: t, path: t.TempDir()}
	// The machine has a root of its own; what is shared with it is in one directory.
	require.NoError(t, os.Mkdir(filepath.Join(s.path, "units"), 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(s.path, "units", "agent.service"), []byte(agentUnit), 0o644))
	self, err := os.Executable()
	require.NoError(t, err)
	binary, err := os.ReadFile(self)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(s.path, "service"), binary, 0o755))
	s.boot = chroot.Boot(t, "../../tests/chroot", s.path, "agent.service")
	return s
}

// ask asks the service, as soon as it runs.
func (s *systemd) ask(question string) (answer string, fds []int) {
	s.t.Helper()
	eventually(s.t, "the service answers "+question, func() bool {
		conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: filepath.Join(s.path, "control"), Net: "unix"})
		if err != nil {
			return false
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, question); err != nil {
			return false
		}
		data, rights := make([]byte, 200), make([]byte, 100)
		n, rn, _, _, err := conn.ReadMsgUnix(data, rights)
		if question == "die" {
			return true
		}
		if err != nil || n == 0 {
			return false
		}
		answer = string(data[:n])
		if controls, err := unix.ParseSocketControlMessage(rights[:rn]); err == nil && len(controls) > 0 {
			fds, err = unix.ParseUnixRights(&controls[0])
			require.NoError(s.t, err)
			unix.CloseOnExec(fds[0])
			unix.CloseOnExec(fds[1])
		}
		return true
	})
	return answer, fds
}

func (s *systemd) number(question string) int {
	s.t.Helper()
	answer, _ := s.ask(question)
	n, err := strconv.Atoi(answer)
	require.NoError(s.t, err)
	return n
}

// prepare is a container of the service, whose process is this one.
func (s *systemd) prepare(id string) (stdout, stderr *os.File) {
	s.t.Helper()
	answer, fds := s.ask("prepare " + id)
	require.Equal(s.t, "ok", answer)
	return os.NewFile(uintptr(fds[0]), "stdout"), os.NewFile(uintptr(fds[1]), "stderr")
}

// The store of a real systemd, with kills of the agent at any time.
func TestTheStoreOfSystemd(t *testing.T) {
	s := bootSystemd(t)
	var files []*os.File
	prepare := func(id string) {
		stdout, stderr := s.prepare(id)
		files = append(files, stdout, stderr)
	}
	keeps := func(count int) {
		t.Helper()
		eventually(t, fmt.Sprintf("systemd keeps %d descriptors", count), func() bool { return s.number("kept") == count })
	}
	for i := range 3 {
		prepare(fmt.Sprintf("c%d", i))
	}
	keeps(6)
	for i := range 8 {
		s.ask("die")
		require.Equal(t, 6, s.number("streams"), "after start %d", i+1)
		require.Equal(t, 6, s.number("kept"), "after start %d", i+1)
	}

	// A container that ends while nobody is there.
	s.ask("die")
	_, err := files[0].WriteString("last words\n")
	require.NoError(t, err)
	require.NoError(t, files[0].Close())
	require.NoError(t, files[1].Close())
	files = files[2:]
	keeps(4)
	data, err := os.ReadFile(filepath.Join(s.path, "boxes", "c0", "stdout"))
	require.NoError(t, err)
	assert.Equal(t, "last words\n", string(data))

	// More than its queue holds while it has no time.
	pid1 := s.boot.PID1()
	require.NoError(t, unix.Kill(pid1, unix.SIGSTOP))
	// And more, with ids as long as those of nested containers, than an environment could
	// have the names of.
	const burst = 500
	for i := range burst {
		prepare(fmt.Sprintf("%036d.%036d.%036d", i, i, i))
	}
	require.NoError(t, unix.Kill(pid1, unix.SIGCONT))
	keeps(2*burst + 4)
	s.ask("die")
	require.Equal(t, 2*burst+4, s.number("streams"))
	require.Equal(t, 2*burst+4, s.number("kept"))
	for _, f := range files {
		require.NoError(t, f.Close())
	}
	keeps(0)
	assert.Zero(t, s.number("streams"))
}
