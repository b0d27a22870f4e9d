package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"sluice/tests/kit"
)

// lastBytes is what every container of the whole run has to be able to write once there is
// peace.
const lastBytes = 10 << 20

// told is what a container says of itself: how much it has written.
type told struct {
	OutLines, ErrLines int
	OutBytes, ErrBytes int64
	// ReadBytes it has taken out of its own pipe.
	ReadBytes int64
	Last      time.Duration // for lastBytes
	Acts      int64
}

type contained struct {
	container
	place  place
	random *rand.Rand
	rate   int
	told   told
	read   atomic.Int64
	acts   atomic.Int64
}

// contain is a container: the run's directory, its ID, the seed
// and its rate are the arguments, the sandbox its working directory.
func contain(args []string) error {
	c := &contained{container: containerOf(args[1]), place: place(args[0])}
	seed, err := strconv.ParseUint(args[2], 10, 64)
	if err != nil {
		return err
	}
	if c.rate, err = strconv.Atoi(args[3]); err != nil {
		return err
	}
	hash := fnv.New64a()
	hash.Write([]byte(c.id))
	c.random = rand.New(rand.NewPCG(seed, hash.Sum64()))
	go c.endWithRun()
	if err := c.note("begun"); err != nil {
		return err
	}
	switch c.kind {
	case passing:
		life := time.Now().Add(2*time.Second + time.Duration(c.random.Int64N(int64(8*time.Second))))
		err = c.talk(func() bool { return time.Now().Before(life) })
		if err == nil {
			err = kit.Ends(c.place.ends()).Begin()
		}
	case hostile:
		var fighting sync.WaitGroup
		fighting.Go(c.fight)
		err = c.talk(c.atWar)
		fighting.Wait()
		err = errors.Join(err, c.mend(), c.heard(), c.last())
	default:
		err = errors.Join(c.talk(c.atWar), c.last())
	}
	return errors.Join(err, c.note("done"))
}

// atWar says whether the hostile ones still fight.
func (c *contained) atWar() bool {
	_, err := os.Stat(c.place.announcement(peaceNote))
	return err != nil
}

// endWithRun ends the process, also within a write, once nothing of the run is left.
func (c *contained) endWithRun() {
	for {
		if _, err := os.Stat(c.place.notes()); err != nil {
			os.Exit(1)
		}
		time.Sleep(time.Second)
	}
}

// note tells how far the container is, in one step.
func (c *contained) note(what string) error {
	c.told.ReadBytes, c.told.Acts = c.read.Load(), c.acts.Load()
	text, err := json.Marshal(c.told)
	if err != nil {
		return err
	}
	name := c.place.note(c.id, what)
	return errors.Join(os.WriteFile(name+"~", text, 0o600), os.Rename(name+"~", name))
}

// talk writes at the container's rate while it may, in bursts that end within lines.
func (c *contained) talk(going func() bool) error {
	var out, failures []byte
	for going() {
		pause := 20*time.Millisecond + time.Duration(c.random.Int64N(int64(200*time.Millisecond)))
		time.Sleep(pause)
		for burst := int(float64(c.rate) * pause.Seconds()); len(out) < burst; c.told.OutLines++ {
			out = appendLine(out, c.id, "stdout", c.told.OutLines)
		}
		for range c.random.IntN(3) {
			failures = appendLine(failures, c.id, "stderr", c.told.ErrLines)
			c.told.ErrLines++
		}
		keep := c.random.IntN(min(40, len(out)+1))
		if err := c.write(1, out[:len(out)-keep]); err != nil {
			return err
		}
		out = append(out[:0], out[len(out)-keep:]...)
		if err := c.write(2, failures); err != nil {
			return err
		}
		failures = failures[:0]
	}
	return c.write(1, out)
}

// heard writes lines until one is seen in the live file: while the logger waits to try
// again, output of a policy that drops is lost, and that is told.
func (c *contained) heard() error {
	for {
		line := appendLine(nil, c.id, "stdout", c.told.OutLines)
		c.told.OutLines++
		if err := c.write(1, line); err != nil {
			return err
		}
		time.Sleep(200 * time.Millisecond)
		_ = os.Chmod("stdout", 0o644)
		fd, err := unix.Open("stdout", unix.O_RDONLY|unix.O_NONBLOCK|unix.O_NOFOLLOW|unix.O_CLOEXEC, 0)
		if err != nil {
			continue
		}
		file := os.NewFile(uintptr(fd), "stdout")
		tail := make([]byte, 2<<10)
		size, _ := file.Seek(0, io.SeekEnd)
		n, _ := file.ReadAt(tail, max(0, size-int64(len(tail))))
		_ = file.Close()
		if bytes.Contains(tail[:n], line) {
			return nil
		}
	}
}

// last writes as much as every container has to be able to write, until it is out of the
// pipe, and waits to be sent home.
func (c *contained) last() error {
	begin := time.Now()
	for target := c.told.OutBytes + lastBytes; c.told.OutBytes < target; {
		var part []byte
		for ; len(part) < 32<<10; c.told.OutLines++ {
			part = appendLine(part, c.id, "stdout", c.told.OutLines)
		}
		if err := c.write(1, part); err != nil {
			return err
		}
	}
	line := appendLine(nil, c.id, "stderr", c.told.ErrLines)
	c.told.ErrLines++
	if err := c.write(2, line); err != nil {
		return err
	}
	for c.waiting(1) || c.waiting(2) {
		time.Sleep(5 * time.Millisecond)
	}
	c.told.Last = time.Since(begin)
	if err := c.note("written"); err != nil {
		return err
	}
	for {
		if _, err := os.Stat(c.place.announcement(homeNote)); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// waiting says whether something is left in a pipe.
func (c *contained) waiting(fd int) bool {
	n, err := unix.IoctlGetInt(fd, unix.TIOCINQ)
	return err == nil && n > 0
}

// write writes everything, whatever has been made of the pipe.
func (c *contained) write(fd int, data []byte) error {
	for len(data) > 0 {
		n, err := unix.Write(fd, data)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EAGAIN):
			time.Sleep(5 * time.Millisecond)
			continue
		case err != nil:
			return fmt.Errorf("write to descriptor %d: %w", fd, err)
		}
		if data = data[n:]; fd == 1 {
			c.told.OutBytes += int64(n)
		} else {
			c.told.ErrBytes += int64(n)
		}
	}
	return nil
}

// appendLine appends a line of a stream; every line is another, and follows from its
// number.
func appendLine(to []byte, id, stream string, n int) []byte {
	noise := uint64(n+1) * 0x9e3779b97f4a7c15
	return fmt.Appendf(to, "%s %s %08d %0*x\n", id, stream, n, 1+int(noise>>57), noise)
}

// text is everything that a container wrote to a stream.
func text(id, stream string, lines int) (all []byte) {
	for n := range lines {
		all = appendLine(all, id, stream, n)
	}
	return all
}
