package hostile

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/tests/kit"
)

// task is the attacker's side: it lives in a process that the harness has started,
// in its sandbox, with the rights of its user.
type task struct {
	canary, canaryDir, secret, outside, stateDir string

	// role is a file that the attacker has locked, by lock, as long as it lives.
	role string
	lock *os.File

	// impostors says that the logger is expected to move what is planted aside.
	impostors bool

	rounds int
	rand   *rand.Rand
	lines  *bufio.Writer
	line   int
	over   atomic.Bool
}

// The environment of an attacker.
const (
	attackVariable = "HOSTILE_ATTACK"
	targetVariable = "HOSTILE_TARGET"
	roundsVariable = "HOSTILE_ROUNDS"
	seedVariable   = "HOSTILE_SEED"
	stateVariable  = "HOSTILE_STATE"
)

// limitBytes is that of the live file: a page, so that it rotates often.
const limitBytes = 4096

// lineBytes is the length of every line; honestLines of them go to stderr while the
// attack runs, and must all arrive.
const (
	lineBytes   = 64
	honestLines = 2000
)

// perform is main() of an attacker.
func perform(name string) int {
	rounds, _ := strconv.Atoi(os.Getenv(roundsVariable))
	seed, _ := strconv.ParseUint(os.Getenv(seedVariable), 10, 64)
	target := os.Getenv(targetVariable)
	k := &task{
		canary: target + "/root/canary", canaryDir: target + "/root", secret: target + "/root/secret",
		outside: target + "/outside", stateDir: os.Getenv(stateVariable),
		rounds: rounds, rand: rand.New(rand.NewPCG(seed, 0)), //nolint:gosec // repeatable on purpose
		lines: bufio.NewWriterSize(os.Stdout, limitBytes),
	}
	a := find(name)
	if a == nil {
		return k.fail("there is no attack %q", name)
	}
	if k.isNeighbour() {
		k.watch()
		return 0
	}
	k.impostors = a.impostors > 0 && k.stateDir != ""
	var honest sync.WaitGroup
	honest.Go(func() {
		for i := range honestLines {
			_, _ = os.Stderr.WriteString(numbered(i))
		}
	})
	a.act(k)
	k.flush()
	honest.Wait()
	return 0
}

// fail leaves word for the test; the attack has not taken place.
func (k *task) fail(format string, args ...any) int {
	_ = os.WriteFile("attacker.log", []byte(fmt.Sprintf(format, args...)), 0o644)
	os.Exit(3)
	return 3
}

func (k *task) must(err error) {
	if err != nil {
		k.fail("%v", err)
	}
}

func numbered(i int) string { return string(kit.LinesFrom(i, 1, lineBytes)) }

// print writes lines worth so many rotations.
func (k *task) print(rotations int) {
	for range rotations * limitBytes / lineBytes {
		_, _ = k.lines.WriteString(numbered(k.line))
		k.line++
	}
	k.flush()
}

func (k *task) flush() { _ = k.lines.Flush() }

// storm swaps once while the log is at rest, so that the next rotation must meet it,
// and then as fast as it can while the log rotates `rounds` times.
func (k *task) storm(swap func()) {
	k.print(1)
	k.await("0")
	swap()
	k.print(2)
	for k.impostors && !k.movedAside() {
		time.Sleep(time.Millisecond)
	}
	var swapping sync.WaitGroup
	swapping.Go(func() {
		for !k.over.Load() {
			swap()
		}
	})
	k.print(k.rounds)
	k.over.Store(true)
	swapping.Wait()
}

func (k *task) movedAside() bool {
	return slices.ContainsFunc(k.names("."), func(name string) bool { return strings.HasPrefix(name, "stdout.impostor-") })
}

// plant puts something in the place of a name, whatever is there.
func (k *task) plant(name string, put func(name string) error) {
	_ = os.RemoveAll(name)
	err := put(name)
	if err != nil && !errors.Is(err, fs.ErrExist) && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, unix.ENOTDIR) {
		k.fail("plant %q: %v", name, err)
	}
}

func (k *task) symlink(target string) func(string) error {
	return func(name string) error { return os.Symlink(target, name) }
}

func (k *task) fifo(name string) error { return unix.Mkfifo(name, 0o666) }

func (k *task) device(name string) error {
	return unix.Mknod(name, unix.S_IFCHR|0o666, int(unix.Mkdev(1, 5)))
}

func (k *task) hardLink(name string) error { return os.Link(k.outside+"/precious", name) }

func (k *task) directory(name string) error {
	return os.MkdirAll(filepath.Join(name, "full"), 0o755)
}

func (k *task) socket(name string) error {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Bind(fd, &unix.SockaddrUnix{Name: name}); err != nil && !errors.Is(err, unix.EADDRINUSE) {
		return err
	}
	return nil
}

func (k *task) random(n int) int { return k.rand.IntN(n) }

func (k *task) names(dir string) []string {
	entries, _ := os.ReadDir(dir)
	var names []string
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// await waits until the log has arrived in the live file.
func (k *task) await(text string) {
	kit.Until(func() bool {
		content, _ := os.ReadFile("stdout")
		return strings.Contains(string(content), text)
	})
}
