package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Machine is what the figures depend on.
type Machine struct {
	Date                          string
	Kernel, Processor, FileSystem string
	Processors                    int
	MemoryMB                      int64
	LoadBefore, LoadAfter         string
	Versions                      []string
}

func describeMachine(b *bench) Machine {
	var system unix.Utsname
	_ = unix.Uname(&system)
	memory, _ := os.ReadFile("/proc/meminfo")
	return Machine{
		Date:       time.Now().Format(time.DateOnly),
		Kernel:     unix.ByteSliceToString(system.Sysname[:]) + " " + unix.ByteSliceToString(system.Release[:]),
		Processor:  processorName(),
		FileSystem: output("findmnt", "--noheadings", "--output=FSTYPE", "--target", b.dir) + " for the logs, " + output("findmnt", "--noheadings", "--output=FSTYPE", "--target", b.stateRoot) + " for sluice's state directory",
		Processors: runtime.NumCPU(),
		MemoryMB:   numberBehind(append([]byte{'\n'}, memory...), "\nMemTotal:") / 1000,
		LoadBefore: loadAverage(),
		Versions:   versions(b),
	}
}

// versions of sluice and of the peers' packages, where dpkg knows them.
func versions(b *bench) []string {
	list := []string{output(b.product("sluice-harness"), "--version"), "Go " + strings.TrimPrefix(runtime.Version(), "go")}
	for _, name := range []string{"s6", "runit", "daemontools", "apache2-utils", "coreutils", "logrotate", "gcc"} {
		if version := output("dpkg-query", "--show", "--showformat=${Version}", name); version != "" {
			list = append(list, name+" "+version)
		}
	}
	return list
}

func processorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return "unknown"
}

func loadAverage() string {
	text, _ := os.ReadFile("/proc/loadavg")
	fields := strings.Fields(string(text))
	if len(fields) < 3 {
		return ""
	}
	return fmt.Sprintf("%s %s %s", fields[0], fields[1], fields[2])
}

// output is what a command prints, in one line, or "".
func output(name string, arguments ...string) string {
	text, err := exec.Command(name, arguments...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(strings.TrimSpace(string(text)), "\n")
	return line
}
