// Chaos has the logger serve containers that fight it while its owner is killed every few
// seconds, and says whether the others noticed.
//
//	chaos [-duration=30m] [-every=5s] [-seed=N] [-out=DIR]
//
// An owner, which is the core in a process of its own, serves containers of two users
// under ten policies. For each policy there is a hostile one, which changes all it may in
// its sandbox and of its pipe, all the time, and an honest one, which only writes; some
// that end by themselves come and go. With SIGKILL, every few seconds, the owner ends in
// the middle of that, and another one starts. When the time is up there is peace: every
// container, the hostile ones too, has to be able to write 10 MB. Then
//
//   - every honest series is what its container wrote, byte for byte, but for what its
//     policy removes at the beginning, and without a mark;
//   - stderr of the hostile ones, whose files they leave alone, has besides that a mark
//     for each loss, which says exactly what is missing;
//   - for every stream, in = written + dropped, and in is what the container wrote;
//   - descriptors and threads of all owners are bounded, and the state directory is
//     left as an owner without containers leaves it.
//
// It runs as root and has no time limits but generous ones.
package main

import (
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"sluice/tests/kit"
)

type options struct {
	out      string
	duration time.Duration
	every    time.Duration
	seed     uint64
}

func main() { kit.Main("chaos", own, contain, func() error { return chaos(parse()) }) }

func parse() options {
	var o options
	flag.StringVar(&o.out, "out", "build/chaos", "directory for the owners' log, and for the run's directory where it fails")
	flag.DurationVar(&o.duration, "duration", 30*time.Minute, "how long the containers fight")
	flag.DurationVar(&o.every, "every", 5*time.Second, "how often the owner is killed")
	flag.Uint64Var(&o.seed, "seed", 0, "of what the containers do (default: another one each time)")
	flag.Parse()
	if o.seed == 0 {
		o.seed = rand.Uint64()
	}
	return o
}

// rate is what a container writes in a second: less in a long time, so that a series that
// keeps everything stays within what an operator lets it keep.
func (o options) rate() int { return int(min(60<<10, (30<<20)/o.duration.Seconds())) }

func chaos(o options) error {
	if os.Getuid() != 0 {
		return errors.New("containers of two users need root")
	}
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("make -out: %w", err)
	}
	if err := os.RemoveAll(filepath.Join(o.out, "owner.log")); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "sluice-chaos-")
	if err != nil {
		return err
	}
	fmt.Printf("%v of chaos, seed %d\n", o.duration, o.seed)
	r := &run{options: o, place: place(dir)}
	err = r.all()
	fmt.Print(r.summary())
	if err != nil {
		// The containers end once there are no notes.
		return fmt.Errorf("%w\nwhat there was is left in %s (seed %d)", errors.Join(err, os.RemoveAll(r.place.notes())), dir, o.seed)
	}
	return os.RemoveAll(dir)
}
