// Times measures how right the times of lines are: containers print their own clock, and the
// time index of their logs is held against it. With -kills the owner is killed again and
// again meanwhile. It prints a table; a line whose time is before it was printed fails it.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"sluice/core/settings"
	"sluice/tests/kit"
)

func main() { kit.Main("times", own, contain, run) }

// work is one row of the table.
type work struct {
	Streams, Rate int // lines a second, of each stream
	Last          time.Duration
	Kills         int
}

func run() error {
	last := flag.Duration("last", 10*time.Second, "how long each row is measured")
	most := flag.Int("most", 100_000, "lines a second that a row has at most, of all streams together")
	kills := flag.Int("kills", 0, "how often the owner is killed in one more row, of 10 streams")
	flag.Parse()
	var works []work
	for _, streams := range []int{1, 10, 100, 1000} {
		for rate := 1; streams*rate <= *most; rate *= 10 {
			works = append(works, work{Streams: streams, Rate: rate, Last: *last})
		}
	}
	if *kills > 0 {
		works = append(works, work{10, 1000, time.Duration(4**kills) * killEvery, *kills})
	}
	fmt.Println("| streams | lines/s of each | kills | lines | exact | p50 | p99 | most | ranges, most | before |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|---|")
	var failed error
	for _, w := range works {
		failed = errors.Join(failed, w.measure())
	}
	return failed
}

// measure runs a row and prints it.
func (w work) measure() error {
	place, err := os.MkdirTemp("", "sluice-times-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(place)
	if err := w.drive(place); err != nil {
		return err
	}
	var all figures
	for i := range w.Streams {
		if err := all.compare(box(place, i)); err != nil {
			return err
		}
	}
	fmt.Printf("| %d | %d | %d | %d | %s |\n", w.Streams, w.Rate, w.Kills, all.lines, all.row())
	if want := w.Streams * w.Rate * int(w.Last/time.Second); all.lines != want {
		return fmt.Errorf("%d lines are in the logs; expected %d", all.lines, want)
	}
	if all.before > 0 {
		return fmt.Errorf("%d lines have a time before they were printed", all.before)
	}
	return nil
}

// killEvery is how long an owner lives.
const killEvery = 500 * time.Millisecond

// drive has owners serve the containers until these have ended.
func (w work) drive(place string) error {
	log := filepath.Join(place, "log")
	arguments := []string{kit.OwnRole, place, strconv.Itoa(w.Streams), strconv.Itoa(w.Rate), w.Last.String()}
	for i := 0; ; i++ {
		owner, err := kit.Start(log, arguments...)
		if err != nil {
			return err
		}
		if err := owner.Ask(&struct{}{}); err != nil {
			return err
		}
		if i == w.Kills {
			return owner.Terminate()
		}
		time.Sleep(killEvery)
		owner.Kill()
		arguments = append(arguments[:2], "0", "0", "0s") // the containers live on
	}
}

func box(place string, i int) string { return filepath.Join(place, fmt.Sprintf("c%d", i)) }

func parameters(place string) []settings.Parameter {
	return []settings.Parameter{
		{Key: "state_dir", Value: filepath.Join(place, "state")},
		{Key: "max_stdout_size", Value: "1MB"},
		{Key: "logrotate_stdout_options", Value: "rotate 10000"},
		{Key: "prepare_timeout", Value: "10mins"},
	}
}

// clock is the time that a line tells, which begins with it.
func clock(line string) (time.Time, error) {
	text, _, _ := strings.Cut(line, " ")
	nanos, err := strconv.ParseInt(text, 10, 64)
	return time.Unix(0, nanos), err
}
