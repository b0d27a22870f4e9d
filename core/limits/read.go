package limits

import (
	"os"
	"path"
	"strconv"
	"strings"

	"sluice/core/cgroup"
)

// text gives the contents of one of the kernel's files; one that cannot be read is empty.
func text(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(data)
}

// list gives the names in one of the kernel's directories.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	names := make([]string, len(entries))
	for i, entry := range entries {
		names[i] = entry.Name()
	}
	return names, err
}

// proc gives the name of a file of a process.
func proc(pid int, name string) string {
	if pid == Self {
		return "/proc/self/" + name
	}
	return "/proc/" + strconv.Itoa(pid) + "/" + name
}

// fields reads lines that have a name, a colon and a value.
func fields(file string) map[string]string {
	found := map[string]string{}
	for line := range strings.Lines(text(file)) {
		if name, value, ok := strings.Cut(line, ":"); ok {
			found[name] = strings.TrimSpace(value)
		}
	}
	return found
}

func firstWord(s string) string {
	words := strings.Fields(s)
	if len(words) == 0 {
		return ""
	}
	return words[0]
}

// upFrom gives the limits of a group and of those above it that can be seen.
func upFrom(group string, at cgroup.Mount) (all []Limit) {
	if at.Root != "/" {
		inside, ok := strings.CutPrefix(group, at.Root)
		if !ok {
			return nil // of another part of the hierarchy
		}
		group = inside
	}
	// "/../x" is a group that is not below the root of the process's namespace.
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		most, err := strconv.ParseInt(strings.TrimSpace(text(at.Point+group+"/pids.max")), 10, 64)
		taken, err2 := strconv.ParseInt(strings.TrimSpace(text(at.Point+group+"/pids.current")), 10, 64)
		if err == nil && err2 == nil { // else "max", or the root group
			all = append(all, Limit{
				Name: "the limit of processes of control group " + group + " (pids.max)", Remedy: "TasksMax=", Most: most, Taken: taken,
			})
		}
		if group == "/" {
			return all
		}
	}
}
