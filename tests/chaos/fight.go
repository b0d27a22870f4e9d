package main

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// fight does to the sandbox and to stdout whatever its owner may, until there is peace.
// Names of stderr are left alone: of that log nothing may be lost untold.
func (c *contained) fight() {
	random := rand.New(rand.NewPCG(c.random.Uint64(), 2))
	acts := []func(*rand.Rand){
		c.lock, c.lockLive, c.replace, c.replace, c.replace, c.remove, c.remove, c.resize, c.rename,
		c.plant, c.pipe, c.pipe, c.steal, c.lease, c.moveOlddir,
	}
	for c.atWar() {
		acts[random.IntN(len(acts))](random)
		c.acts.Add(1)
		time.Sleep(time.Duration(random.Int64N(int64(60 * time.Millisecond))))
	}
}

// mend gives the sandbox its permissions back, olddir with it, and the pipe its usual ways;
// what stands in it stays.
func (c *contained) mend() error {
	_ = os.Chmod("old", 0o755) // which may be gone, or no directory
	_, err := unix.FcntlInt(1, unix.F_SETFL, unix.O_RDWR)
	return errors.Join(os.Chmod(c.place.box(c.id), 0o755), err)
}

// name is one that the logger uses, or might.
func (c *contained) name(random *rand.Rand) string {
	now := time.Now().UTC()
	names := []string{
		"stdout", "stdout", "stdout", "stdout.1", "stdout.2", "stdout.3.gz", "stdout.0", "stdout.1.gz", "stdout.5",
		"stdout-" + now.Format("20060102"), "stdout-" + now.Format("20060102") + ".1", "stdout-" + now.Format("20060102") + ".2.gz",
		fmt.Sprintf("stdout-%s-%d", now.Format("20060102"), now.Unix()+random.Int64N(3)),
		"stdout.logrotate.conf", "stdout.times", "stdout.times", ".stdout.sluice-tmp.taken", ".stdout.sluice-tmp.shift", ".stdout.sluice-tmp.removal",
		".stdout.sluice-tmp.held.stdout.1", ".stdout.sluice-tmp.held.stdout.2",
		fmt.Sprintf(".stdout.sluice-carry-0-%d", 1<<random.IntN(17)), ".stdout.sluice-carry-1-65536",
		"old", "old/stdout.1", "old/stdout.1.gz", "old/stdout.2", "old/stdout", "stdout.impostor-1",
	}
	// Some of the names that stand there, with those that nobody can know before.
	if entries, _ := os.ReadDir("."); len(entries) > 0 {
		for range 4 {
			if name := entries[random.IntN(len(entries))].Name(); !strings.Contains(name, "stderr") {
				names = append(names, name)
			}
		}
	}
	return names[random.IntN(len(names))]
}

// lock takes all permissions of the sandbox away for a while, longer than the logger
// waits now and then.
func (c *contained) lock(random *rand.Rand) {
	if random.IntN(4) != 0 {
		return
	}
	_ = os.Chmod(c.place.box(c.id), []fs.FileMode{0, 0o111, 0o555, 0o300}[random.IntN(4)])
	time.Sleep(time.Duration(random.Int64N(int64([]time.Duration{100 * time.Millisecond, 2 * time.Second}[random.IntN(2)]))))
	_ = os.Chmod(c.place.box(c.id), 0o755)
}

func (c *contained) lockLive(random *rand.Rand) {
	_ = os.Chmod(c.name(random), []fs.FileMode{0, 0o444, 0o200}[random.IntN(3)])
}

// replace puts what is no log in the place of a name.
func (c *contained) replace(random *rand.Rand) {
	name := c.name(random)
	_ = removeAll(name)
	switch random.IntN(7) {
	case 0:
		_ = os.Mkdir(name, 0o755)
	case 1:
		_ = os.Mkdir(name, 0o755)
		create(filepath.Join(name, "full"), "full")
		_ = os.Chmod(name, 0)
	case 2:
		_ = unix.Mkfifo(name, 0o666)
	case 3:
		_ = os.Symlink(c.place.secret(), name)
	case 4:
		_ = os.Symlink("../../elsewhere/"+filepath.Base(name), name)
	case 5:
		create("own", "own\n")
		_ = os.Link("own", name)
	case 6:
		create(name, "\x1f\x8bplanted\n")
	}
}

// create makes a file; what has the name, maybe a FIFO, is not waited for.
func create(name, text string) {
	fd, err := unix.Open(name, unix.O_WRONLY|unix.O_CREAT|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0o644)
	if err == nil {
		_, _ = unix.Write(fd, []byte(text))
		_ = unix.Close(fd)
	}
}

// removeAll removes what has a name. os.RemoveAll opens the directory above, which may be a
// FIFO by now, and waits.
func removeAll(name string) error {
	if above, err := os.Lstat(filepath.Dir(name)); err != nil || !above.IsDir() {
		return err
	}
	return os.RemoveAll(name)
}

func (c *contained) remove(random *rand.Rand) {
	name := c.name(random)
	_ = os.Chmod(name, 0o755)
	_ = removeAll(name)
}

// resize truncates and extends; what is added costs nothing.
func (c *contained) resize(random *rand.Rand) {
	name := "stdout"
	if random.IntN(3) == 0 {
		name = c.name(random)
	}
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() {
		_ = os.Truncate(name, []int64{0, 1, info.Size() / 2, info.Size() + 5, 65535, 65536, 1 << 20, 1 << 40}[random.IntN(8)])
	}
}

func (c *contained) rename(random *rand.Rand) { _ = os.Rename(c.name(random), c.name(random)) }

// plant makes names of the series by the hundred; those of the time before go first, as
// far as the logger has not taken them for its own.
func (c *contained) plant(random *rand.Rand) {
	if random.IntN(8) != 0 {
		return
	}
	planted, _ := filepath.Glob("stdout[.-]9*")
	for _, name := range planted {
		_ = removeAll(name)
	}
	for range 200 {
		name := fmt.Sprintf("stdout.9%d", random.IntN(1000))
		if random.IntN(2) == 0 {
			name = fmt.Sprintf("stdout-9%03d0101.%d", random.IntN(1000), random.IntN(3))
		}
		create(name, "")
	}
}

// pipe changes the ways and the capacity of the pipe.
func (c *contained) pipe(random *rand.Rand) {
	if random.IntN(2) == 0 {
		_, _ = unix.FcntlInt(1, unix.F_SETPIPE_SZ, []int{4096, 65536, 1 << 20}[random.IntN(3)])
		return
	}
	_, _ = unix.FcntlInt(1, unix.F_SETFL, unix.O_RDWR|[]int{0, unix.O_NONBLOCK, unix.O_DIRECT, unix.O_DIRECT | unix.O_NONBLOCK}[random.IntN(4)])
}

// steal reads the task's own output.
func (c *contained) steal(random *rand.Rand) {
	if random.IntN(4) != 0 {
		return
	}
	look := []unix.PollFd{{Fd: 1, Events: unix.POLLIN}}
	if n, err := unix.Poll(look, 0); n != 1 || err != nil {
		return
	}
	_, _ = unix.FcntlInt(1, unix.F_SETFL, unix.O_RDWR|unix.O_NONBLOCK)
	// A packet is read whole or its rest is gone.
	if n, err := unix.Read(1, make([]byte, 64<<10)); err == nil {
		c.read.Add(int64(n))
	}
}

// lease has files of the series leased and locked for a while.
func (c *contained) lease(random *rand.Rand) {
	name := c.name(random)
	if info, err := os.Lstat(name); err != nil || !info.Mode().IsRegular() {
		return
	}
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	defer unix.Close(fd)
	_, _ = unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	_ = unix.Flock(fd, unix.LOCK_SH|unix.LOCK_NB)
	time.Sleep(time.Duration(random.Int64N(int64(500 * time.Millisecond))))
}

// moveOlddir takes the directory of the rotated files away, or puts something in its
// place.
func (c *contained) moveOlddir(random *rand.Rand) {
	switch random.IntN(4) {
	case 0:
		_ = removeAll("old")
	case 1:
		_ = os.Rename("old", fmt.Sprintf("older-%d", random.IntN(3)))
	case 2:
		_ = os.Chmod("old", 0)
		time.Sleep(time.Duration(random.Int64N(int64(300 * time.Millisecond))))
		_ = os.Chmod("old", 0o755)
	case 3:
		create("old", "no directory\n")
	}
}
