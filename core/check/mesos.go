package check

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// mesosDirs are where packages and builds of Mesos put its library.
var mesosDirs = []string{
	"/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/local/lib64", "/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu",
	"/opt/mesosphere/lib", "/opt/mesos/lib",
}

// mesosLibrary is the names under which Mesos installs its library: by its makefiles, and
// by CMake, as in the packages of Clusterd.
var mesosLibrary = regexp.MustCompile(`^libmesos(?:-` + mesosVersion + `\.so|\.so\.` + mesosVersion + `)$`)

const mesosVersion = `([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.]+)?)`

// installedMesos gives the versions of Mesos that this machine has, as far as their
// libraries are where the dynamic linker looks for them or packages put them.
func installedMesos() (versions []string) {
	dirs := append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), mesosDirs...)
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			found := mesosLibrary.FindStringSubmatch(entry.Name())
			if found == nil {
				continue
			}
			if version := found[1] + found[2]; !slices.Contains(versions, version) {
				versions = append(versions, version)
			}
		}
	}
	return versions
}

// forMesos checks that the agent's Mesos is the library's. The agent's module manager
// refuses every other one, older or newer (verifyModule in src/module/manager.cpp).
func (r *Report) forMesos(m module, asked string) {
	lib := m.library
	if !lib.known || !lib.ours {
		return
	}
	machine, whose := []string{asked}, "--mesos="+asked
	if asked == "" {
		machine = installedMesos()
		whose = "this machine has Mesos " + strings.Join(machine, " and ")
	}
	slice := strings.HasSuffix(lib.mesos, "-slice")
	switch {
	case lib.mesos == "":
		r.add(Warning, m.at, "library %q does not say which Mesos it was built for: the agent refuses it if that is another one", lib.path)
	case slices.Contains(machine, lib.mesos):
	case slice:
		r.add(Error, m.at, "library %q was built without an installed Mesos (%s): only the project's own stand-in for an agent loads it; "+
			"expected one that was built with -DMESOS_ROOT=", lib.path, lib.mesos)
	case len(machine) == 0:
		r.add(Info, m.at, "library %q is for Mesos %s, and this machine has no Mesos to hold that against; expected --mesos=VERSION of the agent",
			lib.path, lib.mesos)
	default:
		r.add(Error, m.at, "library %q is for Mesos %s; %s, and an agent loads modules of its own version only", lib.path, lib.mesos, whose)
	}
}

// mesosOwn tells whether a library is that of Mesos' own logger, or would be if it were
// there.
func (l library) mesosOwn() bool {
	return !l.ours && (strings.HasPrefix(filepath.Base(l.path), "liblogrotate_container_logger") ||
		slices.Contains(l.symbols, "org_apache_mesos_LogrotateContainerLogger"))
}

// stillMesosOwn says that a modules file leads to the logger that was there before.
func (r *Report) stillMesosOwn(m module) {
	r.stops = nothing
	r.add(Error, m.at, "the file still names %q, the library of Mesos' own logger: the agent would start with that, and not with sluice; "+
		"expected libsluice_container_logger.so, which the package has in /usr/lib/sluice", m.library.path)
	r.stops = agent
}
