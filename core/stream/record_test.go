package stream

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// The record is changed and saved in one file.
func TestTheRecordIsChangedInOnePlace(t *testing.T) {
	change := regexp.MustCompile(`(?m)^.*(?:Record|\bGet[A-Z]\w*\(\))\.[A-Z]\w* *(?:[-+]?=[^=]|\+\+).*$|^.*Keeper\.Save.*$`)
	files, err := filepath.Glob("*.go")
	require.NoError(t, err)
	found := map[string]bool{}
	for _, file := range files {
		source, err := os.ReadFile(file)
		require.NoError(t, err)
		if !strings.HasSuffix(file, "_test.go") && change.Match(source) {
			found[file] = true
		}
	}
	assert.Equal(t, map[string]bool{"record.go": true}, found)
}
