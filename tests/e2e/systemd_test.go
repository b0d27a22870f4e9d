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

	"sluice/tests/chroot"
	"sluice/tests/kit"
)

// unitOfAgent is a unit as packages of Mesos bring one that says nothing of what the logger
// needs; the program is the stand-in for an agent, which has its tasks the first time only.
const unitOfAgent = `[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
[Service]
ExecStart=/mnt/agent
Restart=always
RestartSec=200ms
`

// serviced is an agent in a unit of a real systemd.
type serviced struct {
	*agent
	machine *chroot.Machine
	path    string // what is /mnt there
	token   string // by which its processes are known
}

// newServiced boots the machine, with the package's drop-in or without.
func newServiced(t *testing.T, dropIn bool, params ...parameter) *serviced {
	t.Helper()
	s := &serviced{agent: newAgent(t), path: t.TempDir(), token: "sluice-e2e-" + strconv.Itoa(os.Getpid())}
	require.NoError(t, os.Chmod(s.path, 0o755))
	s.workDir, s.stateDir = filepath.Join(s.path, "work"), filepath.Join(s.path, "state")
	require.NoError(t, os.MkdirAll(filepath.Join(s.path, "units/mesos-agent.service.d"), 0o755))
	write := func(name, text string, mode os.FileMode) {
		require.NoError(t, os.WriteFile(filepath.Join(s.path, name), []byte(text), mode))
	}
	write("units/mesos-agent.service", unitOfAgent, 0o644)
	if dropIn {
		text := read(t, "../../cmake/packaging/10-sluice.conf")
		write("units/mesos-agent.service.d/10-sluice.conf", text, 0o644)
	}
	s.params = append(params, parameter{"state_dir", "/mnt/state"}, parameter{"prepare_timeout", busyDisk})
	write("modules.json", manifest(t, s.library("/mnt/"+library, s.module)), 0o644)
	flags := "--modules=file:///mnt/modules.json --container_logger=" + s.module + " --work_dir=/mnt/work"
	task := fmt.Sprintf(`: %[1]s; seq --format=%[2]s 1 %[3]d; until test -e go; do sleep 0.01; done; exec seq --format=%[2]s %[4]d %[5]d`,
		s.token, seqFormat(wordsWidth), firstWords, firstWords+1, firstWords+lastWords)
	write("agent", fmt.Sprintf("#!/bin/sh\nexport LD_LIBRARY_PATH=/mnt\nexec 2>>/mnt/log\n"+
		"test -e /mnt/again && exec /mnt/sluice-harness %[1]s --containers=0 --hold\n"+
		"touch /mnt/again\nexec /mnt/sluice-harness %[1]s --hold -- sh -c '%[2]s'\n", flags, task), 0o755)
	products := []string{"sluice-harness", "sluice", library}
	slice, err := filepath.Glob(filepath.Join(s.build, "tests/mesosapi/libmesosapi.so*"))
	require.NoError(t, err)
	for i := range products {
		products[i] = filepath.Join(s.build, products[i])
	}
	out, err := exec.Command("cp", append(append([]string{"-a"}, append(products, slice...)...), s.path)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
	s.machine = chroot.Boot(t, "../chroot", s.path, "mesos-agent.service")
	return s
}

// processes are those whose command line has a text, but for shells that start others.
func (s *serviced) processes(name string) (pids []int) {
	all, _ := filepath.Glob("/proc/[0-9]*/comm")
	for _, path := range all {
		comm, err := os.ReadFile(path)
		if err != nil || string(comm) != name+"\n" {
			continue
		}
		text, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		if err == nil && bytes.Contains(text, []byte(s.token)) && !gone(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// says waits for a line in the log of the agents, and fails when there is none.
func (s *serviced) says(text string) {
	s.t.Helper()
	kit.Wait(s.t, "the agent says "+text, func() bool {
		log, _ := os.ReadFile(filepath.Join(s.path, "log"))
		return bytes.Contains(log, []byte(text))
	})
}

// speechless has the task end while its agent does not look, kills the agent, and waits for the
// next one to have seen to all.
func (s *serviced) speechless() (box string) {
	s.t.Helper()
	kit.Wait(s.t, "the first words are in the log", func() bool {
		boxes := s.sandboxes()
		if len(boxes) == 1 {
			box = boxes[0]
		}
		got, _ := os.ReadFile(filepath.Join(box, "stdout"))
		return bytes.Equal(got, numbered(firstWords, wordsWidth))
	})
	tasks, agents := s.processes("sh"), s.processes("sluice-harness")
	require.Len(s.t, tasks, 1)
	require.Len(s.t, agents, 1)
	speak(s.t, agents[0], tasks[0], box)
	require.NoError(s.t, unix.Kill(agents[0], unix.SIGKILL))
	kit.Wait(s.t, "all streams have ended", s.stateEmpty)
	return box
}

// check runs `sluice check` on the machine.
func (s *serviced) check() string {
	s.t.Helper()
	out, _ := s.machine.Command("env", "LD_LIBRARY_PATH=/mnt", "/mnt/sluice", "check", "/mnt/modules.json",
		"--container_logger="+s.module).CombinedOutput()
	return string(out)
}

// TestLastWordsThatSystemdHeld: the package's drop-in alone loses nothing.
func TestLastWordsThatSystemdHeld(t *testing.T) {
	s := newServiced(t, true)
	s.says("the service manager holds the pipes while the agent is away")
	box := s.speechless()
	s.says("took over the streams of an owner before")
	got := outcome{stderr: read(t, filepath.Join(s.path, "log"))}
	s.requireLastWords(box, got)
	assert.NotContains(t, got.stderr, "lacks settings")
	assert.NotContains(t, got.stderr, "nobody holds the pipes")
	assert.NotContains(t, s.check(), "mesos-agent.service: ")
}

// TestLastWordsUnderSystemdWithoutTheDropIn: they are lost, and it is told what the unit lacks,
// by the agent and by `sluice check`.
func TestLastWordsUnderSystemdWithoutTheDropIn(t *testing.T) {
	s := newServiced(t, false)
	s.says("nobody holds the pipes while the agent is away")
	s.says("lacks settings that the logger relies on")
	box := s.speechless()
	s.says("took over the streams of an owner before")
	rest, found := strings.CutPrefix(read(t, filepath.Join(box, "stdout")), string(numbered(firstWords, wordsWidth)))
	require.True(t, found)
	assert.Regexp(t, unattendedMark, rest)
	log := read(t, filepath.Join(s.path, "log"))
	check := s.check()
	for _, said := range []string{"FileDescriptorStoreMax=0, expected 400", "NotifyAccess=none, expected main", "KillMode=control-group, expected process"} {
		assert.Contains(t, log, said)
		assert.Contains(t, check, "mesos-agent.service: "+said)
	}
}

// TestAStandbyOutlivesItsUnit: systemd ends what is in the control group of the agent, and
// the keeper is not.
func TestAStandbyOutlivesItsUnit(t *testing.T) {
	s := newServiced(t, false, parameter{"keeper", "start"})
	s.says("a keeper holds the pipes while the agent is away")
	box := s.speechless()
	log := read(t, filepath.Join(s.path, "log"))
	s.requireLastWords(box, outcome{stderr: log})
	assert.NotContains(t, log, "the start of the keeper has a warning")
	assert.Contains(t, read(t, filepath.Join(s.stateDir, "keeper.log")), "the agent is away; its containers are served here")
}

// TestTasksLiveOnUnderTheDropIn: a restart of the unit ends the agent only, and what is
// written meanwhile is in the log.
func TestTasksLiveOnUnderTheDropIn(t *testing.T) {
	s := newServiced(t, true)
	s.says("the service manager holds the pipes while the agent is away")
	var box string
	kit.Wait(s.t, "there is a task", func() bool {
		boxes := s.sandboxes()
		if len(boxes) == 1 {
			box = boxes[0]
		}
		return len(s.processes("sh")) == 1
	})
	task := s.processes("sh")[0]
	out, err := s.machine.Command("systemctl", "stop", "mesos-agent.service").CombinedOutput()
	require.NoError(t, err, "%s", out)
	require.False(t, gone(task), "the task has ended with its agent")
	require.NoError(t, os.WriteFile(filepath.Join(box, goFile), nil, 0o600))
	out, err = s.machine.Command("systemctl", "start", "mesos-agent.service").CombinedOutput()
	require.NoError(t, err, "%s", out)
	kit.Wait(s.t, "all streams have ended", s.stateEmpty)
	// systemd before 254 lets go of the pipes of a unit that is stopped: what the task has
	// written last is there where it lives, or is told to be missing.
	log := read(t, filepath.Join(box, "stdout"))
	if log != string(numbered(firstWords+lastWords, wordsWidth)) {
		assert.Contains(t, log, "lost an unknown amount")
	}
	for began := time.Now(); !gone(task); time.Sleep(2 * time.Millisecond) {
		require.Less(t, time.Since(began), kit.Limit)
	}
}
