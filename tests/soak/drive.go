package main

import (
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"sluice/tests/kit"
)

// kills is how often the owner is killed in the first quarter.
const kills = 4

// samplesOf is how many samples are taken in the whole time.
const samplesOf = 300

// startOwner starts an owner whose containers are named after its generation; one
// without containers only ends what is there.
func startOwner(o options, dir string, generation, containers int) (*kit.Running, error) {
	return kit.Start(filepath.Join(o.out, "owner.log"), kit.OwnRole,
		"-state="+filepath.Join(dir, "state"), "-boxes="+filepath.Join(dir, "boxes"), "-life="+o.life().String(),
		"-name=soak"+strconv.Itoa(generation), "-containers="+strconv.Itoa(containers))
}

// drive runs owners, one after another, for the whole time.
func drive(o options, dir string) (samples samples, err error) {
	if err := os.MkdirAll(filepath.Join(dir, "boxes"), 0o755); err != nil {
		return nil, err
	}
	if err := kit.Ends(filepath.Join(dir, exitLock)).Make(); err != nil {
		return nil, err
	}
	begin := time.Now()
	generation := 1
	owner, err := startOwner(o, dir, generation, o.containers)
	if err != nil {
		return nil, err
	}
	defer func() { owner.Kill() }()
	for ticks := time.NewTicker(o.duration / samplesOf); time.Since(begin) < o.duration; <-ticks.C {
		var f figures
		if err := owner.Ask(&f); err != nil {
			return samples, err
		}
		samples = append(samples, sampleOf(owner.PID(), time.Since(begin), generation, f))
		due := o.duration / 4 * time.Duration(generation) / (kills + 1)
		if generation <= kills && time.Since(begin) > due {
			generation++
			if owner, err = replace(owner, o, dir, generation, o.containers); err != nil {
				return samples, err
			}
		}
	}
	if owner, err = replace(owner, o, dir, generation+1, 0); err != nil {
		return samples, err
	}
	return samples, owner.Terminate()
}

// replace kills an owner in the middle of its work and starts the next one. Containers
// do not end meanwhile, and those that have ended before have nothing left in a pipe.
func replace(owner *kit.Running, o options, dir string, generation, containers int) (*kit.Running, error) {
	release, err := kit.Ends(filepath.Join(dir, exitLock)).HoldOff(func() bool { return endedButOwned(dir) })
	if err != nil {
		return owner, err
	}
	defer release()
	owner.Kill()
	next, err := startOwner(o, dir, generation, containers)
	if err != nil {
		return owner, err
	}
	return next, next.Ask(&figures{})
}

// endedButOwned says whether the state directory has a stream of a container that ended.
func endedButOwned(dir string) bool {
	ended, _ := filepath.Glob(filepath.Join(dir, "boxes", "*", doneFile))
	return slices.ContainsFunc(ended, func(done string) bool {
		return kit.IsOwned(filepath.Join(dir, "state"), filepath.Base(filepath.Dir(done)))
	})
}
