// Attacks measures what one container can do to the others of its agent: tasks that fight
// the logger run beside honest ones, in a host that serves them as the agent does. It tells
// how long a neighbour's lines take, how long launches do, what the host spends, and what
// is gone of the honest containers' rotated files. docs/neighbours.md has the table.
//
// It needs root: the attackers run as another user.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"time"
)

func main() {
	if role := os.Getenv(roleVariable); role != "" {
		act(role)
		return
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "attacks:", err)
		os.Exit(1)
	}
}

// options are those of the command line.
type options struct {
	planted int
	last    time.Duration
	work    string
	only    string
	json    string
	one     string
	profile string
	log     bool
}

func run(args []string) error {
	var o options
	flags := flag.NewFlagSet("attacks", flag.ContinueOnError)
	flags.IntVar(&o.planted, "planted", 300_000, "names that an attacker plants for each of its streams")
	flags.DurationVar(&o.last, "last", 20*time.Second, "how long is measured once all attackers are at it")
	flags.StringVar(&o.work, "work", "", "directory for the sandboxes (default: a new one in the temporary directory)")
	flags.StringVar(&o.only, "only", "", "names of attacks, with commas between them (default: all)")
	flags.StringVar(&o.json, "json", "", "file for the figures")
	flags.StringVar(&o.one, "one", "", "name of one attack, to be made in this process")
	flags.StringVar(&o.profile, "profile", "", "file for a profile of the host's processor time")
	flags.BoolVar(&o.log, "log", false, "print what the logger says")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil
		}
		return err
	}
	if os.Geteuid() != 0 {
		return errors.New("the attackers run as the user nobody: expected root")
	}
	log := slog.New(slog.DiscardHandler)
	if o.log {
		log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	}
	if o.one != "" {
		return one(o, log)
	}
	var all []figures
	fmt.Println(header)
	for _, a := range attacks {
		if o.only != "" && !strings.Contains(","+o.only+",", ","+a.name+",") {
			continue
		}
		f, err := apart(a, args)
		if err != nil {
			return fmt.Errorf("%s: %w", a.name, err)
		}
		fmt.Println(f.row())
		all = append(all, f)
	}
	if o.json != "" {
		text, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			return err
		}
		if err := os.WriteFile(o.json, append(text, '\n'), 0o644); err != nil {
			return err
		}
	}
	return harm(all)
}

// harm says what no load of the machine excuses: files of others that are gone, and launches
// that failed.
func harm(all []figures) error {
	var problems []error
	for _, f := range all {
		if f.Lost > 0 || f.Failed > 0 {
			problems = append(problems, fmt.Errorf("%s: %d files of honest containers are gone, %d launches failed; expected none", f.Attack, f.Lost, f.Failed))
		}
	}
	return errors.Join(problems...)
}

// one makes one attack and prints its figures as JSON.
func one(o options, log *slog.Logger) error {
	for _, a := range attacks {
		if a.name == o.one {
			f, err := measure(a, o, log)
			if err != nil {
				return err
			}
			return json.NewEncoder(os.Stdout).Encode(f)
		}
	}
	return fmt.Errorf("there is no attack %q", o.one)
}

// apart makes an attack in a process of its own, whose memory and time are its own.
func apart(a attack, args []string) (f figures, err error) {
	host := exec.CommandContext(context.Background(), "/proc/self/exe", append(args, "-one", a.name)...)
	host.Stderr = os.Stderr
	text, err := host.Output()
	if err != nil {
		return f, err
	}
	return f, json.Unmarshal(text, &f)
}
