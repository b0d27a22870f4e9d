package main

import "fmt"

// idle starts containers that write nothing, both streams each, and looks at what
// they cost while nothing happens. For sluice it is done first with one container:
// what the rest adds is the containers'.
func idle(b *bench, l Logger, z size) (Run, error) {
	containers := z.IdlePeers
	run := Run{Logger: l.Name}
	if l.Name == sluiceName {
		containers = z.IdleContainers
		one, err := idleOnce(b, l, 1, z.IdleSeconds)
		if err != nil {
			return run, err
		}
		run.BasePssBytes, run.BaseThreads = one.PssBytes, one.Threads
	}
	many, err := idleOnce(b, l, containers, z.IdleSeconds)
	many.BasePssBytes, many.BaseThreads = run.BasePssBytes, run.BaseThreads
	return many, err
}

func idleOnce(b *bench, l Logger, containers int, seconds int64) (Run, error) {
	count := 2 * containers
	arguments := []string{number("streams", int64(count)), number("rate", 0), number("seconds", seconds)}
	run := Run{Logger: l.Name, Streams: count}
	err := b.session(l, "bench-paced", arguments, count, streams{}.usual(), func(s *session, w *writer) error {
		before, after, r, err := observe(s, w)
		run.take(before, after, r)
		return err
	})
	if err != nil {
		return run, fmt.Errorf("%d idle containers: %w", containers, err)
	}
	return run, nil
}
