package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The program of keeper=start is looked for beside the library, as the agent does.
func TestTheProgramOfTheKeeper(t *testing.T) {
	library := lib(t, "Sluice container logger 1.0 for Mesos 1.11.0", "sluice_ContainerLogger")
	warnings := func(parameters ...string) string {
		r := Run(Request{Modules: manifest(library, parameters...), ContainerLogger: "sluice_ContainerLogger", Mesos: "1.11.0"})
		assert.Empty(t, texts(r, Error))
		return strings.Join(texts(r, Warning), "\n")
	}
	assert.NotContains(t, warnings(), "keeper")
	assert.Contains(t, warnings("keeper", "start"), "keeper=start: the agent starts, and no keeper: find sluice, expected it beside the library")
	assert.Contains(t, warnings("keeper", "start", "keeper_command", "/nowhere/sluice"), "/nowhere/sluice: no such file or directory")
	require.NoError(t, os.WriteFile(filepath.Join(filepath.Dir(library), "sluice"), nil, 0o755))
	assert.NotContains(t, warnings("keeper", "start"), "keeper")
}
