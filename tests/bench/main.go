// Bench measures sluice against other loggers, side by side in one run, and writes
// docs/benchmarks.md with tables and plots.
//
// Every logger gets the same work from the same writer, a C program that is no part
// of what is measured; the runs are interleaved, and what is reported is the median
// with the least and the greatest. Sluice is measured in sluice-harness, through the
// library, as an agent would have it. A target that is missed is reported, not
// failed: the exit status tells only whether everything could be run.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// options of the command line.
type options struct {
	quick       bool
	repetitions int
	only        string
	loggers     string
	scale       float64
	build       string
	docs        string
	dir         string
	from        string
}

func parse() options {
	var o options
	flag.BoolVar(&o.quick, "quick", false, "a look in under two minutes: less work, one repetition, prints to stdout only")
	flag.IntVar(&o.repetitions, "repetitions", 0, "how often each work is repeated (default 5, quick: 1)")
	flag.StringVar(&o.only, "only", "", "works to run, e.g. a,b,g (default: all)")
	flag.StringVar(&o.loggers, "loggers", "", "loggers to run, by name and separated by commas (default: all)")
	flag.Float64Var(&o.scale, "scale", 1, "part of the full work that is done")
	flag.StringVar(&o.build, "build", "build", "the build directory")
	flag.StringVar(&o.docs, "docs", "", "directory for benchmarks.md and benchmarks/ (default: print the tables)")
	flag.StringVar(&o.dir, "dir", "", "where the logs are written (default: a new directory below $TMPDIR)")
	flag.StringVar(&o.from, "from", "", "write the document again from the runs in this file, measuring nothing")
	flag.Parse()
	if o.repetitions == 0 {
		o.repetitions = 5
		if o.quick {
			o.repetitions = 1
		}
	}
	return o
}

func run() error {
	o := parse()
	if o.from != "" {
		results, err := load(o.from)
		if err != nil {
			return err
		}
		return publish(o, results)
	}
	suite, err := newSuite(o)
	if err != nil {
		return err
	}
	defer suite.close()
	results, err := suite.run()
	return errors.Join(err, publish(o, results))
}

// publish writes the document, or prints it where no directory was named.
func publish(o options, results *Results) error {
	if o.docs == "" {
		fmt.Print(results.document(false))
		return nil
	}
	plots := filepath.Join(o.docs, "benchmarks")
	if err := os.MkdirAll(plots, 0o755); err != nil {
		return err
	}
	if err := results.plot(plots); err != nil {
		return fmt.Errorf("draw the plots: %w", err)
	}
	text, err := results.encode()
	if err != nil {
		return err
	}
	return errors.Join(
		os.WriteFile(filepath.Join(plots, "runs.jsonl"), text, 0o644),
		os.WriteFile(filepath.Join(o.docs, "benchmarks.md"), []byte(results.document(true)), 0o644))
}

// among tells whether name is in a list separated by commas; an empty list has all.
func among(list, name string) bool {
	return list == "" || strings.Contains(","+list+",", ","+name+",")
}
