package e2e

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestNestedContainer(t *testing.T) {
	a := newAgent(t, parameter{"max_stdout_size", "8KB"}, parameter{"logrotate_stdout_options", "rotate 9"})
	got := a.mustRun(append([]string{"--nested"}, writeNumbered(3000, 20)...)...)
	sandbox := got.Containers[0].Sandbox
	assert.Equal(t, "containers", filepath.Base(filepath.Dir(sandbox)))
	requireWhole(t, sandbox, "stdout", 8<<10, numbered(3000, 20), true)
	a.requireStateEmpty()
}

// A nested container whose user cannot pass through its parent's sandbox.
func TestNestedContainerOfAnotherUser(t *testing.T) {
	needRoot(t)
	a := newAgent(t)
	got := a.mustRun("--nested", "--user=nobody", "--", "sh", "-c", "id --user --name")
	sandbox := got.Containers[0].Sandbox
	assert.Equal(t, "nobody\n", read(t, filepath.Join(sandbox, "stdout")))
}

func TestModuleUnderItsOwnName(t *testing.T) {
	a := newAgent(t)
	a.module = ownModule
	assert.Equal(t, "hello\n", read(t, filepath.Join(a.sandboxOf("--", "echo", "hello"), "stdout")))
}

// Several libraries and several modules in one manifest: each module can be the
// logger, and a library without modules is only loaded.
func TestManifestWithSeveralModules(t *testing.T) {
	a := newAgent(t)
	both := a.library(filepath.Join(a.build, library), replacedModule)
	both["modules"] = append(both["modules"].([]any), map[string]any{"name": ownModule, "parameters": a.params})
	a.modules = manifest(t, map[string]any{"file": "/lib/x86_64-linux-gnu/libm.so.6"}, both)
	for _, module := range []string{replacedModule, ownModule} {
		a.module = module
		assert.Equal(t, "hello\n", read(t, filepath.Join(a.sandboxOf("--", "echo", "hello"), "stdout")), module)
	}
}

func TestExitStatusOfTheTask(t *testing.T) {
	a := newAgent(t)
	got := a.run("--", "sh", "-c", "echo last words; exit 7")
	assert.Equal(t, 7, got.code)
	assert.Equal(t, 7, got.Containers[0].ExitStatus)
	assert.Equal(t, "last words\n", read(t, filepath.Join(got.Containers[0].Sandbox, "stdout")))
}
