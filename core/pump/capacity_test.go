package pump

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestEnlargeTakesWhatItCanGet(t *testing.T) {
	var fds [2]int
	require.NoError(t, unix.Pipe2(fds[:], unix.O_CLOEXEC))
	defer unix.Close(fds[0])
	defer unix.Close(fds[1])
	assert.Equal(t, 1<<20, Enlarge(fds[0], 1<<20))
	assert.Equal(t, 4096, Enlarge(fds[0], 4096))
	assert.GreaterOrEqual(t, Enlarge(fds[0], 1<<40), 64<<10, "more than any kernel gives")
}
