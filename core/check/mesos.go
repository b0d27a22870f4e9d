package check

import (
	"bytes"
	"debug/elf"
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

// mesosLibrary is the name under which Mesos installs its library: by autotools, by CMake.
var mesosLibrary = regexp.MustCompile(`^libmesos(?:-([0-9]+\.[0-9]+\.[0-9]+(?:-[0-9A-Za-z.]+)?)\.so|\.so\.([0-9]+\.[0-9]+\.[0-9]+))$`)

// installed is a Mesos that this machine has.
type installed struct{ version, dir, file string }

// installedMesos gives what this machine has of Mesos, as far as the libraries are where
// the dynamic linker looks for them or packages put them.
func installedMesos() (found []installed) {
	dirs := append(filepath.SplitList(os.Getenv("LD_LIBRARY_PATH")), mesosDirs...)
	for _, dir := range dirs {
		entries, _ := os.ReadDir(dir)
		for _, entry := range entries {
			if name := mesosLibrary.FindStringSubmatch(entry.Name()); name != nil {
				found = append(found, installed{version: name[1] + name[2], dir: dir, file: entry.Name()})
			}
		}
	}
	return found
}

// The names of the trees that can be told apart: Apache's, and the fork that has gone under
// Apache's number 1.11.0 with what Apache has had since.
const (
	apache   = "Mesos"
	clusterd = "Clusterd"
)

// fieldOf112 is in the messages of no release of Apache's before 1.12.
const fieldOf112 = "net_ephemeral_ports"

// tree gives the name of the tree that an installed Mesos is of, empty where its libraries
// do not say. A build by CMake has the messages in a library of their own.
func (m installed) tree() string {
	for _, name := range []string{"libmesos-protobufs.so", m.file} {
		f, err := elf.Open(filepath.Join(m.dir, name))
		if err != nil {
			continue
		}
		data := constants(f)
		_ = f.Close()
		switch {
		case bytes.Contains(data, []byte(fieldOf112)) && strings.HasPrefix(m.version, "1.11."):
			return clusterd
		case data != nil:
			return apache
		}
	}
	return ""
}

// ofAnotherTree says that the library is of another tree than each Mesos of its version on
// this machine: the agent, which compares numbers, would load it.
func (r *Report) ofAnotherTree(m module, machine []installed) {
	lib, trees := m.library, []string{}
	for _, mesos := range machine {
		if mesos.version == lib.mesos {
			trees = append(trees, mesos.tree())
		}
	}
	known := lib.tree == apache || lib.tree == clusterd
	if len(trees) == 0 || !known || slices.Contains(trees, lib.tree) || slices.Contains(trees, "") {
		return
	}
	r.add(Warning, m.at, "library %q is for %s %s, and this machine has the %s of %s: the agent loads it, as the numbers are the same, but it was "+
		"built with other headers; expected the package that was built for %s", lib.path, lib.tree, lib.mesos, lib.mesos, trees[0], trees[0])
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
		all := installedMesos()
		machine = versions(all)
		whose = "this machine has Mesos " + strings.Join(machine, " and ")
		r.ofAnotherTree(m, all)
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
		r.add(Info, m.at, "library %q is for %s %s, and this machine has no Mesos to hold that against; expected --mesos=VERSION of the agent",
			lib.path, lib.tree, lib.mesos)
	default:
		r.add(Error, m.at, "library %q is for %s %s; %s, and an agent loads modules of its own version only",
			lib.path, lib.tree, lib.mesos, whose)
	}
}

// versions are those of the Mesos that are there, each once.
func versions(all []installed) (versions []string) {
	for _, mesos := range all {
		if !slices.Contains(versions, mesos.version) {
			versions = append(versions, mesos.version)
		}
	}
	return versions
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
