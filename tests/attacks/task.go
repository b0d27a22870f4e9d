package main

import (
	"bytes"
	"fmt"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// roleVariable has the role of an attacker's process; its working directory is its sandbox,
// its standard output and error are the logger's.
const (
	roleVariable    = "SLUICE_ATTACK"
	plantedVariable = "SLUICE_PLANTED"
)

// The roles.
const (
	roleTalk          = "talk"
	roleFlood         = "flood"
	rolePlantNumbered = "plant numbered"
	rolePlantDated    = "plant dated"
	rolePlantLong     = "plant long"
	rolePlantLocked   = "plant locked"
	roleLong          = "long"
	roleHole          = "hole"
	rolePackets       = "packets"
)

// readyName is made in the sandbox by an attacker that has made its preparations.
const readyName = "ready"

// act does what a role says until it is killed.
func act(role string) {
	planted := 0
	_, _ = fmt.Sscan(os.Getenv(plantedVariable), &planted)
	switch role {
	case rolePlantNumbered:
		plant(planted, 0, "%s.%d")
	case rolePlantDated:
		plant(planted, 0, "%s-20200101.%d")
	case rolePlantLong:
		plant(min(planted, 100_000), 1<<20, "%s-20200101.%d")
	case rolePlantLocked:
		plant(300, 1<<20, "%s-20200101.%d")
		ready()
		must(os.Chmod(".", 0o555))
		talk()
	case roleLong:
		must(os.Truncate("stdout", 45<<20))
		must(os.Truncate("stderr", 45<<20))
	case roleHole:
		ready()
		holes()
	case rolePackets:
		for _, f := range []*os.File{os.Stdout, os.Stderr} {
			_, err := unix.FcntlInt(f.Fd(), unix.F_SETFL, unix.O_DIRECT)
			must(err)
		}
	}
	ready()
	if role == roleFlood {
		flood()
	}
	talk()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func ready() { must(os.WriteFile(readyName, nil, 0o600)) }

// plant makes files without data, of a length that costs nothing, under names of both series.
func plant(count int, length int64, names string) {
	for _, stream := range []string{"stdout", "stderr"} {
		for i := range count {
			f, err := os.OpenFile(fmt.Sprintf(names, stream, i+1), os.O_CREATE|os.O_WRONLY, 0o600)
			if err != nil {
				continue // the logger has moved it meanwhile
			}
			must(f.Truncate(length))
			must(f.Close())
		}
	}
}

// talk prints a megabyte a second on both streams.
func talk() {
	text := bytes.Repeat([]byte("a line of an attacker, whose other end is far away\n"), 1<<20/20/51)
	for {
		_, _ = os.Stdout.Write(text)
		_, _ = os.Stderr.Write(text)
		time.Sleep(50 * time.Millisecond)
	}
}

// flood prints as fast as it goes.
func flood() {
	text := bytes.Repeat([]byte("a line of an attacker, whose other end is far away\n"), 1300)
	for {
		_, _ = os.Stdout.Write(text)
		_, _ = os.Stderr.Write(text)
	}
}

// holes extends the live files to just below their limit before each line.
func holes() {
	for i := 0; ; i++ {
		for stream, f := range map[string]*os.File{"stdout": os.Stdout, "stderr": os.Stderr} {
			_, _ = f.WriteString("x\n")
			_ = os.Truncate(stream, 10<<20-1)
			_, _ = fmt.Fprintf(f, "%d\n", i)
		}
		time.Sleep(time.Millisecond)
	}
}
