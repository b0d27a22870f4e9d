package rotation

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// faketimeLibrary is where the packages of distributions put it.
func faketimeLibrary() string {
	for _, pattern := range []string{
		"/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib/faketime/libfaketime.so.1",
		"/usr/lib64/faketime/libfaketime.so.1", "/usr/local/lib/faketime/libfaketime.so.1",
	} {
		if found, _ := filepath.Glob(pattern); len(found) > 0 {
			return found[0]
		}
	}
	return ""
}

// atTime is a command whose clock stands still at a time. The library is loaded without
// its wrapper program: that fails where a killed process of the same id has left its
// semaphore in /dev/shm, and the library by itself goes on.
func atTime(at, program string, arguments ...string) *exec.Cmd {
	command := exec.Command(program, arguments...)
	command.Env = append(os.Environ(), "LD_PRELOAD="+faketimeLibrary(), "FAKETIME="+at,
		"TZ=UTC", "NO_FAKE_STAT=1", "FAKE_UTIME=0")
	return command
}

// TestWhatAKilledRunLeftDoesNotStopTheClock runs a program under a process id of which
// an earlier one was killed.
func TestWhatAKilledRunLeftDoesNotStopTheClock(t *testing.T) {
	if faketimeLibrary() == "" {
		t.Skip("missing library: libfaketime")
	}
	// What the C library names a semaphore and shared memory, as the first step of a
	// killed run leaves them: empty, and as later ones do: 32 and 8 bytes.
	const leave = `
		sem=/dev/shm/sem.faketime_sem_$$ shm=/dev/shm/faketime_shm_$$
		head -c "$1" /dev/zero > "$sem" && head -c "$2" /dev/zero > "$shm" || exit 1
		LD_PRELOAD=$3; export LD_PRELOAD
		exec date +%Y-%m-%d`
	for _, sizes := range [][]string{{"0", "0"}, {"32", "8"}} {
		command := atTime("2024-03-10 12:00:00", "sh", append([]string{"-c", leave, "sh"}, append(sizes, faketimeLibrary())...)...)
		command.Env = append(command.Env, "LD_PRELOAD=") // the shell itself takes no name
		output, err := command.CombinedOutput()
		require.NoError(t, err, "%s", output)
		require.Equal(t, "2024-03-10", strings.TrimSpace(string(output)))
		for _, name := range []string{"sem.faketime_sem_", "faketime_shm_"} {
			_ = os.Remove(filepath.Join("/dev/shm", name+strconv.Itoa(command.Process.Pid)))
		}
	}
}
