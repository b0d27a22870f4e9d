// Soak runs the logger under load for a long time and says whether it stays as it was.
//
//	soak -build=DIR [-duration=15m] [-containers=300] [-out=DIR]
//
// An owner, which is the core in a process of its own, has containers coming and going,
// with small limits and compression, amid a storm of fork and exec. In the first quarter
// of the time it is killed and started again, again and again; from then on it has to
// stay flat: descriptors, threads, goroutines and memory of the last quarter are compared
// with those of the second. Streams meet faults, for which it is built with the tag
// sluice_faults. At the end it is killed once more. Beside it, sluice-harness
// runs rounds of containers with the library, from a process that is C++.
//
// Every container's series is compared byte for byte with what the container wrote, and
// the sandbox is removed then. What was measured is left in DIR: soak.csv, rounds.csv,
// soak.svg and owner.log.
//
// It measures no speed, and has no time limits but its own duration.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"sluice/tests/kit"
)

// options are the flags; the owner and the containers get theirs by arguments.
type options struct {
	build      string
	out        string
	duration   time.Duration
	containers int
}

func main() { kit.Main("soak", own, contain, func() error { return soak(parse()) }) }

func parse() options {
	var o options
	flag.StringVar(&o.build, "build", "build", "directory of sluice-harness and the library")
	flag.StringVar(&o.out, "out", "", "directory for what was measured (default: BUILD/soak)")
	flag.DurationVar(&o.duration, "duration", 15*time.Minute, "how long, not counting the end of the last containers")
	flag.IntVar(&o.containers, "containers", 300, "how many at a time")
	flag.Parse()
	if o.out == "" {
		o.out = filepath.Join(o.build, "soak")
	}
	return o
}

// life is how long a container lives at most; the shortest live half as long.
func (o options) life() time.Duration { return min(o.duration/4, 40*time.Second) }

func soak(o options) error {
	if err := os.MkdirAll(o.out, 0o755); err != nil {
		return fmt.Errorf("make -out: %w", err)
	}
	dir, err := os.MkdirTemp("", "sluice-soak-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	rounds := startRounds(o, filepath.Join(dir, "harness"))
	checks := startChecks(filepath.Join(dir, "boxes"), filepath.Join(dir, "state"))
	samples, err := drive(o, dir)
	result, roundsErr := rounds.finish()
	checksErr := checks.finish()
	err = errors.Join(err, roundsErr, checksErr)
	if err == nil {
		err = checks.compareFigures(samples)
	}
	err = errors.Join(err, save(o.out, samples, result))
	if err == nil {
		err = errors.Join(samples.flat(), result.flat())
	}
	fmt.Printf("%d containers of the core, %d MB, every byte compared; %d rounds of the harness with %d containers, %d MB\n",
		checks.containers, checks.bytes>>20, len(result), result.containers(), result.bytes()>>20)
	fmt.Print(samples.summary())
	fmt.Printf("measured: %s\n", filepath.Join(o.out, "soak.svg"))
	return err
}
