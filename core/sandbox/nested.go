package sandbox

import (
	"path"
	"strings"
)

// Where an agent puts sandboxes (Mesos' src/slave/paths.cpp): an executor's is .../runs/ID, a
// standalone container's WORK_DIR/containers/ID, and that of a container nested in one of them
// PARENT/containers/ID.
const (
	runsComponent       = "runs"
	containersComponent = "containers"
)

// splitNested splits the path of a sandbox into that of the outermost container and the
// rest, which lies in its sandbox; the rest is empty for a container that is not nested.
func splitNested(sandbox string) (outermost, nested string) {
	outermost = path.Clean(sandbox)
	for {
		directory, id := path.Split(outermost)
		parent, component := path.Split(path.Clean(directory))
		parent = path.Clean(parent)
		if component != containersComponent || !isSandbox(parent) {
			return outermost, nested
		}
		outermost, nested = parent, path.Join(containersComponent, id, nested)
	}
}

// isSandbox says that an agent can have a sandbox with that path.
func isSandbox(directory string) bool {
	component := path.Base(path.Dir(directory))
	return strings.HasPrefix(directory, "/") && (component == runsComponent || component == containersComponent)
}
