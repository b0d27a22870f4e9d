package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestManPages generates them as a package does. What man itself has to say of them is
// held against them where it is installed.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command("go", "run", "-tags", "man", ".", "man", dir)
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1790000000")
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)
	for _, name := range []string{"", "-check", "-keep", "-logs", "-pipe", "-rotate", "-status", "-verify", "-version"} {
		page := filepath.Join(dir, "sluice"+name+".8")
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		assert.Contains(t, string(text), `"Sep 2026"`, "the date of the sources")
		assert.Contains(t, string(text), "SH NAME")
		if man, err := exec.LookPath("man"); err == nil {
			cmd := exec.Command(man, "--warnings", "-l", "-Tutf8", "-Z", page)
			cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
			var complaints bytes.Buffer
			cmd.Stderr = &complaints
			require.NoError(t, cmd.Run(), "%s: %s", page, complaints.String())
			assert.Empty(t, complaints.String(), page)
		}
	}
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	assert.Len(t, found, 9, "none of the completions, none of hidden commands")
	_, _, message := sluice("man", dir)
	assert.Contains(t, message, `unknown command "man"`, "the command that is installed has no generator")
}
