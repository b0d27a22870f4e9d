// Package realagent runs the library in a Mesos agent: it starts a master and an agent
// on loopback, drives the agent through its v1 API as operators do, and looks at the
// sandboxes and the metrics through the same API.
//
// MESOS_AGENT names the mesos-agent binary; everything is skipped without it.
// MESOS_MASTER and MESOS_EXECUTE name the other two programs, which are otherwise
// expected where an installation has them. SLUICE_LIBRARY names the library, built
// against that Mesos (cmake -DMESOS_ROOT=...): the one that the harness loads fits no
// agent.
package realagent

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// programs are what is run, and the library that is loaded.
type programs struct {
	agent   string
	master  string
	execute string
	// launcherDir has the agent's own helpers; "" leaves it to the agent.
	launcherDir string
	library     string
	// sessionsAsked says that the agent opens sessions in containers only where it is told to.
	sessionsAsked bool
}

// sessionsSubsystem is what Clusterd's agent has sessions in.
const sessionsSubsystem = "container_exec"

// findPrograms skips the test where there is no Mesos to run.
func findPrograms(t *testing.T) programs {
	t.Helper()
	agent := os.Getenv("MESOS_AGENT")
	if agent == "" {
		t.Skip("MESOS_AGENT is not set: it has to name a mesos-agent binary, and SLUICE_LIBRARY " +
			"a library that was built against that Mesos")
	}
	if os.Geteuid() != 0 {
		t.Skip("missing privilege: an agent runs as root")
	}
	prefix := filepath.Dir(filepath.Dir(agent))
	p := programs{
		agent:   agent,
		master:  named("MESOS_MASTER", filepath.Join(filepath.Dir(agent), "mesos-master")),
		execute: named("MESOS_EXECUTE", filepath.Join(prefix, "bin", "mesos-execute")),
		library: os.Getenv("SLUICE_LIBRARY"),
	}
	require.NotEmpty(t, p.library, "SLUICE_LIBRARY has to name the library to load into %s", agent)
	library, err := filepath.Abs(p.library)
	require.NoError(t, err)
	p.library = library
	for _, file := range []string{p.agent, p.master, p.library} {
		require.FileExists(t, file)
	}
	if dir := filepath.Join(prefix, "libexec", "mesos"); isDirectory(dir) {
		p.launcherDir = dir
	}
	help, err := exec.Command(p.agent, "--help").CombinedOutput()
	p.sessionsAsked = err == nil && bytes.Contains(help, []byte(sessionsSubsystem))
	return p
}

func named(variable, fallback string) string {
	if path := os.Getenv(variable); path != "" {
		return path
	}
	return fallback
}

func isDirectory(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

// environment is ours without the variables of these tests, which Mesos would read as
// flags: MESOS_MASTER is also the name of --master.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains([]string{"MESOS_AGENT", "MESOS_MASTER", "MESOS_EXECUTE"}, name)
	})
}
