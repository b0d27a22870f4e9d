// Package unit tells what systemd does for the service of an agent, and which settings that
// the logger relies on are missing in its unit.
//
// It asks systemctl(1), whose output is made for programs. It changes nothing, and says
// nothing of a machine that systemd does not run.
package unit

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path"
	"strings"
	"time"

	"sluice/core/cgroup"
	"sluice/core/rotation/script"
	"sluice/core/sandbox"
)

// Names are those of the units that packages of Mesos and Clusterd bring.
var Names = []string{"mesos-agent.service", "mesos-slave.service"}

// DropIn is what the package of the logger puts beside them.
const DropIn = "10-sluice.conf"

// patience is how long systemctl may take.
const patience = 20 * time.Second

// Booted tells whether systemd runs the machine (sd_booted(3)).
func Booted() bool {
	info, err := os.Lstat("/run/systemd/system")
	return err == nil && info.IsDir()
}

// Of gives the service that a process belongs to, or "" if it is in none.
func Of(pid int) string {
	groups, err := cgroup.Of(pid, cgroup.Systemd)
	if err != nil {
		return ""
	}
	return inGroups(groups)
}

func inGroups(all []cgroup.Group) string {
	for _, g := range all {
		// A delegated unit may have groups of its own below.
		for group := g.Path; group != "/" && group != "."; group = path.Dir(group) {
			if strings.HasSuffix(group, ".service") {
				return path.Base(group)
			}
		}
	}
	return ""
}

// Properties are the settings of a unit that are in force in systemd, by their names.
type Properties map[string]string

// asked are the properties to ask for.
const asked = "LoadState,MainPID,FileDescriptorStoreMax,NotifyAccess,KillMode,TasksMax,LimitNOFILESoft"

// ErrNotLoaded says that there is no such unit.
var ErrNotLoaded = errors.New("there is no such unit")

// Show asks systemd. It blocks until that has answered.
func Show(name string, log *slog.Logger) (Properties, error) {
	answer, writing, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	dir, err := sandbox.Open("/")
	if err != nil {
		return nil, errors.Join(err, writing.Close())
	}
	defer dir.Close()
	runner := &script.Runner{Dir: dir, Timeout: patience, Env: script.Environment(nil), Log: log}
	err = runner.Run(script.Command{
		Name: "systemctl", Args: []string{"systemctl", "show", "--property=" + asked, "--", name}, Stdout: writing,
	})
	if err = errors.Join(err, writing.Close()); err != nil {
		return nil, fmt.Errorf("ask systemd for %s: %w", name, err)
	}
	text, err := io.ReadAll(io.LimitReader(answer, 64<<10))
	if err != nil {
		return nil, fmt.Errorf("ask systemd for %s: %w", name, err)
	}
	p := parse(string(text))
	if p["LoadState"] != "loaded" {
		return nil, fmt.Errorf("%s: %w", name, ErrNotLoaded)
	}
	return p, nil
}

func parse(text string) Properties {
	p := Properties{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), "="); ok {
			p[name] = value
		}
	}
	return p
}
