package limits

import (
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
)

// text gives a file of the kernel's; one that cannot be read is empty.
func text(file string) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	return string(data)
}

// list gives the names in a directory of the kernel's.
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

// fields reads lines of a name, a colon and a value.
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

// mount is where a hierarchy of control groups is: the group `root` of it at `point`.
type mount struct{ root, point string }

// findMount finds the hierarchy that has the pids controller.
func findMount(unified bool) (m mount, ok bool) {
	for line := range strings.Lines(text("/proc/self/mountinfo")) {
		before, after, found := strings.Cut(line, " - ")
		place, kind := strings.Fields(before), strings.Fields(after)
		if !found || len(place) < 5 || len(kind) < 3 {
			continue
		}
		if unified && kind[0] == "cgroup2" || !unified && kind[0] == "cgroup" && slices.Contains(strings.Split(kind[2], ","), "pids") {
			return mount{root: place[3], point: place[4]}, true
		}
	}
	return mount{}, false
}

// groups are the limits of a group and of those above it that can be seen.
func (m mount) groups(group string) (all []Limit) {
	if m.root != "/" {
		inside, ok := strings.CutPrefix(group, m.root)
		if !ok {
			return nil // of another part of the hierarchy
		}
		group = inside
	}
	// "/../x" is a group that is not below the root of the process's namespace.
	for group = path.Clean("/" + group); ; group = path.Dir(group) {
		most, err := strconv.ParseInt(strings.TrimSpace(text(m.point+group+"/pids.max")), 10, 64)
		taken, err2 := strconv.ParseInt(strings.TrimSpace(text(m.point+group+"/pids.current")), 10, 64)
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
