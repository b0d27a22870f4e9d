package engine

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestTableOfDescriptorsIsReserved(t *testing.T) {
	var limit unix.Rlimit
	require.NoError(t, unix.Getrlimit(unix.RLIMIT_NOFILE, &limit))
	newTestbed(t).open().Close()
	status, err := os.ReadFile("/proc/self/status")
	require.NoError(t, err)
	fields := strings.Fields(string(status))
	size, err := strconv.ParseUint(fields[slices.Index(fields, "FDSize:")+1], 10, 64)
	require.NoError(t, err)
	assert.GreaterOrEqual(t, size, min(limit.Cur, reservedDescriptors))
}
