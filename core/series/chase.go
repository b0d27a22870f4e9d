package series

import (
	"context"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/sandbox"
)

const (
	// pollPause is how often is looked where inotify is not to be had.
	pollPause = 200 * time.Millisecond
	// idlePause is how often is looked although nothing was announced: file systems of
	// other machines announce nothing.
	idlePause = time.Second
	// wakePause holds several announcements together.
	wakePause = time.Millisecond
)

// What is asked of inotify: of the youngest file, and, while no file has the live name,
// of its directory.
const (
	fileEvents = unix.IN_MODIFY | unix.IN_MOVE_SELF | unix.IN_DELETE_SELF | unix.IN_ATTRIB
	nameEvents = unix.IN_CREATE | unix.IN_MOVED_TO | unix.IN_ONLYDIR
)

// chase opens the new files of a series as they come, whatever the reader is at. Its
// goroutine lives until stop.
type chase struct {
	r *Reader
	// inotify is nil where there is none.
	inotify   *os.File
	inotifyFD int
	// watched is the link that is watched, and names the watch of the directory.
	watched *link
	fileID  int
	namesID int

	// looking is held by whoever looks for new files, and guards what is watched.
	looking sync.Mutex
	// announced says that the last sleep ended with an announcement, grown that the look
	// after it found more; silent that it did so once without an announcement.
	announced, grown, silent bool
	sizeBytes                int64 // of the youngest file at the last look
	pause                    time.Duration
	// news has a token when there is something to look at.
	news    chan struct{}
	stopped chan struct{}
	failure error // of the goroutine; read after done is closed
	done    chan struct{}
}

func newChase(r *Reader) (*chase, error) {
	c := &chase{r: r, fileID: -1, namesID: -1, news: make(chan struct{}, 1), stopped: make(chan struct{}), done: make(chan struct{})}
	if fd, err := unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		c.inotify, c.inotifyFD = os.NewFile(uintptr(fd), "inotify"), fd
	}
	if err := c.look(); err != nil {
		c.close()
		return nil, err
	}
	c.announced = true
	go c.run()
	return c, nil
}

// stop ends the goroutine and waits for it.
func (c *chase) stop() {
	close(c.stopped)
	if c.inotify != nil {
		_ = c.inotify.SetReadDeadline(time.Now())
	}
	<-c.done
	c.close()
}

func (c *chase) close() {
	if c.inotify != nil {
		_ = c.inotify.Close()
	}
}

// wait returns when there may be something new.
func (c *chase) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return c.failure
	case <-c.news:
		return nil
	}
}

func (c *chase) run() {
	defer close(c.done)
	for {
		if err := c.look(); err != nil {
			c.failure = err
			return
		}
		select {
		case c.news <- struct{}{}:
		default:
		}
		if !c.sleep() {
			return
		}
	}
}

// sleep waits for an announcement, or for as long as one may be missing.
func (c *chase) sleep() (again bool) {
	pause, watched := c.pace()
	if watched {
		_ = c.inotify.SetReadDeadline(time.Now().Add(pause))
		select {
		case <-c.stopped: // before the deadline was set anew
			return false
		default:
		}
		var events [4096]byte
		_, err := c.inotify.Read(events[:])
		c.looking.Lock()
		c.announced = err == nil
		c.looking.Unlock()
		pause = wakePause
	}
	select {
	case <-c.stopped:
		return false
	case <-time.After(pause):
		return true
	}
}

// pace is how long to wait at most, for announcements if the youngest file is watched.
// Before Linux 6.5 the kernel announces no splice(2), which is how the logger writes: a
// file that grew silently is looked at more often, the less the longer it is quiet.
func (c *chase) pace() (pause time.Duration, watched bool) {
	c.looking.Lock()
	defer c.looking.Unlock()
	if c.grown && !c.announced {
		c.silent = true
	}
	switch {
	case c.watched == nil:
		return pollPause, false
	case !c.silent:
		return idlePause, true
	case c.grown:
		c.pause = pollPause / 64
	default:
		c.pause = min(2*c.pause, pollPause)
	}
	return c.pause, true
}

// look opens what is new. Whenever it has changed what is watched it looks again: the
// announcement may have come before.
func (c *chase) look() error {
	c.looking.Lock()
	defer c.looking.Unlock()
	grown := false
	for {
		now, err := c.r.catchUp()
		if err != nil {
			return err
		}
		grown = grown || now.sizeBytes != c.sizeBytes
		c.sizeBytes = now.sizeBytes
		if !c.watch(now.live) {
			c.grown = grown
			return nil
		}
	}
}

// watch watches the youngest file, and the directory while the live file is missing.
func (c *chase) watch(present bool) (changed bool) {
	if c.inotify == nil {
		return false
	}
	if last := c.r.youngest(); last != c.watched {
		c.unwatch(c.fileID)
		c.watched = nil
		id, err := sandbox.WatchFile(c.inotifyFD, last.f, fileEvents)
		if c.fileID = id; err == nil {
			c.watched, changed = last, true
		}
	}
	if present == (c.namesID < 0) {
		return changed
	}
	if present {
		c.unwatch(c.namesID)
		c.namesID = -1
		return changed
	}
	id, err := c.r.series.dir.Watch(c.inotifyFD, nameEvents)
	if err != nil {
		c.watched = nil // poll
		return changed
	}
	c.namesID = id
	return true
}

// unwatch removes a watch; that of a file that is gone for good has gone by itself.
func (c *chase) unwatch(id int) {
	if id >= 0 {
		_, _ = unix.InotifyRmWatch(c.inotifyFD, uint32(id))
	}
}
