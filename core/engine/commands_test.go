package engine

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"sluice/core/settings"
	"sluice/core/worker"
)

// scripted is a testbed whose operator has a script for all, and lets tasks have theirs.
func scripted(t *testing.T) *testbed {
	return newTestbed(t, "allow_scripts", "true", "allow_task_scripts", "true", "allow_root_scripts", "true",
		"max_stdout_size", "4096B", "script_timeout", "10mins",
		"logrotate_stdout_options", "rotate 2\npostrotate\n\ttrue\nendscript")
}

func options(text string) settings.Variable {
	return settings.Variable{Name: "CONTAINER_LOGGER_LOGROTATE_STDOUT_OPTIONS", Value: text}
}

// live gives the live file of stdout.
func (b *testbed) live(id string) string {
	data, err := os.ReadFile(filepath.Join(b.sandbox(id), "stdout"))
	require.NoError(b.t, err)
	return string(data)
}

// hanging starts containers whose rotations do not come to an end before the test does,
// and waits until that many scripts run.
func (b *testbed) hanging(e *Engine, containers int, wait int) {
	b.t.Helper()
	release := filepath.Join(b.boxes, "release")
	b.t.Cleanup(func() { assert.NoError(b.t, os.WriteFile(release, nil, 0o600)) })
	for i := range containers {
		id := fmt.Sprintf("hanging-%d", i)
		stdout, _ := b.prepare(e, id, options("rotate 2\npostrotate\n\techo > runs; while [ ! -e "+release+" ]; do sleep 0.1; done\nendscript"))
		_, err := stdout.WriteString(strings.Repeat("a line\n", 1000))
		require.NoError(b.t, err)
	}
	eventually(b.t, "the scripts hang", func() bool {
		found, err := filepath.Glob(filepath.Join(b.boxes, "hanging-*", "runs"))
		require.NoError(b.t, err)
		return len(found) >= wait
	})
}

// TestScriptsOfOneContainerHoldNoOther has as many scripts hang as there may be, and asks
// a container that has one too: for a line, for a launch, and, where a thread is left, for
// a rotation.
func TestScriptsOfOneContainerHoldNoOther(t *testing.T) {
	b := scripted(t)
	e := b.open()
	t.Cleanup(e.Close)
	stdout, _ := b.prepare(e, "neighbour")
	b.hanging(e, worker.CommandTotal-1, worker.CommandTotal-1)

	_, err := stdout.WriteString(strings.Repeat("a line\n", 1000))
	require.NoError(t, err)
	eventually(t, "the neighbour is rotated", func() bool {
		_, err := os.Stat(filepath.Join(b.sandbox("neighbour"), "stdout.1"))
		return err == nil
	})

	b.hanging(e, 3*worker.CommandTotal, worker.CommandTotal)
	began := time.Now()
	_, err = stdout.WriteString("the last line\n")
	require.NoError(t, err)
	eventually(t, "the neighbour's line is there", func() bool { return strings.HasSuffix(b.live("neighbour"), "the last line\n") })
	fresh, _ := b.prepare(e, "fresh")
	_, err = fresh.WriteString("a line\n")
	require.NoError(t, err)
	eventually(t, "the line of a new container is there", func() bool { return b.live("fresh") == "a line\n" })
	t.Logf("a line and a launch took %v", time.Since(began))
}

// The time of a script is over whoever runs it: the threads of workers may not end what is
// another user's.
func TestScriptsOfAnotherUserAreEnded(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: only root can run a script as another user")
	}
	b := newTestbed(t, "allow_scripts", "true", "script_timeout", "1secs", "max_stdout_size", "4096B",
		"logrotate_stdout_options", "rotate 2\npostrotate\n\tsleep 100000 & echo $! > child; wait\nendscript")
	e := b.open()
	require.NoError(t, os.Chmod(b.boxes, 0o755))
	box := b.sandbox("nobodys")
	require.NoError(t, os.Chown(box, 65534, 65534))
	d, err := e.Prepare(Launch{ContainerID: "nobodys", Sandbox: box, User: "nobody"})
	require.NoError(t, err)
	stdout, stderr := os.NewFile(uintptr(d.Stdout), "stdout"), os.NewFile(uintptr(d.Stderr), "stderr")
	defer stdout.Close()
	require.NoError(t, stderr.Close())
	_, err = stdout.WriteString(strings.Repeat("a line\n", 1000))
	require.NoError(t, err)
	eventually(t, "the script is ended", func() bool { return e.Metrics().RotationErrors > 0 })
	text, err := os.ReadFile(filepath.Join(box, "child"))
	require.NoError(t, err)
	eventually(t, "its child is ended too", func() bool {
		_, err := os.Stat("/proc/" + strings.TrimSpace(string(text)))
		return err != nil
	})
	_, err = stdout.WriteString("the last line\n")
	require.NoError(t, err)
	eventually(t, "the log goes on", func() bool { return strings.HasSuffix(b.live("nobodys"), "the last line\n") })
	require.NoError(t, stdout.Close())
	e.Close()
	assert.Contains(t, b.log.String(), "killed: its time was over")
}

// A script that hangs does not hold up the next owner, for whom all containers wait.
func TestScriptsThatHangHoldNoHandOver(t *testing.T) {
	b := scripted(t)
	e := b.open()
	stdout, _ := b.prepare(e, "neighbour")
	b.hanging(e, 2, 2)
	for _, pipe := range e.HandOver() {
		defer unix.Close(pipe)
	}
	assert.Contains(t, b.log.String(), "killed: the logger ended, or handed over to another")
	e = b.open()
	t.Cleanup(e.Close)
	_, err := stdout.WriteString("a line\n")
	require.NoError(t, err)
	eventually(t, "the neighbour's line is there", func() bool { return b.live("neighbour") == "a line\n" })
}

// TestScriptsOfTasksGetNothingOfTheHostsEnvironment compares with the operator's own.
func TestScriptsOfTasksGetNothingOfTheHostsEnvironment(t *testing.T) {
	t.Setenv("SECRET_OF_THE_AGENT", "hidden")
	b := newTestbed(t, "allow_scripts", "true", "allow_task_scripts", "true", "allow_root_scripts", "true",
		"max_stdout_size", "4096B", "logrotate_stdout_options", "rotate 2\npostrotate\n\tenv > environment\nendscript")
	e := b.open()
	t.Cleanup(e.Close)
	environment := func(id string, env ...settings.Variable) string {
		stdout, _ := b.prepare(e, id, env...)
		_, err := stdout.WriteString(strings.Repeat("a line\n", 1000))
		require.NoError(t, err)
		var text []byte
		eventually(t, "the script has run", func() bool {
			text, _ = os.ReadFile(filepath.Join(b.sandbox(id), "environment"))
			return strings.Contains(string(text), "PATH=")
		})
		return string(text)
	}
	assert.Contains(t, environment("operators"), "SECRET_OF_THE_AGENT=hidden\n")
	var names []string
	for line := range strings.Lines(environment("tasks", options("rotate 2\npostrotate\n\texec /usr/bin/env > environment\nendscript"))) {
		name, _, _ := strings.Cut(line, "=")
		names = append(names, name)
	}
	assert.Subset(t, []string{"PATH", "PWD", "OLDPWD", "SHLVL", "_"}, names, "what is not PATH is the shell's own")
}

// TestRootIsWhoHasItsID launches a container of a user with another name and that id.
func TestRootIsWhoHasItsID(t *testing.T) {
	b := newTestbed(t, "allow_task_scripts", "true")
	e := b.open()
	t.Cleanup(e.Close)
	e.identities.mu.Lock()
	e.identities.known = map[string]knownIdentity{"toor": {worker.Identity{}, time.Now().Add(time.Hour)}}
	e.identities.mu.Unlock()
	_, err := e.Prepare(Launch{
		ContainerID: "roots", User: "toor", Sandbox: b.sandbox("roots"),
		Environment: []settings.Variable{options("postrotate\n\tid\nendscript")},
	})
	require.ErrorContains(t, err, "allow_root_scripts")
}
