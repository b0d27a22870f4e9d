package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"sluice/core/engine"
	"sluice/tests/kit"
	"sluice/tests/kit/host"
)

// own serves the streams until it is killed, or all of them have ended: where the run's
// directory, how many containers to start, and their rate and time.
func own(args []string) error {
	terminate := make(chan os.Signal, 1)
	signal.Notify(terminate, unix.SIGTERM)
	place := args[0]
	containers, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	h, err := host.Open(slog.New(slog.NewTextHandler(os.Stderr, nil)), parameters(place))
	if err != nil {
		return err
	}
	for i := range containers {
		launch := engine.Launch{ContainerID: fmt.Sprintf("c%d", i), Sandbox: box(place, i)}
		if err := h.Start(launch, uint32(os.Getuid()), args[2:]...); err != nil {
			return err
		}
	}
	go kit.Answer(func() any { return struct{}{} })
	<-terminate
	for h.Engine.Metrics().Streams > 0 {
		kit.Reap()
		time.Sleep(time.Millisecond)
	}
	h.Engine.Close()
	return nil
}

// padding makes lines of usual length.
var padding = " " + strings.Repeat("x", 59) + "\n"

// contain prints lines with their own clock, at a rate and for a time.
func contain(args []string) error {
	rate, err := strconv.Atoi(args[0])
	if err != nil {
		return err
	}
	last, err := time.ParseDuration(args[1])
	if err != nil {
		return err
	}
	began, lines := time.Now(), rate*int(last/time.Second)
	for i := range lines {
		due := began.Add(time.Duration(i) * time.Second / time.Duration(rate))
		if wait := time.Until(due); wait > time.Millisecond {
			time.Sleep(wait)
		}
		if _, err := io.WriteString(os.Stdout, strconv.FormatInt(time.Now().UnixNano(), 10)+padding); err != nil {
			return err
		}
	}
	return nil
}
