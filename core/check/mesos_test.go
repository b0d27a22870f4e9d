package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestTheLibrarysMesosIsTheAgents: the agent refuses every other one.
func TestTheLibrarysMesosIsTheAgents(t *testing.T) {
	slice := lib(t, "Sluice container logger 1", "sluice_ContainerLogger") // with the constant of the slice
	real12 := lib(t, "Sluice container logger 1.2.3 for Mesos 1.12.0", "sluice_ContainerLogger")
	for _, c := range []struct{ name, library, mesos, message string }{
		{"the slice", slice, "1.12.0", "was built without an installed Mesos (1.11.0-slice): only the project's own stand-in for an agent loads it"},
		{"the slice, and nothing known of the agent", slice, "", "was built without an installed Mesos"},
		{"the slice for its stand-in", slice, "1.11.0-slice", ""},
		{"another Mesos", real12, "1.11.0", "is for Mesos 1.12.0; --mesos=1.11.0, and an agent loads modules of its own version only"},
		{"the right one", real12, "1.12.0", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("LD_LIBRARY_PATH", "")
			r := Run(Request{Modules: manifest(c.library), Mesos: c.mesos, ContainerLogger: "sluice_ContainerLogger"})
			if c.message == "" {
				assert.Zero(t, r.Errors(), "%v", texts(r, Error))
				assert.Equal(t, c.mesos, r.Loggers[0].Mesos)
				return
			}
			assert.Contains(t, strings.Join(texts(r, Error), "\n"), c.message)
			assert.True(t, strings.HasPrefix(r.Verdict(), "the agent would refuse "))
		})
	}
	t.Run("the Mesos of the machine", func(t *testing.T) {
		dir := t.TempDir()
		t.Setenv("LD_LIBRARY_PATH", "/no/such:"+dir)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "libmesos-1.9.0.so"), nil, 0o600))
		r := Run(Request{Modules: manifest(real12)})
		if len(installedMesos()) == 1 {
			assert.Contains(t, strings.Join(texts(r, Error), "\n"), "is for Mesos 1.12.0; this machine has Mesos 1.9.0")
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, "libmesos-1.12.0.so"), nil, 0o600))
		assert.Zero(t, Run(Request{Modules: manifest(real12)}).Errors(), "the agent can be either")
	})
	t.Run("as CMake installs it", func(t *testing.T) {
		dir := t.TempDir()
		t.Setenv("LD_LIBRARY_PATH", dir)
		for _, name := range []string{"libmesos.so", "libmesos.so.0", "libmesos.so.1.11.0", "libmesos-protobufs.so"} {
			require.NoError(t, os.WriteFile(filepath.Join(dir, name), nil, 0o600))
		}
		assert.Equal(t, []string{"1.11.0"}, versions(installedMesos())[:1])
	})
}

// TestTheLibrarysTreeIsTheMachines: two trees go under the number 1.11.0, and the agent
// compares numbers only.
func TestTheLibrarysTreeIsTheMachines(t *testing.T) {
	forApache := lib(t, "Sluice container logger 1.2.3 for Mesos 1.11.0", "sluice_ContainerLogger")
	forClusterd := lib(t, "Sluice container logger 1.2.3 for Clusterd 1.11.0", "sluice_ContainerLogger")
	forAcme := lib(t, "Sluice container logger 1.2.3 for Acme 1.11.0", "sluice_ContainerLogger")
	plain, newer := lib(t, "TaskInfo", "messages"), lib(t, "net_ephemeral_ports", "messages")
	for _, c := range []struct{ name, library, file, messages, warning string }{
		{"Apache's, one library", forApache, "libmesos-1.11.0.so", plain, ""},
		{"Clusterd's, of Apache's", forApache, "libmesos.so.1.11.0", newer, "is for Mesos 1.11.0, and this machine has the 1.11.0 of Clusterd: the agent loads it"},
		{"Apache's, of Clusterd's", forClusterd, "libmesos-1.11.0.so", plain, "is for Clusterd 1.11.0, and this machine has the 1.11.0 of Mesos: the agent loads it"},
		{"Clusterd's", forClusterd, "libmesos.so.1.11.0", newer, ""},
		{"somebody's own", forAcme, "libmesos-1.11.0.so", plain, ""},
		{"a library that does not say", forClusterd, "libmesos-1.11.0.so", os.DevNull, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			t.Setenv("LD_LIBRARY_PATH", dir)
			require.NoError(t, os.Symlink(c.messages, filepath.Join(dir, c.file)))
			r := Run(Request{Modules: manifest(c.library), ContainerLogger: "sluice_ContainerLogger"})
			assert.Zero(t, r.Errors(), "%v", texts(r, Error))
			found := strings.Join(texts(r, Warning), "\n")
			if c.warning == "" {
				assert.NotContains(t, found, "this machine has the")
				return
			}
			assert.Contains(t, found, c.warning)
		})
	}
}
