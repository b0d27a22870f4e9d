package sandbox

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// byPath are the functions that take a path and resolve it as a whole: between two
// such calls the owner of a sandbox can put a link anywhere on the way.
var byPath = map[string][]string{
	"os": {
		"Chdir", "Chmod", "Chown", "Chtimes", "CopyFS", "Create", "CreateTemp", "DirFS", "Lchown", "Link", "Lstat", "Mkdir",
		"MkdirAll", "MkdirTemp", "Open", "OpenFile", "OpenInRoot", "OpenRoot", "ReadDir", "ReadFile", "Readlink", "Remove",
		"RemoveAll", "Rename", "Stat", "Symlink", "Truncate", "WriteFile",
	},
	"golang.org/x/sys/unix": pathCalls,
	"syscall":               pathCalls,
	"path/filepath":         {"EvalSymlinks", "Glob", "Walk", "WalkDir"},
	"io/ioutil":             {"ReadAll", "ReadDir", "ReadFile", "TempDir", "TempFile", "WriteFile"},
}

var pathCalls = []string{
	"Access", "Chdir", "Chmod", "Chown", "Chroot", "Creat", "Getxattr", "Lchown", "Lgetxattr", "Link", "Listxattr", "Lremovexattr",
	"Lsetxattr", "Lstat", "Mkdir", "Mkfifo", "Mknod", "Open", "Readlink", "Removexattr", "Rename", "Rmdir", "Setxattr", "Stat",
	"Statfs", "Symlink", "Truncate", "Unlink", "Utime", "Utimes", "UtimesNano",
}

// commands act for whoever types them, with that person's rights, on the paths that
// were typed. What they read in a sandbox they read through core/series. logtest serves
// tests alone.
var commands = []string{"core/cmd/", "core/check/", "core/series/logtest/", "core/rotation/casefile/"}

// granted are the calls by path that there may be, each with its reason.
var granted = map[string]string{
	"core/sandbox/dir.go os.Lstat":               "whether the path that the agent gave is a link, for the message",
	"core/sandbox/dir.go unix.Open":              "the sandbox itself, once, from the path that the agent gave",
	"core/sandbox/file.go unix.Open":             "through /proc, the very file that was looked at",
	"core/sandbox/file.go unix.Chmod":            "through /proc, the very file that was looked at",
	"core/state/dir.go os.MkdirAll":              "the directories above the state directory, from the operator's path",
	"core/state/dir.go os.Mkdir":                 "the state directory itself",
	"core/state/dir.go unix.Open":                "the state directory, once, from the operator's path",
	"core/state/dir.go os.ReadFile":              "the boot id in /proc",
	"core/state/view.go unix.Open":               "the state directory, once, from the operator's path, to be read",
	"core/state/lock.go unix.Stat":               "whether the operator's path still leads to the state directory held open",
	"core/pump/scratch.go unix.Open":             "/dev/null",
	"core/engine/sink.go unix.Open":              "/dev/null, for a container whose output is discarded",
	"core/budget/ended.go unix.Lstat":            "whether the sandbox of a container that has ended is still there; nothing is opened",
	"core/cgroup/cgroup.go os.ReadFile":          "/proc, for the control groups of a process and their mounts",
	"core/limits/read.go os.ReadFile":            "/proc and the control groups of this process",
	"core/limits/read.go os.ReadDir":             "/proc, for the processes of this user",
	"core/keeper/leave.go os.Stat":               "a directory of the control groups' own file system",
	"core/keeper/leave.go os.Mkdir":              "a directory of the control groups' own file system",
	"core/keeper/leave.go os.WriteFile":          "a file of the control groups' own file system",
	"core/standby/start.go os.Stat":              "the program that the operator named, or that was installed with the library",
	"core/standby/start.go unix.Access":          "the program that the operator named, or that was installed with the library",
	"core/standby/start.go os.ReadFile":          "/proc, for the library's own path",
	"core/unit/unit.go os.Lstat":                 "/run/systemd/system, whether systemd has started the machine",
	"core/rotation/script/runner.go os.OpenFile": "/dev/null",
	"core/rotation/script/runner.go unix.Access": "a shell of the host, from a fixed list of directories",
}

// TestNoFileIsReachedByPath: outside of the packages that open directories, files are
// reached through directories held open, never by a path.
func TestNoFileIsReachedByPath(t *testing.T) {
	used := map[string]bool{}
	root := filepath.Join("..", "..")
	for _, tree := range []string{"core", "bridge"} {
		require.NoError(t, filepath.WalkDir(filepath.Join(root, tree), func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			name, err := filepath.Rel(root, path)
			require.NoError(t, err)
			if slices.ContainsFunc(commands, func(tree string) bool { return strings.HasPrefix(name, tree) }) {
				return nil
			}
			for _, call := range callsByPath(t, path) {
				what := name + " " + call.name
				used[what] = true
				assert.Contains(t, granted, what, "%s: line %d: files are reached through a directory held open (core/sandbox)",
					name, call.line)
			}
			return nil
		}))
	}
	for what := range granted {
		require.True(t, used[what], "%s is granted and not used any more", what)
	}
}

type pathCall struct {
	name string
	line int
}

// callsByPath finds the uses of what byPath lists in a file, called or not.
func callsByPath(t *testing.T, path string) []pathCall {
	t.Helper()
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
	require.NoError(t, err)
	packages := map[string]string{}
	for _, imported := range file.Imports {
		from, err := strconv.Unquote(imported.Path.Value)
		require.NoError(t, err)
		name := from[strings.LastIndexByte(from, '/')+1:]
		if imported.Name != nil {
			name = imported.Name.Name
		}
		require.False(t, name == "." && byPath[from] != nil, "%s: %s is imported without a name", path, from)
		packages[name] = from
	}
	var found []pathCall
	ast.Inspect(file, func(n ast.Node) bool {
		selector, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := selector.X.(*ast.Ident); ok && slices.Contains(byPath[packages[of.Name]], selector.Sel.Name) {
			found = append(found, pathCall{of.Name + "." + selector.Sel.Name, files.Position(n.Pos()).Line})
		}
		return true
	})
	return found
}
