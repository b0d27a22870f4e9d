package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"sluice/core/engine"
	"sluice/core/settings"
	"sluice/tests/kit"
	"sluice/tests/kit/host"
)

// limits are small, so that every container has its rotations; nothing is thrown away,
// so that everything can be compared; a busy machine may be slow to launch.
var limits = []settings.Parameter{
	{Key: "prepare_timeout", Value: "10mins"},
	{Key: "max_stdout_size", Value: "16KB"},
	{Key: "max_stderr_size", Value: "8KB"},
	{Key: "logrotate_stdout_options", Value: "rotate 1000\ncompress"},
	{Key: "logrotate_stderr_options", Value: "rotate 1000\ncompress\ndelaycompress"},
}

// figures are what an owner says of itself, a line of JSON for each line it reads.
type figures struct {
	host.Figures
	HeapBytes uint64
	Recovered int64
	Errors    int64
	// PrepareTime is the longest that a launch has waited since the last answer.
	PrepareTime time.Duration
}

func own(args []string) error {
	flags := flag.NewFlagSet(kit.OwnRole, flag.ExitOnError)
	state := flags.String("state", "", "state directory")
	name := flags.String("name", "", "beginning of the containers' IDs")
	boxes := flags.String("boxes", "", "directory of the sandboxes")
	containers := flags.Int64("containers", 0, "how many at a time")
	life := flags.Duration("life", time.Second, "how long a container lives")
	if err := flags.Parse(args); err != nil {
		return err
	}
	o, err := host.Own(append([]settings.Parameter{{Key: "state_dir", Value: *state}}, limits...), figuresOf)
	if err != nil {
		return err
	}
	launched := 0
	return o.Serve(func() (bool, error) {
		if o.Engine.Metrics().Streams >= 2**containers {
			return false, nil
		}
		launched++
		id := fmt.Sprintf("%s-%06d", *name, launched)
		lives := *life/2 + rand.N(*life/2)
		return true, o.Start(engine.Launch{ContainerID: id, Sandbox: filepath.Join(*boxes, id)}, uint32(os.Getuid()),
			id, lives.String(), filepath.Join(filepath.Dir(*boxes), exitLock))
	})
}

// figuresOf this moment; the longest launch is told once.
func figuresOf(o *host.Owner) any {
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	m := o.Engine.Metrics()
	return figures{
		Figures: o.Figures(), HeapBytes: memory.HeapInuse + memory.StackInuse, Recovered: m.Recovered,
		Errors: m.RotationErrors + m.WriteErrors + m.Impostors, PrepareTime: o.LongestLaunch(),
	}
}
